"""A run of DRAW as states: the strokes of one trace are shown in order, then the next trace starts."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from labkit import draw

REST = 8  # smallest number of steps for which finished images stay


@dataclass(frozen=True, eq=False)
class Drawing:
    """Images during drawing.

    Attributes:
        trace: the whole pass of the network.
        stroke: number of strokes; it is larger than `steps` while the finished images stay.
        t: steps of the run.
        sheet: the number of this trace in the run.
        image: the image that the network reads, (B, C, H, W); None without reading.
    """

    trace: draw.Trace
    stroke: int = 0
    t: int = 0
    sheet: int = 0
    image: Tensor | None = None

    @property
    def steps(self) -> int:
        """Number of strokes of the whole trace, T."""
        return len(self.trace.canvas)

    @property
    def rest(self) -> int:
        """Number of steps for which the finished images stay."""
        return max(REST, self.steps // 5)

    @property
    def shown(self) -> int:
        """Number of strokes on the canvas."""
        return min(self.stroke, self.steps)

    def canvas(self, stroke: int) -> Tensor:
        """Return the probabilities of ink after this number of strokes, (B, C, H, W)."""
        first = self.trace.start.expand(self.trace.canvas.shape[1:])
        return (self.trace.canvas[stroke - 1] if stroke else first).sigmoid()


def device_of(model: draw.DRAW) -> torch.device:
    """Return the device of a network's weights."""
    return model.posterior.weight.device


def onwards(state: Drawing, begin: Callable[[int], Drawing]) -> Drawing:
    """Return the state one stroke later. After a pause with finished images, `begin(sheet)` returns the next ones."""
    if state.stroke < state.steps + state.rest:
        return replace(state, stroke=state.stroke + 1, t=state.t + 1)
    return replace(begin(state.sheet + 1), t=state.t + 1)
