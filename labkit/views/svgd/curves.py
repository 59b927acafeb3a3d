"""Numbers of the state against steps."""

from typing import Any

import holoviews as hv
import numpy as np

from labkit import course
from labkit.experiments.svgd.numbers import Numbers
from labkit.past import Past
from labkit.views import spans
from labkit.views.palette import DRIVE, PARTICLES, REPULSION
from labkit.views.spans import RANGE
from labkit.views.stage import ABOVE
from labkit.views.view import NO_CURVE, Columns, View
from labkit.words import listed


class Curves(View):
    """Numbers of the state against the step, on one axis: means, with bands from minimum to maximum.

    Args:
        numbers: the numbers; their names are in the legend.
    """

    automatic = True  # the ranges follow the data

    def __init__(self, numbers: Numbers):
        self.numbers, self.title = numbers, numbers.title
        self._row: tuple[Any, dict[str, float]] | None = None  # the newest state and its numbers

    @property
    def declaration(self) -> tuple:
        """What the picture depends on except the columns."""
        return self.numbers.heading, tuple(self.numbers.functions), self.numbers.unit, self.numbers.log

    def record(self, state: Any) -> dict[str, float]:
        """Return a row of the run's table."""
        row = self.numbers.record(state)
        self._row = state, row
        return row

    def picture(self, state: Any) -> hv.Overlay:
        """Return one curve per number."""
        looks = zip((PARTICLES, DRIVE, REPULSION), ("solid", "dashed", "dotted"), strict=True)
        shown = self.numbers
        numbers = list(zip(shown.functions, shown.record(state).values(), looks, strict=False))
        bands = [spans.band(name + RANGE, color) for name, _, (color, _) in numbers]
        lines = [
            hv.Curve(([0.0], spans.shown(np.array([y]), shown.log)), "x", "y", label=name).opts(
                color=color, line_width=2, line_dash=dash
            )
            for name, y, (color, dash) in numbers
        ]
        return hv.Overlay([*bands, *lines]).opts(
            xlim=(0, 1), ylim=(0.1, 1), title=shown.heading, xlabel="step", ylabel=shown.unit, logy=shown.log,
            show_legend=len(lines) > 1, **ABOVE,
        )  # fmt: skip

    def missing(self, state: Any, earlier: int) -> str:
        if self.numbers.without and not np.isfinite([*self.numbers.record(state).values()]).any():
            return self.numbers.without
        return "" if earlier else NO_CURVE  # a line needs two points

    def columns(self, state: Any, past: Past | None = None) -> Columns:
        """Return the intervals between kept steps, up to the shown step."""
        past = past or Past()
        steps = np.array(past.marks, dtype=float)
        end = past.states.index(state) + 1 if state in past.states else len(steps)
        found: dict[str, dict] = {}
        for name in self.numbers.functions:
            key = self.numbers.key(name)
            if key in past.names:
                known = np.flatnonzero(past.found(key)[:end])
                span = course.Span(*(part[known] for part in past.drawn(key)))
                found |= spans.curve(name, steps[known], span, self.numbers.log)
        return found

    def describe(self, state: Any, past: Past | None = None) -> str:
        """Return the numbers of the state if known, and at how many steps they were found, if not at all of them."""
        return " ".join(filter(None, (self._now(state), self._coverage(past))))

    def _now(self, state: Any) -> str:
        if self._row is None or self._row[0] is not state:  # to compute them again would cost too much
            return ""
        named = [(name, self._row[1][self.numbers.key(name)]) for name in self.numbers.functions]
        now = [f"{name} {value:.3g}" if len(named) > 1 else f"{value:.3g}" for name, value in named]
        return f"{self.numbers.heading}: {listed(now)}."

    def _coverage(self, past: Past | None) -> str:
        key = self.numbers.key(next(iter(self.numbers.functions)))
        if past is None or key not in past.names:
            return ""
        found, steps = past.found(key).sum(), past.rows.counts.sum()
        return f"{self.numbers.heading}: found at {found:,} of {steps:,} steps." if found < steps else ""
