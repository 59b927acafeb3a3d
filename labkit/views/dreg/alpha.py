"""The tab *Alpha dial*: bias and variance of dreg-alpha, for every alpha."""

import holoviews as hv
import numpy as np

from labkit.dreg.frontier import Frontier
from labkit.experiments import titles
from labkit.experiments.dreg.alpha import AlphaSettings, Frontiers
from labkit.past import Past
from labkit.views import fields
from labkit.views.dreg.styles import style_of
from labkit.views.palette import CHOSEN, PAST, TARGET
from labkit.views.scenes import Scene
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View

GRID = np.linspace(0, 1, 101)
ENDS = {"dreg": 0.0, "rws-dreg": 1.0}
MEASURED, EXACT, SELECTED, BEST = "measured", "exact", "alpha", "best"
MARGIN = 0.1  # free margin, as a fraction of the axis


class BiasVariance(View):
    """|bias|^2 against the summed variance, with alpha along the line; dreg at one end, rws-dreg at the other."""

    leading = True

    def __init__(self, settings: AlphaSettings):
        self.settings = settings

    def picture(self, state: Frontiers) -> hv.Overlay:
        columns, both = self.columns(state), (state.measured, state.exact)
        layers = [*_lines(columns), *(_mark(name, columns[name], style_of(name).color) for name in ENDS)]
        layers += [_mark(SELECTED, columns[SELECTED], CHOSEN, 15), _star(columns)]
        across = np.concatenate([line.variance(GRID) for line in both])
        up = max(line.apart for line in both)
        low, high = across.min(), across.max()
        aside = MARGIN * (high - low) or 1.0
        return hv.Overlay(layers).opts(
            title="Bias against variance", xlabel="summed variance   (dashed: exact)",
            ylabel="|bias|² (difference from the gradient of L)",
            xlim=(low - aside, high + aside), ylim=(-MARGIN * up, up + MARGIN * up) if up else (-MARGIN, 1),
            legend_labels={MEASURED: "DReG-alpha", **{name: titles.estimator(name) for name in ENDS}},
            **ABOVE | {"legend_cols": 3},
        )  # fmt: skip

    def describe(self, state: Frontiers, past: Past | None = None) -> str:
        alpha, line = self.settings.alpha, state.measured
        bias, variance = float(line.squared_bias(alpha)), float(line.variance(alpha))
        return f"At alpha = {alpha:.2f} the squared bias is {bias:.3g} and the summed variance {variance:.3g}."

    def columns(self, state: Frontiers, past: Past | None = None) -> Columns:
        def at(line: Frontier, alpha: np.ndarray | float) -> dict[str, np.ndarray]:
            alpha = np.atleast_1d(alpha)
            return {"x": line.variance(alpha), "y": line.squared_bias(alpha)}

        found = {MEASURED: at(state.measured, GRID), EXACT: at(state.exact, GRID)}
        found |= {name: at(state.measured, alpha) for name, alpha in ENDS.items()}
        return found | {
            SELECTED: at(state.measured, self.settings.alpha),
            BEST: at(state.measured, state.measured.best),
        }


