"""The variance of particles under several kernels: over the run, and of every coordinate now."""

import holoviews as hv
import numpy as np

from labkit import course
from labkit.experiments import titles
from labkit.experiments.svgd.collapse import REMEDIES, Collapsed, CollapseSettings, law, marginal_variances
from labkit.past import Past
from labkit.svgd import KERNELS
from labkit.views import spans
from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES, PAST, REPULSION, TARGET, Style
from labkit.views.spans import RANGE
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import listed

TRUTH, LAW, BOUNDS = "truth", "log(n + 1)/D", "bounds"
ROOM = 1.1  # upper limit of the picture, as a multiple of the largest variance at the start


STYLES = (
    Style(PARTICLES, "circle"),
    Style(DRIVE, "square"),
    Style(CHOSEN, "triangle"),
    Style(REPULSION, "diamond"),
    Style(OTHER, "inverted_triangle"),
    Style(PARTICLES, "x", "dotdash"),
    Style(DRIVE, "cross", "dotdash"),
    Style(CHOSEN, "circle", "dotdash"),
    Style(REPULSION, "square", "dotdash"),
    Style(OTHER, "diamond", "dotdash"),
)


def style_of(name: str) -> Style:
    """Return the style of a remedy, by its position in the list."""
    return STYLES[list(dict.fromkeys([*REMEDIES, *KERNELS])).index(name) % len(STYLES)]


class Paths(View):
    """A number of every run against the step, with the true value dashed.

    Args:
        settings: settings that define the kernels, the true value and the law.
    """

    automatic = True
    title, unit, bounds = "", "", (0.0,)  # bounds: values that the axis always includes

    def __init__(self, settings: CollapseSettings):
        self.names = settings.chosen
        self.lines = self.fixed(settings)

    @property
    def declaration(self) -> tuple:
        return self.names, tuple(self.lines)

    def fixed(self, settings: CollapseSettings) -> dict[str, float]:
        """Return the heights of the fixed lines, by layer."""
        raise NotImplementedError(f"{type(self).__name__} must define fixed(settings)")

    def column(self, names: tuple[str, ...]) -> int:
        """Return the first column of the trail that is shown."""
        raise NotImplementedError(f"{type(self).__name__} must define column(names)")

    def picture(self, state: Collapsed) -> hv.Overlay:
        columns, styles = self.columns(state), {TRUTH: Style(TARGET, "", "dashed"), LAW: Style(PAST, "", "dotted")}
        layers = [_line(columns, BOUNDS, Style(PAST, "")).opts(line_width=1, alpha=0.5, show_legend=False)]
        layers += [spans.band(name + RANGE, style_of(name).color) for name in self.names]
        layers += [_line(columns, name, style_of(name)) for name in self.names]
        layers += [_line(columns, name, styles[name]) for name in self.lines]
        return hv.Overlay(layers).opts(
            title=self.title, xlabel="step", ylabel=self.unit, xlim=(0, 1), ylim=(0, 1),
            show_legend=self.leading, legend_labels={name: titles.remedy(name) for name in self.names}, **ABOVE,
        )  # fmt: skip

    def describe(self, state: Collapsed, past: Past | None = None) -> str:
        first, row = self.column(state.names), state.trail[-1].tolist()
        now = listed(f"{titles.remedy(name)} {row[first + i]:.2f}" for i, name in enumerate(state.names))
        return f"{self.title} at step {state.t}: {now}; the true value is {self.lines[TRUTH]:.2f}."

    def columns(self, state: Collapsed, past: Past | None = None) -> Columns:
        steps, ends = state.trail[:, 0].numpy(), np.array([0.0, max(state.t, 1)])
        found: dict[str, dict] = {}
        for i, name in enumerate(state.names, self.column(state.names)):
            found |= spans.curve(name, steps, course.drawn_of(state.trail, i))
        found |= {name: {"x": ends, "y": np.full(2, height)} for name, height in self.lines.items()}
        heights = np.array([[y, y, np.nan] for y in self.bounds]).ravel()
        return found | {BOUNDS: {"x": np.tile([*ends, np.nan], len(self.bounds)), "y": heights}}


class Variances(Paths):
    """The mean variance of the coordinates of every run, with the law if it holds."""

    leading = True
    title, unit = "Mean variance of the coordinates", "mean variance"

    def fixed(self, settings: CollapseSettings) -> dict[str, float]:
        return {TRUTH: 1.0} | ({LAW: law(settings.n, settings.dim)} if settings.lawful else {})

    def column(self, names: tuple[str, ...]) -> int:
        return 1

    def record(self, state: Collapsed) -> dict[str, float]:
        """Return a row of the run's table."""
        k, row = len(state.names), state.trail[-1].tolist()
        named = [(name, row[1 + i], row[1 + k + i]) for i, name in enumerate(state.names)]
        return {f"variance of {name}": v for name, v, _ in named} | {
            f"correlation of {name}": r for name, _, r in named
        }


class Correlations(Paths):
    """The mean correlation over all pairs of coordinates of every run."""

    leading = False
    title, unit, bounds = "Mean correlation", "mean correlation", (0.0, 1.0)

    def fixed(self, settings: CollapseSettings) -> dict[str, float]:
        return {TRUTH: settings.correlation}

    def column(self, names: tuple[str, ...]) -> int:
        return 1 + len(names)


class Margins(View):
    """The variance of every coordinate now, largest first; it shows differences that the mean hides."""

    def picture(self, state: Collapsed) -> hv.Overlay:
        columns = self.columns(state)
        points = [
            hv.Scatter((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
                color=style_of(name).color, marker=style_of(name).marker, size=6
            )
            for name in state.names
        ]
        top = ROOM * max(1.0, *(columns[name]["y"][0] for name in state.names))
        return hv.Overlay([_line(columns, TRUTH, Style(TARGET, "", "dashed")), *points]).opts(
            title="Variance of each coordinate", xlabel="coordinate, largest variance first", ylabel="variance",
            xlim=(0, state.target.dim + 1), ylim=(0, top), show_legend=False,
        )  # fmt: skip

    def describe(self, state: Collapsed, past: Past | None = None) -> str:
        ranges = zip(state.names, (marginal_variances(run.x) for run in state.runs), strict=True)
        now = listed(
            f"{titles.remedy(name)} {float(each.min()):.2f} to {float(each.max()):.2f}" for name, each in ranges
        )
        return f"Variances of the {state.target.dim} coordinates: {now}; the true value is 1."

    def columns(self, state: Collapsed, past: Past | None = None) -> Columns:
        rank = np.arange(1.0, state.target.dim + 1)
        found = {
            name: {"x": rank, "y": marginal_variances(run.x).sort(descending=True).values.numpy(force=True)}
            for name, run in zip(state.names, state.runs, strict=True)
        }
        return found | {TRUTH: {"x": np.array([0.0, state.target.dim + 1]), "y": np.ones(2)}}


def _line(columns: dict[str, dict], name: str, style: Style) -> hv.Curve:
    return hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
        color=style.color, line_dash=style.dash, line_width=2.5
    )
