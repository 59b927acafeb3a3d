"""dreg-alpha from one end to the other: what its bias costs and what its variance, ever sharper."""

from dataclasses import dataclass, replace

import holoviews as hv
import numpy as np
import param

from labkit.dreg import frontier, gaussian, laboratory
from labkit.dreg.frontier import Frontier
from labkit.dreg.gaussian import Gaussian
from labkit.experiments.devices import kept, moved, noise
from labkit.past import Past
from labkit.training import schedules
from labkit.views.dreg.looks import LOOKS
from labkit.views.dreg.measuring import batch_size
from labkit.views.palette import CHOSEN, PAST, TARGET
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View

GRID = np.linspace(0, 1, 101)
ENDS = {"dreg": 0.0, "rws-dreg": 1.0}
DIALED, BEST = "alpha", "best alpha"
MARGIN = 0.1  # of what an axis holds, left free beyond it
MOST = 1024  # replicates a step


@dataclass(frozen=True, eq=False)
class Dialed:
    """What the batches so far have told of the two parts, and both frontiers: measured, and exact."""

    toy: Gaussian
    total: laboratory.State
    measured: Frontier
    exact: Frontier

    @property
    def t(self) -> int:
        return self.total.t


class Dial(param.Parameterized):
    """dreg-alpha at one K: the settings, `start()` and `step(state)`."""

    alpha = param.Number(
        default=0.5, bounds=(0.0, 1.0), step=0.01, label="alpha",
        doc="0: DReG, for the gradient of the bound L; 1: RWS-DReG, for wake-sleep's; the paper's default is 0.9",
    )  # fmt: skip
    k = param.Integer(default=4, bounds=(1, 256), label="Samples, K", doc="K: samples of one gradient")
    dim = param.Integer(default=20, bounds=(1, 50), label="Dimensions, D", doc="D: of z and of x")
    distance = param.Number(
        default=0.5, bounds=(0.0, 2.0), step=0.01, label="Offset, |m − a|",
        doc="|m − a|: from the mean m of q to the posterior's mean a",
    )  # fmt: skip
    variance = param.Number(
        default=gaussian.VARIANCE, bounds=(0.1, 2.0), step=1 / 120, label="Variance of q, V",
        doc="V: of each coordinate of q; the posterior's is 1/2",
    )  # fmt: skip
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same replicates")

    def __init__(self, device: str = "cpu", **params):
        self.device = device  # where replicates are drawn
        super().__init__(**params)

    def start(self) -> Dialed:
        """The first batch."""
        toy = gaussian.instance(self.dim, self.distance, self.variance)
        total = self._batch(toy, 0)
        return Dialed(toy, total, frontier.measured(total), frontier.true(toy, self.k))

    def step(self, state: Dialed) -> Dialed:
        """One batch more."""
        total = laboratory.merged(state.total, self._batch(state.toy, state.t))
        return replace(state, total=total, measured=frontier.measured(total))

    def _batch(self, toy: Gaussian, t: int) -> laboratory.State:
        source, toy = noise(schedules.seed("alpha", self.seed, t), self.device), moved(toy, self.device)
        replicates = min(MOST, batch_size(len(frontier.PARTS), toy.dim, self.k))
        first = laboratory.start(toy, frontier.PARTS, (self.k,))
        return kept(laboratory.step(first, toy, generator=source, replicates=replicates))


