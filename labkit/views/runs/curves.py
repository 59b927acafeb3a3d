"""The bound of a run and its two parts against the steps, on axes that stay readable.

A run that begins at 540 nats and ends at 90 would show its end as a flat line: the axis holds everything after the
first tenth of the steps, and of that tenth what lies in its range.
"""

from typing import NamedTuple

import holoviews as hv
import numpy as np

from labkit.experiments.runs.state import RunState, Table
from labkit.past import Past
from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES
from labkit.views.view import Columns, View

MOST = 300  # points of a training curve; more records are averaged in groups
STEEP = 0.1  # of the steps: what comes before may lie above the picture
ROOM = 0.1  # of the range, above it
NAME = ", its name"  # the layer of a label

Points = tuple[np.ndarray, np.ndarray]


class Series(NamedTuple):
    """A column of a state's table, in a colour; of training ("metrics") a line, of tests ("epochs") dots.

    name: where its label is written at its end, "top" (below the line) or "bottom" (above); else the legend has it.
    """

    table: str
    column: str
    color: str
    name: str = ""

    @property
    def trains(self) -> bool:
        return self.table == "metrics"


class RunCurves(View):
    """A few columns of a run against the step, on one axis.

    Args:
        title: above the picture.
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
        names = [_name(label, one, columns[label + NAME]) for label, one in self.series.items() if one.name]
        return hv.Overlay(layers + names).opts(
            title=self.title, xlabel=self.words, ylabel="nats", show_legend=not names, legend_position="top_right"
        )

    @property
    def words(self) -> str:
        """Under the picture: what was thinned and what lies above it."""
        means = f"train: means of {self.group} records" if self.group > 1 else ""
        notes = ", ".join(filter(None, [means, "steep start cut off" if self.cut else ""]))
        return f"step ({notes})" if notes else "step"

    def columns(self, state: RunState, past: Past | None = None) -> Columns:
        whole = self._whole(state)
        top = ceiling(list(whole.values()), STEEP * state.step)
        kept = {label: {"x": x[y <= top], "y": y[y <= top]} for label, (x, y) in whole.items()}
        return kept | {label + NAME: _end(label, kept[label]) for label, one in self.series.items() if one.name}

    def _whole(self, state: RunState) -> dict[str, Points]:
        return {
            label: averaged(state.metrics, one.column, self.group)
            if one.trains
            else averaged(state.epochs, one.column, 1)
            for label, one in self.series.items()
        }


class BoundCurves(RunCurves):
    """The bound, train and test."""

    leading = True

    def __init__(self, state: RunState):
        series = {"train": Series("metrics", "bound", DRIVE), "test": Series("epochs", "bound", CHOSEN)}
        super().__init__("Bound (lower is better)", series, state)


class BoundTerms(RunCurves):
    """The two terms of the bound: what the pixels cost and what the latents cost."""

    def __init__(self, state: RunState):
        series = {
            "Lx": Series("metrics", "lx", OTHER, "top"),
            "Lz": Series("metrics", "lz", PARTICLES, "bottom"),
            "Lx test": Series("epochs", "lx", OTHER),
            "Lz test": Series("epochs", "lz", PARTICLES),
        }
        super().__init__("Lx (image), Lz (latents); dots: test", series, state)


def _layer(label: str, one: Series, columns: Table) -> hv.Curve | hv.Scatter:
    points = columns["x"], columns["y"]
    if one.trains:
        return hv.Curve(points, "x", "y", label=label).opts(color=one.color, line_width=2)
    return hv.Scatter(points, "x", "y", label=label).opts(color=one.color, size=4)


def _name(label: str, one: Series, columns: Table) -> hv.Labels:
    points = columns["x"], columns["y"], columns["text"]
    return hv.Labels(points, ["x", "y"], "text", label=label + NAME).opts(
        text_color=one.color, text_font_size="15px", text_align="right", text_baseline=one.name
    )


def _end(label: str, columns: Table) -> Table:
    last = {name: values[-1:] for name, values in columns.items()}
    return last | {"text": np.array([label] * len(last["x"]), dtype=object)}


def group(records: int) -> int:
    """How many records one point stands for: a power of two, so that the picture seldom changes as a whole."""
    return 1 << max(0, -(-records // MOST) - 1).bit_length()


def averaged(table: Table, name: str, size: int) -> Points:
    """Means of so many finite records in a row, each at the last of its steps."""
    x, y = (table.get(column, np.zeros(0)) for column in ("step", name))
    x, y = x[: len(y)][np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return x, y
    begins = np.arange(0, len(y), size)
    counts = np.diff(np.append(begins, len(y)))
    return x[begins + counts - 1], np.add.reduceat(y, begins) / counts


def ceiling(curves: list[Points], after: float) -> float:
    """The upper end of an axis that holds all that comes after a step, with some room."""
    late = np.concatenate([y[x > after] for x, y in curves])
    return float(late.max() + ROOM * np.ptp(late)) if len(late) else np.inf
