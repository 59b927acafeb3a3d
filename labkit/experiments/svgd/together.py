"""Steps of several runs of SVGD with the same settings, as a batch."""

import operator
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from labkit import svgd
from labkit.experiments.svgd.ahead import Ahead
from labkit.experiments.svgd.batch import Batch, joined, moving
from labkit.experiments.svgd.particles import ParticlesSettings

FEW = 20_000  # pairs of particles; of larger runs a batch is not quicker
MANY = 8  # runs from which the second process takes the steps
PLAIN = "plain"
OPTIMIZERS = ("adagrad", PLAIN)  # their memory has no count of steps
RULES = ("median", "fixed")  # they depend on the particles alone


class Together:
    """Takes steps of SVGD for several runs with the same settings, see `labkit.engine.Steps`.

    Args:
        run: the settings of the run, read at each step.
    """

    def __init__(self, run: ParticlesSettings):
        self.run, self._version = run, 0
        self._known: tuple[int, Hashable] = -1, None  # a version of the settings, and what `_read` returned for it
        self._last: tuple[list[svgd.State], Batch] | None = None  # the states of the last step, and their batch
        self._ahead = Ahead()
        run.param.watch(self._changed, list(run.param))

    def key(self, state: Any) -> Hashable | None:
        """Return what runs must share to be stepped as a batch; None if this one must step alone."""
        settings = self._settings()
        if settings is None or not isinstance(state, svgd.State) or state.x.dim() != 2:
            return None
        n, dim = state.x.shape
        # after a change of the settings, the state still has the memory of the optimiser before
        fits = state.memory is None if self.run.optimizer == PLAIN else isinstance(state.memory, Tensor)
        return (n, dim, state.x.device, state.x.dtype, settings) if fits and n * n <= FEW else None

    def step(self, states: Sequence[svgd.State], most: int = 1) -> list[list[svgd.State]]:
        """Return the states after the next step, or after several if the second process has taken these already.

        Raises:
            RuntimeError: the settings have changed meanwhile.
        """
        settings, batch = self._settings(), self._joined(states)
        ready = self._ahead.take(batch, settings, self.run.param.values(), most) if len(states) >= MANY else []
        batches = ready or [joined(self.run.step(batch.state()))]
        if self._read() != settings:
            raise RuntimeError("the settings have changed during the step")
        later: list[list[svgd.State]] = []
        for each in batches:
            later.append(each.each(later[-1] if later else states))
        self._last = later[-1], batches[-1]
        return later

    def _settings(self) -> Hashable | None:
        """Return the settings that runs must share. To read them takes long, so this is done after changes only."""
        version = self._version
        if self._known[0] != version:
            self._known = version, self._read()
        return self._known[1]

    def _changed(self, *_: Any) -> None:
        self._version += 1

    def _read(self) -> Hashable | None:
        """Return the settings that runs must share; None if they step alone."""
        run = self.run
        fitting = run.optimizer in OPTIMIZERS and run.bandwidth in RULES and run.temper == "none" and not run.batch
        return (run.kernel, run.bandwidth, run.length, run.optimizer, run.step_size, run.described) if fitting else None

    def _joined(self, states: Sequence[svgd.State]) -> Batch:
        """Return the states as a batch. That of the last step is still there if the runs are the same."""
        last = self._last
        if last and len(last[0]) == len(states) and all(map(operator.is_, last[0], states)):
            return last[1]
        bandwidth, ksd = (torch.stack([getattr(each, name) for each in states]) for name in ("bandwidth", "ksd"))
        return Batch(torch.stack([torch.stack(moving(each)) for each in states]), bandwidth, ksd)
