"""The states of several runs of SVGD in a few tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from labkit import svgd


class Batch(NamedTuple):
    """The states of several runs.

    Attributes:
        moving: x, score, phi, drive, repulsion, and the memory of the optimiser if it has one: (runs, 5 or 6, n, d).
        bandwidth, ksd: (runs).
    """

    moving: Tensor
    bandwidth: Tensor
    ksd: Tensor

    def state(self) -> svgd.State:
        """Return the states as one."""
        x, score, phi, drive, repulsion, *memory = (each.contiguous() for each in self.moving.unbind(1))
        return svgd.State(
            x, score, phi, drive, repulsion, self.bandwidth, self.ksd, memory=memory[0] if memory else None
        )

    def each(self, before: Sequence[svgd.State]) -> list[svgd.State]:
        """Return the state of each run, one step after `before`.

        No run keeps the memory of others: a kept part of a batch would keep the whole batch.
        """
        if self.moving.device.type == "cpu":
            # torch lets other threads continue during a copy, and waits for its turn again: that takes longer
            parts = [[*map(torch.from_numpy, run.copy())] for run in self.moving.numpy(force=True)]
        else:
            parts = [[*run.clone()] for run in self.moving]
        numbers = zip(parts, before, self.bandwidth.unbind(), self.ksd.unbind(), strict=True)
        return [
            svgd.State(x, score, phi, drive, repulsion, h, ksd, state.t + 1, memory[0] if memory else None)
            for (x, score, phi, drive, repulsion, *memory), state, h, ksd in numbers
        ]


def joined(state: svgd.State) -> Batch:
    """Return a state of several runs as a batch."""
    return Batch(torch.stack(moving(state), 1), state.bandwidth, state.ksd)


def moving(state: svgd.State) -> list[Tensor]:
    memory = [] if state.memory is None else [state.memory]
    return [state.x, state.score, state.phi, state.drive, state.repulsion, *memory]
