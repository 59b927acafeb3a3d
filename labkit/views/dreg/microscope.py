"""One draw of K samples in the plane under a lens: weights, path and score of each, and the gradients they sum to."""

import math
from dataclasses import dataclass

import holoviews as hv
import numpy as np
import param
import torch
from torch import Tensor

from labkit.dreg import coefficients, effective_sample_size, exact, gaussian
from labkit.dreg.gaussian import Gaussian
from labkit.experiments.devices import kept, moved, noise
from labkit.past import Past
from labkit.training import schedules
from labkit.views.dreg.looks import LOOKS
from labkit.views.palette import DRIVE, PAST, REPULSION, TARGET
from labkit.views.view import Columns, View

CHAINS = {"iwae": "iwae: Σ w (G − H)", "dreg": "dreg: Σ w² G"}
KEPT = 300  # gradients of earlier draws
REACH = 2.8  # standard deviations that the picture of samples holds
BROAD = 1.5  # its width over its height, about: circles are round then
ROOM = 3.5, 7.0  # standard deviations of iwae's gradient about the bound's, and to the left, where the legend stands
ARROW = 0.22  # of the picture's width: the longest arrow
LARGEST = 46.0  # pixels across, of a sample that has all the weight


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw of K samples and what it comes to, in the plane.

    z, path, score: samples, G and H of each, [K, 2]. w: weights that sum to 1, [K]. terms: of each of `CHAINS`, what
    every sample adds to its gradient, [2, K, 2]. gradients: of the draws so far, this one last, [., 2, 2]. truth: the
    gradient of the bound at this K, [2]. scatter: standard deviation of a coordinate of iwae's gradient.
    """

    toy: Gaussian
    z: Tensor
    path: Tensor
    score: Tensor
    w: Tensor
    terms: Tensor
    ess: float
    gradients: Tensor
    truth: Tensor
    scatter: float
    t: int = 0


class Lens(param.Parameterized):
    """Draws of K samples: the settings, `start()` and `step(state)`."""

    k = param.Integer(default=8, bounds=(1, 64), label="Samples, K", doc="K: samples of one draw")
    distance = param.Number(
        default=0.7, bounds=(0.0, 2.0), step=0.01, label="Offset, |m − a|",
        doc="|m − a|: from the mean m of q to the posterior's mean a",
    )  # fmt: skip
    variance = param.Number(
        default=gaussian.VARIANCE, bounds=(0.1, 2.0), step=1 / 120, label="Variance of q, V",
        doc="V: of both coordinates of q; the posterior's is 1/2",
    )  # fmt: skip
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same samples")

    def __init__(self, device: str = "cpu", **params):
        self.device = device  # where samples are drawn
        super().__init__(**params)

    def start(self) -> Draw:
        """The first draw."""
        toy = gaussian.instance(2, self.distance, self.variance)
        found = exact.answers(toy, (self.k,), ("iwae",))
        truth, scatter = toy.direction.nan_to_num() * found.mean[0, 0], math.sqrt(found.variance[0, 0])
        return self._drawn(toy, truth, scatter, torch.zeros(0, 2, 2, dtype=torch.float64), self.k, 0)

    def step(self, state: Draw) -> Draw:
        """The next draw."""
        return self._drawn(state.toy, state.truth, state.scatter, state.gradients, len(state.w), state.t + 1)

    def _drawn(self, toy: Gaussian, truth: Tensor, scatter: float, before: Tensor, k: int, t: int) -> Draw:
        source, toy = noise(schedules.seed("lens", self.seed, t), self.device), moved(toy, self.device)
        e = torch.randn(k, 2, generator=source, dtype=torch.float64, device=self.device)
        log_w = toy.log_weights(e)
        path, score = -toy.offset / gaussian.POSTERIOR_VARIANCE + toy.path_slope * e, e / toy.sigma
        terms = torch.stack([_terms(name, log_w, path, score) for name in CHAINS])
        gradients = torch.cat([before, kept(terms.sum(1)[None])])[-KEPT:]
        ess = float(effective_sample_size(log_w))
        z, w = toy.mean + toy.sigma * e, log_w.softmax(0)
        return kept(Draw(toy, z, path, score, w, terms, ess, gradients, truth, scatter, t))


def _terms(name: str, log_w: Tensor, path: Tensor, score: Tensor) -> Tensor:
    """What each sample adds to an estimator's gradient, [K, 2]."""
    of_path, of_score, _ = coefficients(name, log_w)
    return of_path[:, None] * path + of_score[:, None] * score


