"""One optimiser step has the same arithmetic on a CPU, on a GPU and inside a CUDA graph.

Only `read` reads numbers from the device. The device itself detects a step that is not finite and skips it. Adam's
`found_inf`, made for gradient scalers, then leaves weights and memory unchanged.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from labkit.training import schedules
from labkit.training.average import Average
from labkit.training.devices import Fabric
from labkit.training.settings import Settings
from labkit.training.task import NUMBERS, Data, Task


class Objective(nn.Module):
    """A task's loss as the forward pass of a module, in which Fabric shares gradients and sets the precision.

    A call gets only whole numbers. Fabric casts every floating-point argument to the lower precision, so images or the
    weight of the KL would lose digits.
    """

    def __init__(self, task: Task, data: Data, beta: Tensor):
        super().__init__()
        self.module, self._task, self._data, self._beta = task.module, task, data, beta

    def forward(self, index: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the task's loss for the rows `index`."""
        batch = self._task.batch(self._data, index, generator)
        return self._task.loss(self.module, batch, generator, self._beta)


class Step:
    """What changes during a run, and the function `advance` that changes it.

    Args:
        fabric: the result of `devices.launch`.

    Attributes:
        index: the rows of the data for the next step.
        optimizer, average, generator: their memory is part of a checkpoint.
        hold: 1 makes a step that changes nothing, 0 a normal step.
    """

    def __init__(self, fabric: Fabric, task: Task, settings: Settings, data: Data):
        self.fabric, self.task, self.settings = fabric, task, settings
        if settings.precision == "64":
            task.module.double()
        device, dtype = fabric.device, next(task.module.parameters()).dtype
        self.beta, self.weight = (torch.zeros((), dtype=dtype, device=device) for _ in range(2))
        self.hold = torch.zeros((), device=device)
        self.objective = fabric.setup_module(Objective(task, data, self.beta))
        self.weights = [w for w in task.module.parameters() if w.requires_grad]
        self.average = Average(task.module)
        lr = torch.tensor(settings.lr, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
        betas = (settings.beta1, settings.beta2)
        self.optimizer = torch.optim.Adam(self.weights, lr, betas, fused=True, capturable=device.type == "cuda")
        self.generator = torch.Generator(device).manual_seed(schedules.seed(settings.seed, "noise", fabric.global_rank))
        self.index = torch.zeros(settings.batch_size // fabric.world_size, dtype=torch.long, device=device)
        self._sums = torch.zeros(len(NUMBERS) + 1, dtype=torch.float64, device=device)
        self._counts = torch.zeros(2, dtype=torch.float64, device=device)  # steps done, steps skipped

    def prepare(self, index: Tensor, step: int, steps: int) -> None:
        """Set the inputs of the step with this number: rows, learning rate, weights of the KL and of the average."""
        self.index.copy_(index)
        self.optimizer.param_groups[0]["lr"].fill_(schedules.rate(self.settings, step, steps))
        self.beta.fill_(schedules.beta(self.settings, step))
        self.weight.fill_(1 - schedules.decay(self.settings, step))

    def advance(self) -> None:
        """Make one step: sample a batch, descend and average.

        If a number is not finite, only the noise and the count change.
        """
        self.optimizer.zero_grad(set_to_none=True)
        found = self.objective(self.index, self.generator)
        self.fabric.backward(found["loss"])
        grads = [w.grad for w in self.weights if w.grad is not None]
        norm = nn.utils.get_total_norm(grads)
        values = torch.stack([*(found[name].detach().double() for name in NUMBERS), norm.double()])
        if self.fabric.world_size > 1:
            values = cast(Tensor, self.fabric.all_reduce(values, reduce_op="mean"))  # all skip the step together
        bad = (~values.isfinite().all()).float().maximum(self.hold)
        self._clip(norm)
        self.optimizer.found_inf = bad  # type: ignore[attr-defined]  # normally only gradient scalers set it
        self.optimizer.step()
        self.average.update(self.weight * (1 - bad))
        self._sums += torch.where(bad > 0, 0, values)
        self._counts += torch.stack([1 - bad, bad])

    def _clip(self, norm: Tensor) -> None:
        """Shorten each gradient separately, or all by their common norm, or none."""
        if self.settings.clip_each:
            for weight in self.weights:
                nn.utils.clip_grad_norm_(weight, self.settings.clip_each)
        elif self.settings.clip:
            nn.utils.clip_grads_with_norm_(self.weights, self.settings.clip, norm)

    def read(self) -> tuple[dict[str, float], int]:
        """Return the means over the steps done since the last call, or NaN, and the number of skipped steps."""
        sums, (taken, left) = self._sums.tolist(), self._counts.tolist()
        self._sums.zero_()
        self._counts.zero_()
        means = [total / taken if taken else float("nan") for total in sums]
        return dict(zip([*NUMBERS, "norm"], means, strict=True)), int(left)

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on, except its number and the generators."""
        return {
            "module": self.task.module.state_dict(),
            "average": self.average.module.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
        }

    def generators(self) -> list[Tensor]:
        """Return the state of every process's generator; all processes must call it."""
        mine = self.generator.get_state()
        if self.fabric.world_size == 1:
            return [mine]
        here = mine.to(self.fabric.device)
        every = [torch.empty_like(here) for _ in range(self.fabric.world_size)]
        torch.distributed.all_gather(every, here)
        return [each.cpu() for each in every]

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a `state` with its "generators".

        Raises:
            ValueError: the state belongs to another network, or to another number of processes.
        """
        if len(state["generators"]) != self.fabric.world_size:
            raise ValueError(
                f"the checkpoint was made by {len(state['generators'])} processes, but this run has "
                f"{self.fabric.world_size}; give the --devices of its config.json"
            )
        groups = self.optimizer.state_dict()["param_groups"]  # these come from the settings, not from the file
        try:
            self.task.module.load_state_dict(state["module"])
            self.average.module.load_state_dict(state["average"])
            self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        except (RuntimeError, ValueError) as error:
            lines = [line.strip() for line in str(error).splitlines()]
            raise ValueError(
                f"the checkpoint belongs to another network ({lines[min(1, len(lines) - 1)]}); "
                "use the network of its config.json, or another folder"
            ) from None
        self.generator.set_state(state["generators"][self.fabric.global_rank])
