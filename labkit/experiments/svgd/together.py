"""One step of several runs of SVGD with the same settings, as a batch."""

import operator
from collections.abc import Hashable, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from labkit import svgd
from labkit.experiments.svgd.particles import ParticlesSettings

TENSORS = [field.name for field in fields(svgd.State) if field.name not in ("t", "memory")]
FEW = 20_000  # pairs of particles; of larger runs a batch is not quicker
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
        self._last: tuple[list[svgd.State], svgd.State] | None = None  # the states of the last step, and their batch
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

    def step(self, states: Sequence[svgd.State]) -> list[svgd.State]:
        """Return the states one step later.

        Raises:
            RuntimeError: the settings have changed meanwhile.
        """
        settings = self._settings()
        after = self.run.step(self._joined(states))
        if self._read() != settings:
            raise RuntimeError("the settings have changed during the step")
        moving, memories = _moving(after)
        parts = zip(states, moving, memories, after.bandwidth.unbind(), after.ksd.unbind(), strict=True)
        found = [
            svgd.State(x, score, phi, drive, repulsion, h, ksd, state.t + 1, memory)
            for state, (x, score, phi, drive, repulsion), memory, h, ksd in parts
        ]
        self._last = found, after
        return found

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

    def _joined(self, states: Sequence[svgd.State]) -> svgd.State:
        """Return the states as a batch. That of the last step is still there if the runs are the same."""
        last = self._last
        if last and len(last[0]) == len(states) and all(map(operator.is_, last[0], states)):
            return last[1]
        joined = {name: torch.stack([getattr(state, name) for state in states]) for name in TENSORS}
        memory = None if states[0].memory is None else torch.stack([state.memory for state in states])
        return svgd.State(**joined, t=0, memory=memory)


def _moving(batch: svgd.State) -> tuple[list[Sequence[Tensor]], list[Tensor | None]]:
    """Return x, score, phi, drive and repulsion of each run, and its memory of the optimiser.

    No run keeps the memory of others: a kept part of a batch would keep the whole batch.
    """
    tensors = [batch.x, batch.score, batch.phi, batch.drive, batch.repulsion]
    together = torch.stack(tensors if batch.memory is None else [*tensors, batch.memory], 1)
    if together.device.type == "cpu":
        # torch lets other threads continue during a copy, and waits for its turn again: that takes longer than the copy
        found = [[*map(torch.from_numpy, run.copy())] for run in together.numpy(force=True)]
    else:
        found = [[*run.clone()] for run in together]
    return [each[:5] for each in found], [each[5] if each[5:] else None for each in found]
