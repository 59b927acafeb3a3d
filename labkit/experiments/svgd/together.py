"""One step of several runs of SVGD with the same settings, as a batch."""

import operator
from collections.abc import Hashable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
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
        self.run = run
        self._last: tuple[list[svgd.State], svgd.State] | None = None  # the states of the last step, and their batch

    def key(self, state: Any) -> Hashable | None:
        """Return what runs must share to be stepped as a batch; None if this one must step alone."""
        run = self.run
        fitting = run.optimizer in OPTIMIZERS and run.bandwidth in RULES and run.temper == "none" and not run.batch
        if not fitting or not isinstance(state, svgd.State) or state.x.dim() != 2:
            return None
        n, dim = state.x.shape
        # after a change of the settings, the state still has the memory of the optimiser before
        fits = state.memory is None if run.optimizer == PLAIN else isinstance(state.memory, Tensor)
        if n * n > FEW or not fits:
            return None
        how = run.kernel, run.bandwidth, run.length, run.optimizer, run.step_size
        return n, dim, state.x.device, state.x.dtype, run.described, how

    def step(self, states: Sequence[svgd.State]) -> list[svgd.State]:
        """Return the states one step later."""
        after = self.run.step(self._joined(states))
        parts = {name: _parts(getattr(after, name)) for name in TENSORS}
        memories = [None] * len(states) if after.memory is None else _parts(after.memory)
        found = [
            svgd.State(**{name: parts[name][i] for name in TENSORS}, t=state.t + 1, memory=memories[i])
            for i, state in enumerate(states)
        ]
        self._last = found, after
        return found

    def _joined(self, states: Sequence[svgd.State]) -> svgd.State:
        """Return the states as a batch. That of the last step is still there if the runs are the same."""
        last = self._last
        if last and len(last[0]) == len(states) and all(map(operator.is_, last[0], states)):
            return last[1]
        joined = {name: torch.stack([getattr(state, name) for state in states]) for name in TENSORS}
        memory = None if states[0].memory is None else torch.stack([state.memory for state in states])
        return svgd.State(**joined, t=0, memory=memory)


def _parts(many: Tensor) -> list[Tensor]:
    """Return the part of each run as a separate tensor: a kept view would keep the whole batch."""
    if many.device.type != "cpu":
        return [part.clone() for part in many.unbind()]
    # torch lets other threads continue during each copy, and waits for its turn again: that takes longer than the copy
    return [torch.from_numpy(np.array(part)) for part in many.numpy(force=True)]
