"""The bound of a run and its two parts against the steps, on axes that stay readable.

A run that starts at 540 nats and ends at 90 would show its end as a flat line. So the axis includes everything after
the first tenth of the steps, and cuts off higher values before that.
"""

from typing import NamedTuple

import holoviews as hv
import numpy as np

from labkit.experiments.runs.state import RunState, Table
from labkit.past import Past
from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import listed

MOST = 300  # maximum number of points in a training curve; more records are averaged in groups
STEEP = 0.1  # fraction of the steps that may be above the picture
ROOM = 0.1  # free margin above the curves, as a fraction of the range

Points = tuple[np.ndarray, np.ndarray]


class Series(NamedTuple):
    """A column of a state's table, in a colour: training ("metrics") as a line, tests ("epochs") as dots.

    named: whether it has an entry in the legend.
    """

    table: str
    column: str
    color: str
    named: bool = True

    @property
    def trains(self) -> bool:
        return self.table == "metrics"


class RunCurves(View):
    """A few columns of a run against the step, on one axis.

    Args:
        title: title of the picture.
        series: label -> column.
    """

    automatic = True

    def __init__(self, title: str, series: dict[str, Series], state: RunState):
        self.title, self.series = title, series
        self.group = group(len(state.metrics.get("step", ())))
        whole, kept = self._whole(state), self.columns(state)
        self.cut = any(len(x) > len(kept[label]["x"]) for label, (x, _) in whole.items())

    @property
    def declaration(self) -> tuple:
        return self.title, self.group, self.cut

    def picture(self, state: RunState) -> hv.Overlay:
        columns = self.columns(state)
        layers = [_layer(label, one, columns[label]) for label, one in self.series.items()]
        return hv.Overlay(layers).opts(title=self.title, xlabel=self.words, ylabel="nats", **ABOVE)

    @property
    def words(self) -> str:
        """Label of the horizontal axis, with notes on averaged and hidden records."""
        means = f"train: means of {self.group} records" if self.group > 1 else ""
        notes = ", ".join(filter(None, [means, "higher values at the start not shown" if self.cut else ""]))
        return f"step ({notes})" if notes else "step"

    def describe(self, state: RunState, past: Past | None = None) -> str:
        columns = self.columns(state)
        now = listed(f"{label} {columns[label]['y'][-1]:.2f}" for label in self.series if len(columns[label]["y"]))
        return f"{self.title} at step {state.step}, in nats: {now or 'nothing yet'}."

    def columns(self, state: RunState, past: Past | None = None) -> Columns:
        whole = self._whole(state)
        top = ceiling(list(whole.values()), STEEP * state.step)
        return {label: {"x": x[y <= top], "y": y[y <= top]} for label, (x, y) in whole.items()}

    def _whole(self, state: RunState) -> dict[str, Points]:
        return {
            label: averaged(state.metrics, one.column, self.group)
            if one.trains
            else averaged(state.epochs, one.column, 1)
            for label, one in self.series.items()
        }


class BoundCurves(RunCurves):
    """The bound in training and test."""

    leading = True

    def __init__(self, state: RunState):
        series = {"train": Series("metrics", "bound", DRIVE), "test": Series("epochs", "bound", CHOSEN)}
        super().__init__("Bound (lower is better)", series, state)


class BoundTerms(RunCurves):
    """The two terms of the bound: the cost of the pixels and of the latents."""

    def __init__(self, state: RunState):
        series = {
            "Lx": Series("metrics", "lx", OTHER),
            "Lz": Series("metrics", "lz", PARTICLES),
            "Lx test": Series("epochs", "lx", OTHER, named=False),
            "Lz test": Series("epochs", "lz", PARTICLES, named=False),
        }
        super().__init__("Lx (image), Lz (latents); dots: test", series, state)


def _layer(label: str, one: Series, columns: Table) -> hv.Curve | hv.Scatter:
    points, look = (columns["x"], columns["y"]), {"color": one.color, "show_legend": one.named}
    if one.trains:
        return hv.Curve(points, "x", "y", label=label).opts(line_width=2, **look)
    return hv.Scatter(points, "x", "y", label=label).opts(size=4, **look)


def group(records: int) -> int:
    """Return the number of records per point: a power of two, so that the picture rarely changes completely."""
    return 1 << max(0, -(-records // MOST) - 1).bit_length()


def averaged(table: Table, name: str, size: int) -> Points:
    """Return means of groups of finite records, each at its last step."""
    x, y = (table.get(column, np.zeros(0)) for column in ("step", name))
    x, y = x[: len(y)][np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return x, y
    begins = np.arange(0, len(y), size)
    counts = np.diff(np.append(begins, len(y)))
    return x[begins + counts - 1], np.add.reduceat(y, begins) / counts


def ceiling(curves: list[Points], after: float) -> float:
    """Return the upper limit of an axis for everything after a step, with a margin."""
    late = np.concatenate([y[x > after] for x, y in curves])
    return float(late.max() + ROOM * np.ptp(late)) if len(late) else np.inf