class Samples(View):
    """The samples, as large as their weights, with G and H of each at it; q and the posterior as circles."""

    leading = True

    def __init__(self, settings: Lens):
        self.settings = settings

    @property
    def declaration(self) -> tuple:
        return self.settings.distance, self.settings.variance

    def picture(self, state: Draw) -> hv.Overlay:
        toy, low, high = state.toy, *self._box(state.toy)
        circles = [
            hv.Path([_circle(mean, r * deviation) for r in (1, 2)], ["x", "y"], label=label).opts(
                color=color, line_dash=dash, line_width=2
            )
            for label, mean, deviation, color, dash in (
                ("posterior", toy.posterior_mean, gaussian.POSTERIOR_VARIANCE**0.5, TARGET, "dashed"),
                ("q", toy.mean, toy.sigma, PAST, "solid"),
            )
        ]
        columns = self.columns(state)
        samples = columns["samples, as large as w"]
        points = (samples["x"], samples["y"], samples["size"])
        layers = [
            *circles,
            hv.Points(points, ["x", "y"], "size", label="samples, as large as w").opts(
                color=LOOKS["dreg"].color, size="size", alpha=0.45, line_color=None
            ),
            *[
                hv.Segments(tuple(columns[label].values()), ["x0", "y0", "x1", "y1"], label=label).opts(
                    color=color, line_width=2.5
                )
                for label, color in (("path G", DRIVE), ("score H", REPULSION))
            ],
        ]
        return hv.Overlay(layers).opts(
            title="One draw of K samples", xlabel="z₁", ylabel="z₂", xlim=(low[0], high[0]),
            ylim=(low[1], high[1]), legend_position="top_left",
        )  # fmt: skip

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        z, size = state.z.numpy(), LARGEST * np.sqrt(state.w.numpy())
        low, high = self._box(state.toy)
        longest = max(float(v.norm(dim=1).max()) for v in (state.path, state.score))
        scale = ARROW * (high[0] - low[0]) / longest
        return {
            "samples, as large as w": {"x": z[:, 0], "y": z[:, 1], "size": size},
            "path G": _arrows(z, scale * state.path.numpy()),
            "score H": _arrows(z, scale * state.score.numpy()),
        }

    @staticmethod
    def _box(toy: Gaussian) -> tuple[list[float], list[float]]:
        """Lower left and upper right corner, with a little more to both sides."""
        reach = REACH * max(toy.sigma, gaussian.POSTERIOR_VARIANCE**0.5) + toy.distance / 2
        x, y = ((toy.posterior_mean + toy.mean) / 2).tolist()
        return [x - BROAD * reach, y - reach], [x + BROAD * reach, y + reach]


class Sums(View):
    """The terms of this draw laid head to tail, the heaviest sample first; a marker at the end, the gradient."""

    automatic = True

    @property
    def declaration(self) -> tuple:
        return ()

    def picture(self, state: Draw) -> hv.Overlay:
        columns = self.columns(state)
        chains = [
            hv.Curve((columns[label]["x"], columns[label]["y"]), "x", "y", label=label).opts(
                color=LOOKS[name].color, line_width=2.5
            )
            for name, label in CHAINS.items()
        ]
        ends = [_marks(name, columns[name], 12, 1.0).opts(show_legend=False) for name in CHAINS]
        return _plane([*chains, *ends, _true(columns)], "This draw, term by term").opts(show_legend=False)

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        order = state.w.argsort(descending=True)
        found: dict[str, dict] = {"the bound's": _xy(state.truth[None])}
        for (name, label), terms in zip(CHAINS.items(), state.terms, strict=True):
            chain = torch.cat([torch.zeros_like(terms[:1]), terms[order].cumsum(0)])
            found |= {label: _xy(chain), name: _xy(chain[-1:])}
        return found


class Cloud(View):
    """The gradients of all draws so far, and the bound's: how far each estimator scatters about it."""

    def __init__(self, settings: Lens):
        self.settings = settings

    @property
    def declaration(self) -> tuple:
        return self.settings.k, self.settings.distance, self.settings.variance

    def picture(self, state: Draw) -> hv.Overlay:
        columns, (x, y) = self.columns(state), state.truth.tolist()
        clouds = [_marks(name, columns[name], 7, 0.55) for name in CHAINS]
        near, left = (times * state.scatter for times in ROOM)
        around = {"xlim": (x - left, x + near), "ylim": (y - near, y + near)}
        return _plane([*clouds, _true(columns)], "All draws so far").opts(**around)

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        found = {name: _xy(state.gradients[:, i]) for i, name in enumerate(CHAINS)}
        return found | {"the bound's": _xy(state.truth[None])}


def _plane(layers: list, title: str) -> hv.Overlay:
    return hv.Overlay(layers).opts(
        title=title, xlabel="gradient along z₁", ylabel="along z₂", xlim=(-1, 1), ylim=(-1, 1),
        legend_position="top_left",
    )  # fmt: skip


def _marks(name: str, columns: dict, size: int, alpha: float) -> hv.Scatter:
    color, marker = LOOKS[name]
    return hv.Scatter((columns["x"], columns["y"]), "x", "y", label=name).opts(
        color=color, marker=marker, size=size, alpha=alpha
    )


def _true(columns: dict[str, dict]) -> hv.Scatter:
    place = columns["the bound's"]
    return hv.Scatter((place["x"], place["y"]), "x", "y", label="the bound's").opts(
        color=TARGET, marker="x", size=14, line_width=3
    )


def _xy(points: Tensor) -> dict[str, np.ndarray]:
    return {"x": points[:, 0].numpy(), "y": points[:, 1].numpy()}


def _arrows(at: np.ndarray, v: np.ndarray) -> dict[str, np.ndarray]:
    return {"x0": at[:, 0], "y0": at[:, 1], "x1": at[:, 0] + v[:, 0], "y1": at[:, 1] + v[:, 1]}


def _circle(centre: Tensor, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 80)
    return centre.numpy() + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
