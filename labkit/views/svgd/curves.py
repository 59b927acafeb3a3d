"""Numbers against steps: the discrepancy, the errors of the moments, the bandwidth, the accuracy."""

from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np

from labkit import course, svgd
from labkit.past import Past
from labkit.views import spans
from labkit.views.palette import DRIVE, PARTICLES, REPULSION
from labkit.views.spans import RANGE
from labkit.views.view import Columns, View

RUNS_KSD = "KSD (run's kernel)"  # what State.ksd is called wherever it is shown


class Curves(View):
    """A few numbers of the state against the step, on one axis: means, with bands from the least to the greatest.

    Args:
        title: above the picture.
        numbers: name -> function of the state; the name is the curve's in the legend.
        unit: of the axis.
        log: whether the axis is logarithmic; what is not positive is then left out.
        legend: the corner that the curves leave free.
        heading: above the picture, where that is not the title, which the table's names begin with.
    """

    automatic = True  # the ranges follow the data

    def __init__(
        self,
        title: str,
        numbers: dict[str, Callable],
        unit: str = "",
        log: bool = True,
        legend: str = "top_right",
        heading: str = "",
    ):
        self.title, self.numbers, self.unit, self.log, self.legend = title, numbers, unit, log, legend
        self.heading = heading or title

    @property
    def declaration(self) -> tuple:
        """What the picture depends on but the columns."""
        return self.heading, tuple(self.numbers), self.unit, self.log

    def record(self, state: Any) -> dict[str, float]:
        """A row of the run's table."""
        return {self.key(name): float(number(state)) for name, number in self.numbers.items()}

    def key(self, name: str) -> str:
        """The name of a number in the table."""
        return f"{self.title}: {name}"

    def picture(self, state: Any) -> hv.Overlay:
        """A curve for each number."""
        looks = zip((PARTICLES, DRIVE, REPULSION), ("solid", "dashed", "dotted"), strict=True)
        numbers = list(zip(self.numbers, self.record(state).values(), looks, strict=False))
        bands = [spans.band(name + RANGE, color) for name, _, (color, _) in numbers]
        lines = [
            hv.Curve(([0.0], spans.shown(np.array([y]), self.log)), "x", "y", label=name).opts(
                color=color, line_width=2, line_dash=dash
            )
            for name, y, (color, dash) in numbers
        ]
        return hv.Overlay([*bands, *lines]).opts(
            xlim=(0, 1), ylim=(0.1, 1), title=self.heading, xlabel="step", ylabel=self.unit, logy=self.log,
            show_legend=len(lines) > 1, legend_position=self.legend,
        )  # fmt: skip

    def columns(self, state: Any, past: Past | None = None) -> Columns:
        """Every step in the intervals between kept ones, up to the one that is shown."""
        past = past or Past()
        steps = np.array(past.marks, dtype=float)
        end = past.states.index(state) + 1 if state in past.states else len(steps)
        found: dict[str, dict] = {}
        for name in self.numbers:
            if self.key(name) in past.names:
                span = course.Span(*(part[:end] for part in past.drawn(self.key(name))))
                found |= spans.curve(name, steps[:end], span, self.log)
        return found


class Discrepancy(Curves):
    """KSD under a kernel that stays as it was at the start, so that its values compare; its name says which.

    `State.ksd` is another number: it is taken under the run's kernel, whose bandwidth may change at every step.
    """

    OLDER = "Stein discrepancy: KSD"  # the column's name in files of before; it stays for programs that read it

    def __init__(self, score, kernel, length: float):
        self.length = length
        numbers = {"KSD": lambda s: svgd.ksd(s.x, score, kernel, length)}
        super().__init__("Stein discrepancy", numbers, "KSD, h of step 0", heading="KSD (fixed kernel)")

    def key(self, name: str) -> str:
        return f"{self.title}: {name} (fixed kernel, h = {self.length:.3g})"

    def record(self, state: Any) -> dict[str, float]:
        """A row of the run's table."""
        row = super().record(state)
        return row | {self.OLDER: next(iter(row.values()))}


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
