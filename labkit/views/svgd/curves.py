"""Numbers against steps: the discrepancy, the errors of the moments, the bandwidth, the accuracy."""

from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np

from labkit import svgd
from labkit.views.palette import DRIVE, PARTICLES, REPULSION


class Curves:
    """A few numbers of the state against the step, on one axis.

    Args:
        title: above the picture.
        numbers: name -> function of the state; the name is the curve's in the legend.
        unit: of the axis.
        log: whether the axis is logarithmic; what is not positive is then left out.
        legend: the corner that the curves leave free.
    """

    follows = True
    automatic = True  # the ranges follow the data

    def __init__(
        self, title: str, numbers: dict[str, Callable], unit: str = "", log: bool = True, legend: str = "top_right"
    ):
        self.title, self.numbers, self.unit, self.log, self.legend = title, numbers, unit, log, legend

    @property
    def declaration(self) -> tuple:
        """What the picture depends on but the columns."""
        return self.title, tuple(self.numbers), self.unit, self.log

    def record(self, state: Any) -> dict[str, float]:
        """A row of the run's table."""
        return {f"{self.title}: {name}": float(number(state)) for name, number in self.numbers.items()}

    def picture(self, state: Any) -> hv.Overlay:
        """A curve for each number."""
        looks = zip((PARTICLES, DRIVE, REPULSION), ("solid", "dashed", "dotted"), strict=True)
        layers = [
            hv.Curve(([0.0], self._shown([y])), "x", "y", label=name).opts(color=color, line_width=2, line_dash=dash)
            for name, y, (color, dash) in zip(self.numbers, self.record(state).values(), looks, strict=False)
        ]
        return hv.Overlay(layers).opts(
            xlim=(0, 1), ylim=(0.1, 1), title=self.title, xlabel="step", ylabel=self.unit, logy=self.log,
            show_legend=len(layers) > 1, legend_position=self.legend,
        )  # fmt: skip

    def columns(self, state: Any, past) -> dict[str, dict]:
        """All kept steps, up to the one that is shown."""
        steps = np.array(past.marks, dtype=float)
        upto = steps <= past.marks[past.states.index(state)] if state in past.states else slice(None)
        return {
            name: {"x": steps[upto], "y": self._shown(past.table[f"{self.title}: {name}"])[upto]}
            for name in self.numbers
            if f"{self.title}: {name}" in past.table
        }

    def _shown(self, values: list[float]) -> np.ndarray:
        values = np.array(values, dtype=float)
        return np.where(np.isfinite(values) & ((values > 0) | (not self.log)), values, np.nan)


def discrepancy(score, kernel, length: float) -> Curves:
    """KSD under a kernel that stays as it was at the start, so that its values compare."""
    return Curves("Stein discrepancy", {"KSD": lambda s: svgd.ksd(s.x, score, kernel, length)}, "KSD")


def moment_errors(density: Callable) -> Curves:
    """How far the particles' mean and variance are from the target's own, averaged over the dimensions.

    Args:
        density: () -> the target; asked at every step, for its modes may be moved.
    """

    def mean(state):
        return (state.x.mean(-2).cpu().double() - density().mean).abs().mean()

    def variance(state):
        exact = density().covariance.diagonal()
        return (state.x.var(-2, correction=0).cpu().double() - exact).abs().mean()

    return Curves("Error of the moments", {"mean": mean, "variance": variance}, "|error|")


def accuracy(target) -> Curves:
    """Accuracy on the held-out rows of a Bayesian classifier."""
    return Curves("Test accuracy", {"accuracy": lambda s: target.accuracy(s.x)}, "fraction right", log=False)


def bandwidth() -> Curves:
    """The kernel's length, of SVGD only; its mean over the dimensions where each has its own."""
    return Curves("Bandwidth", {"h": lambda s: s.bandwidth.mean()}, "h")
