"""One step of the optimiser, the same arithmetic on a CPU, on a GPU, and inside a CUDA graph.

Nothing here reads a number back from the device but `read`: a step that is not finite is found and left out by the
device itself (Adam's `found_inf`, made for gradient scalers, leaves weights and memory as they are).
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
    """A task's loss as a module's forward pass, which is where Fabric shares gradients and sets the precision.

    The call takes whole numbers alone. Fabric casts every floating-point argument to the lower precision, and images
    or the weight of the KL that went through it would lose their digits.
    """

    def __init__(self, task: Task, data: Data, beta: Tensor):
        super().__init__()
        self.module, self._task, self._data, self._beta = task.module, task, data, beta

    def forward(self, index: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        batch = self._task.batch(self._data, index, generator)
        return self._task.loss(self.module, batch, generator, self._beta)


class Step:
    """What changes during a run, and the function `advance` that changes it.

    Args:
        fabric: of `devices.launch`.

    Attributes:
        index: the rows of the data that the next step takes.
        optimizer, average, generator: their memory goes into a checkpoint.
        hold: 1 makes a step that changes nothing, 0 all others.
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
        self._counts = torch.zeros(2, dtype=torch.float64, device=device)  # steps taken, steps left out

    def prepare(self, index: Tensor, step: int, steps: int) -> None:
        """Set what the step of this number takes: rows, learning rate, weights of the KL and of the average."""
        self.index.copy_(index)
        self.optimizer.param_groups[0]["lr"].fill_(schedules.rate(self.settings, step, steps))
        self.beta.fill_(schedules.beta(self.settings, step))
        self.weight.fill_(1 - schedules.decay(self.settings, step))

    def advance(self) -> None:
        """Draw a batch, descend, average; or change nothing but the noise and the count if a number is not finite."""
        self.optimizer.zero_grad(set_to_none=True)
        found = self.objective(self.index, self.generator)
        self.fabric.backward(found["loss"])
        grads = [w.grad for w in self.weights if w.grad is not None]
        norm = nn.utils.get_total_norm(grads)
        values = torch.stack([*(found[name].detach().double() for name in NUMBERS), norm.double()])
        if self.fabric.world_size > 1:
            values = cast(Tensor, self.fabric.all_reduce(values, reduce_op="mean"))  # one process's fault is everyone's
        bad = (~values.isfinite().all()).float().maximum(self.hold)
        self._clip(norm)
        self.optimizer.found_inf = bad  # type: ignore[attr-defined]  # an attribute that only gradient scalers set
        self.optimizer.step()
        self.average.update(self.weight * (1 - bad))
        self._sums += torch.where(bad > 0, 0, values)
        self._counts += torch.stack([1 - bad, bad])

    def _clip(self, norm: Tensor) -> None:
        """Shorten each gradient by itself, or all of them by their common norm, or none."""
        if self.settings.clip_each:
            for weight in self.weights:
                nn.utils.clip_grad_norm_(weight, self.settings.clip_each)
        elif self.settings.clip:
            nn.utils.clip_grads_with_norm_(self.weights, self.settings.clip, norm)

    def read(self) -> tuple[dict[str, float], int]:
        """The means over the steps taken since the last call, NaN if there were none, and how many were left out."""
        sums, (taken, left) = self._sums.tolist(), self._counts.tolist()
        self._sums.zero_()
        self._counts.zero_()
        means = [total / taken if taken else float("nan") for total in sums]
        return dict(zip([*NUMBERS, "norm"], means, strict=True)), int(left)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on but its number; the generators of all processes."""
        return {
            "module": self.task.module.state_dict(),
            "average": self.average.module.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
        }

    def generators(self) -> list[Tensor]:
        """The state of every process's generator; to be called by all of them."""
        mine = self.generator.get_state()
        if self.fabric.world_size == 1:
            return [mine]
        here = mine.to(self.fabric.device)
        every = [torch.empty_like(here) for _ in range(self.fabric.world_size)]
        torch.distributed.all_gather(every, here)
        return [each.cpu() for each in every]

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state` with its "generators".

        Raises:
            ValueError: it is of another network, or of another number of processes.
        """
        if len(state["generators"]) != self.fabric.world_size:
            raise ValueError(
                f"the checkpoint was made by {len(state['generators'])} processes, this run has "
                f"{self.fabric.world_size}; give the --devices of its config.json"
            )
        groups = self.optimizer.state_dict()["param_groups"]  # of the settings, not of the file
        try:
            self.task.module.load_state_dict(state["module"])
            self.average.module.load_state_dict(state["average"])
            self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        except (RuntimeError, ValueError) as error:
            lines = [line.strip() for line in str(error).splitlines()]
            raise ValueError(
                f"the checkpoint is of another network ({lines[min(1, len(lines) - 1)]}); "
                "take the network of its config.json, or another folder"
            ) from None
        self.generator.set_state(state["generators"][self.fabric.global_rank])