class SquaredError(View):
    """The mean squared error against alpha, with its two parts and its minimum."""

    leading = True

    def __init__(self, settings: AlphaSettings):
        self.settings = settings

    def record(self, state: Frontiers) -> dict[str, float]:
        """Return a row of the run's table."""
        line = state.measured
        parts = {"bias² per alpha²": line.apart, "var dreg": line.dreg, "var rws-dreg": line.rws, "cov": line.both}
        return {"replicates": float(state.total.n), **parts, "best alpha": line.best}

    def picture(self, state: Frontiers) -> hv.Overlay:
        columns = self.columns(state)
        top = (1 + MARGIN) * max(line.squared_error(GRID).max() for line in (state.measured, state.exact))
        parts = [
            hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
                color=style_of(look).color, line_width=1.5, line_dash="dotted"
            )
            for name, look in (("|bias|²", "rws-dreg"), ("variance", "dreg"))
        ]
        layers = [*_lines(columns), *parts, _mark(SELECTED, columns[SELECTED], CHOSEN, 15), _star(columns)]
        return hv.Overlay(layers).opts(
            title="Mean squared error", xlabel="alpha   (dashed: exact)", ylabel="|bias|² + variance, summed",
            xlim=(-0.02, 1.02), ylim=(0, top or 1), legend_labels={MEASURED: "sum"}, **ABOVE | {"legend_cols": 3},
        )  # fmt: skip

    def describe(self, state: Frontiers, past: Past | None = None) -> str:
        alpha, line = self.settings.alpha, state.measured
        now, least = float(line.squared_error(alpha)), float(line.squared_error(line.best))
        return f"Mean squared error {now:.3g} at alpha = {alpha:.2f}; the smallest is {least:.3g} at {line.best:.2f}."

    def columns(self, state: Frontiers, past: Past | None = None) -> Columns:
        line, alpha, best = state.measured, self.settings.alpha, state.measured.best
        return {
            MEASURED: {"x": GRID, "y": line.squared_error(GRID)},
            EXACT: {"x": GRID, "y": state.exact.squared_error(GRID)},
            "|bias|²": {"x": GRID, "y": line.squared_bias(GRID)},
            "variance": {"x": GRID, "y": line.variance(GRID)},
            SELECTED: {"x": np.array([alpha]), "y": np.array([line.squared_error(alpha)])},
            BEST: {"x": np.array([best]), "y": np.array([line.squared_error(best)])},
        }


class AlphaScene(Scene):
    """dreg-alpha: bias against variance, all alphas from the same samples."""

    basic = ("alpha", "k", "dim")
    speed, saves, looks = 30, ("png", "curves"), ("alpha",)
    guide = "dreg-tabs#alpha-dial"
    words = (
        "DReG-alpha mixes two estimators: (1 &minus; alpha) DReG + alpha RWS-DReG. DReG has no bias. RWS-DReG "
        "estimates the gradient of another goal (wake-sleep: a small KL(posterior ‖ q), a measure of how far q is "
        "from the posterior, instead of a large L), so it adds bias, but it may reduce the variance.<br>First plot: "
        "each point of the line is one alpha, from 0 (DReG) to 1 (RWS-DReG). Second plot: squared bias and variance "
        "(dotted), and their sum, the mean squared error (solid). The best alpha has the smallest sum (cross). It "
        "depends on K, D and q. <b>Try:</b> set K to 8, and the best alpha becomes 0. Set K back to 4 and D to 50, "
        "and it comes near 1. The model is that of the first tab."
    )

    def __init__(self, settings: AlphaSettings | None = None, **params):
        super().__init__(settings or AlphaSettings(), **params)

    def views(self) -> list:
        return [BiasVariance(self.settings), SquaredError(self.settings)]

    def status(self, state: Frontiers) -> str:
        return f"{state.total.n:,} replicates · best alpha {state.measured.best:.2f}"

    def look(self) -> None:
        """Move the marks to another alpha; nothing else changes."""
        self.live.run.redraw()

    def controls(self) -> list:
        s = self.settings
        return [
            fields.dial(s, "alpha"),
            *(fields.number(s, name) for name in ("k", "dim", "distance", "variance", "seed")),
        ]


def _lines(columns: dict[str, dict]) -> list[hv.Curve]:
    return [
        hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
            color=color, line_width=2.5, line_dash=dash, show_legend=name == MEASURED
        )
        for name, color, dash in ((MEASURED, style_of("dreg-alpha").color, "solid"), (EXACT, PAST, "dashed"))
    ]


def _mark(label: str, columns: dict, color: str, size: int = 10) -> hv.Scatter:
    return hv.Scatter((columns["x"], columns["y"]), "x", "y", label=label).opts(color=color, marker="circle", size=size)


def _star(columns: dict[str, dict]) -> hv.Scatter:
    place = columns[BEST]
    return hv.Scatter((place["x"], place["y"]), "x", "y", label=BEST).opts(
        color=TARGET, marker="x", size=14, line_width=3
    )