class Line(View):
    """|bias|^2 against the summed variance, alpha along the line; dreg at one end, rws-dreg at the other."""

    leading = True

    def __init__(self, settings: Dial):
        self.settings = settings

    def picture(self, state: Dialed) -> hv.Overlay:
        columns, both = self.columns(state), (state.measured, state.exact)
        layers = [*_lines(columns), *(_mark(name, columns[name], LOOKS[name].color) for name in ENDS)]
        layers += [_mark(DIALED, columns[DIALED], CHOSEN, 15), _star(columns)]
        across = np.concatenate([line.variance(GRID) for line in both])
        up = max(line.apart for line in both)
        low, high = across.min(), across.max()
        aside = MARGIN * (high - low) or 1.0
        return hv.Overlay(layers).opts(
            title="What alpha trades", xlabel="variance, summed   (dashed: exact)", ylabel="|bias|² for L’s gradient",
            xlim=(low - aside, high + aside), ylim=(-MARGIN * up, up + MARGIN * up) if up else (-MARGIN, 1),
            **ABOVE,
        )  # fmt: skip

    def columns(self, state: Dialed, past: Past | None = None) -> Columns:
        def at(line: Frontier, alpha: np.ndarray | float) -> dict[str, np.ndarray]:
            alpha = np.atleast_1d(alpha)
            return {"x": line.variance(alpha), "y": line.squared_bias(alpha)}

        found = {"measured": at(state.measured, GRID), "exact": at(state.exact, GRID)}
        found |= {name: at(state.measured, alpha) for name, alpha in ENDS.items()}
        return found | {DIALED: at(state.measured, self.settings.alpha), BEST: at(state.measured, state.measured.best)}


class Errors(View):
    """The mean squared error against alpha, with its two parts, and where it is least."""

    leading = True

    def __init__(self, settings: Dial):
        self.settings = settings

    def record(self, state: Dialed) -> dict[str, float]:
        """A row of the run's table."""
        line = state.measured
        parts = {"bias² per alpha²": line.apart, "var dreg": line.dreg, "var rws-dreg": line.rws, "cov": line.both}
        return {"replicates": float(state.total.n), **parts, "best alpha": line.best}

    def picture(self, state: Dialed) -> hv.Overlay:
        columns = self.columns(state)
        top = (1 + MARGIN) * max(line.squared_error(GRID).max() for line in (state.measured, state.exact))
        parts = [
            hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
                color=LOOKS[look].color, line_width=1.5, line_dash="dotted"
            )
            for name, look in (("|bias|²", "rws-dreg"), ("variance", "dreg"))
        ]
        layers = [*_lines(columns), *parts, _mark(DIALED, columns[DIALED], CHOSEN, 15), _star(columns)]
        return hv.Overlay(layers).opts(
            title="Mean squared error", xlabel="alpha   (dashed: exact)", ylabel="|bias|² + variance, summed",
            xlim=(-0.02, 1.02), ylim=(0, top or 1), **ABOVE,
        )  # fmt: skip

    def columns(self, state: Dialed, past: Past | None = None) -> Columns:
        line, alpha, best = state.measured, self.settings.alpha, state.measured.best
        return {
            "measured": {"x": GRID, "y": line.squared_error(GRID)},
            "exact": {"x": GRID, "y": state.exact.squared_error(GRID)},
            "|bias|²": {"x": GRID, "y": line.squared_bias(GRID)},
            "variance": {"x": GRID, "y": line.variance(GRID)},
            DIALED: {"x": np.array([alpha]), "y": np.array([line.squared_error(alpha)])},
            BEST: {"x": np.array([best]), "y": np.array([line.squared_error(best)])},
        }


def _lines(columns: dict[str, dict]) -> list[hv.Curve]:
    return [
        hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
            color=color, line_width=2.5, line_dash=dash, show_legend=False
        )
        for name, color, dash in (("measured", LOOKS["dreg-alpha"].color, "solid"), ("exact", PAST, "dashed"))
    ]


def _mark(label: str, columns: dict, color: str, size: int = 10) -> hv.Scatter:
    return hv.Scatter((columns["x"], columns["y"]), "x", "y", label=label).opts(color=color, marker="circle", size=size)


def _star(columns: dict[str, dict]) -> hv.Scatter:
    place = columns[BEST]
    return hv.Scatter((place["x"], place["y"]), "x", "y", label=BEST).opts(
        color=TARGET, marker="x", size=14, line_width=3
    )
