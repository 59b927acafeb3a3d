"""The tab *Microscope*: one draw of K samples in the plane, and the gradients of this and earlier draws."""

import html

import holoviews as hv
import numpy as np
import torch
from torch import Tensor

from labkit.dreg import ESTIMATORS, bounds, gaussian
from labkit.dreg.gaussian import Gaussian
from labkit.experiments import titles
from labkit.experiments.dreg.microscope import Draw, MicroscopeSettings
from labkit.past import Past
from labkit.views import fields
from labkit.views.dreg.styles import style_of
from labkit.views.palette import DRIVE, PAST, REPULSION, TARGET
from labkit.views.scenes import Scene
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import counted, listed

# the terms of estimators, as formulas for the legend
SUMS = {"iwae": "Σ w̃ (G − H)", "stl": "Σ w̃ G", "dreg": "Σ w̃² G", "rws": "Σ w̃ H", "rws-dreg": "Σ (w̃ − w̃²) G"}
ESS = "The effective sample size says how many samples with equal weights would be as good."
REACH = 2.8  # range of the picture of samples, in standard deviations
ROOM = 3.5  # range around the true gradient in standard deviations of iwae's
ARROW = 0.22  # length of the longest arrow, as a fraction of the picture's width
LARGEST = 46.0  # diameter in pixels of a sample with weight 1


class WeightedSamples(View):
    """The samples with their weights as area, and with G and H of each; q and the posterior as circles."""

    leading = plane = True

    def __init__(self, settings: MicroscopeSettings):
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
        samples = columns["samples (area: weight w̃)"]
        points = (samples["x"], samples["y"], samples["size"])
        layers = [
            *circles,
            hv.Points(points, ["x", "y"], "size", label="samples (area: weight w̃)").opts(
                color=style_of("dreg").color,
                size="size",
                fill_alpha=0.45,  # the edge is visible on a dark page too
            ),
            *[
                hv.Segments(tuple(columns[label].values()), ["x0", "y0", "x1", "y1"], label=label).opts(
                    color=color, line_width=2.5
                )
                for label, color in (("path gradient G", DRIVE), ("score H", REPULSION))
            ],
        ]
        return hv.Overlay(layers).opts(
            title="One draw of K samples", xlabel="z₁", ylabel="z₂", xlim=(low[0], high[0]),
            ylim=(low[1], high[1]), **ABOVE,
        )  # fmt: skip

    def describe(self, state: Draw, past: Past | None = None) -> str:
        most = float(state.w.max())
        samples = counted(len(state.w), "sample")
        return f"{samples}; the largest weight is {most:.2f}, the effective sample size {state.ess:.2f}."

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        z, size = state.z.numpy(), LARGEST * np.sqrt(state.w.numpy())
        low, high = self._box(state.toy)
        longest = max(float(v.norm(dim=1).max()) for v in (state.path, state.score))
        scale = ARROW * (high[0] - low[0]) / longest
        return {
            "samples (area: weight w̃)": {"x": z[:, 0], "y": z[:, 1], "size": size},
            "path gradient G": _arrows(z, scale * state.path.numpy()),
            "score H": _arrows(z, scale * state.score.numpy()),
        }

    @staticmethod
    def _box(toy: Gaussian) -> tuple[list[float], list[float]]:
        """Return the lower left and the upper right corner of the picture."""
        reach = REACH * max(toy.sigma, gaussian.POSTERIOR_VARIANCE**0.5) + toy.distance / 2
        x, y = ((toy.posterior_mean + toy.mean) / 2).tolist()
        return [x - reach, y - reach], [x + reach, y + reach]


class GradientTerms(View):
    """The cumulative sum of this draw's terms, heaviest sample first; a marker at its end is the gradient."""

    automatic = True

    def __init__(self, settings: MicroscopeSettings):
        self.settings = settings

    @property
    def declaration(self) -> tuple:
        return (self.settings.estimator,)

    def picture(self, state: Draw) -> hv.Overlay:
        columns = self.columns(state)
        chains = [
            hv.Curve((columns[label]["x"], columns[label]["y"]), "x", "y", label=label).opts(
                color=style_of(name).color, line_width=2.5
            )
            for name, label in ((name, layer(name)) for name in state.compared)
        ]
        ends = [_marks(name, columns[name], 12, 1.0).opts(show_legend=False) for name in state.compared]
        start = hv.Labels(([0.0], [0.0], ["start"]), ["x", "y"], "text", label="start").opts(
            text_color=PAST, text_font_size="12px", text_baseline="top"
        )
        return _plane([*chains, *ends, start, _true(columns)], "Sum of this draw’s terms").opts(show_legend=False)

    def describe(self, state: Draw, past: Past | None = None) -> str:
        sums = zip(state.compared, state.terms.sum(1).tolist(), strict=True)
        now = listed(f"{titles.estimator(name)} ({x:.2f}, {y:.2f})" for name, (x, y) in sums)
        x, y = state.truth.tolist()
        return f"Gradients of this draw: {now}; the true gradient is ({x:.2f}, {y:.2f})."

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        order = state.w.argsort(descending=True)
        found: dict[str, dict] = {"true gradient": _xy(state.truth[None])}
        for name, terms in zip(state.compared, state.terms, strict=True):
            chain = torch.cat([torch.zeros_like(terms[:1]), terms[order].cumsum(0)])
            found |= {layer(name): _xy(chain), name: _xy(chain[-1:])}
        return found


class GradientScatter(View):
    """The gradients of all draws so far, and the true gradient of the bound."""

    plane = True

    def __init__(self, settings: MicroscopeSettings):
        self.settings = settings

    @property
    def declaration(self) -> tuple:
        return self.settings.estimator, self.settings.k, self.settings.distance, self.settings.variance

    def picture(self, state: Draw) -> hv.Overlay:
        columns, (x, y) = self.columns(state), state.truth.tolist()
        clouds = [_marks(name, columns[name], 7, 0.55) for name in state.compared]
        near = ROOM * state.scatter
        around = {"xlim": (x - near, x + near), "ylim": (y - near, y + near)}
        called = {name: titles.estimator(name) for name in state.compared}
        return _plane([*clouds, _true(columns)], "All draws so far").opts(legend_labels=called, **around)

    def describe(self, state: Draw, past: Past | None = None) -> str:
        away = (state.gradients - state.truth).norm(dim=-1).mean(0).tolist()
        now = listed(f"{titles.estimator(name)} {far:.2f}" for name, far in zip(state.compared, away, strict=True))
        return f"{counted(len(state.gradients), 'draw')}; mean distance from the true gradient: {now}."

    def columns(self, state: Draw, past: Past | None = None) -> Columns:
        found = {name: _xy(state.gradients[:, i]) for i, name in enumerate(state.compared)}
        return found | {"true gradient": _xy(state.truth[None])}


class MicroscopeScene(Scene):
    """Draws of K samples in the plane."""

    basic = ("estimator", "k", "distance")
    speed = 1
    guide = "dreg-tabs#microscope"
    words = (
        "Each green disc is one of K samples of the proposal q (grey circles: 1 and 2 standard deviations). Its area "
        "is its weight w̃, its share of all weights: it is large where the posterior (dashed circles) is large "
        "compared with q. Two lines start at each sample. The path gradient G points to where the weight grows. The "
        "score H points away from the centre of q. The mean of H over all of q is 0, so in a few samples it is mostly "
        "noise.<br>IWAE adds up w̃ (G &minus; H), to estimate the gradient of the bound L for m, the centre of q. "
        "DReG replaces w̃ H by (w̃ &minus; w̃&sup2;) G, which has the same mean. Then w̃&sup2; G is left. The weights "
        "are below 1, so their squares are much smaller, and so is the noise.<br>First small plot: the terms of this "
        "draw, added up from the heaviest sample on. The large mark is the result. Second small plot: the results of "
        "all draws. IWAE and DReG scatter around the true gradient (cross), but not equally far."
    )

    def __init__(self, settings: MicroscopeSettings | None = None, **params):
        super().__init__(settings or MicroscopeSettings(), **params)

    def views(self) -> list:
        return [WeightedSamples(self.settings), GradientTerms(self.settings), GradientScatter(self.settings)]

    def status(self, state: Draw) -> str:
        return f"effective sample size {state.ess:.2f} of {len(state.w)}"

    def remarks(self) -> str:
        name = self.settings.estimator
        called = html.escape(titles.estimator(name))
        said = [f"All lines of a draw have the same scale, so you can compare the lengths of G and H. {ESS}"]
        if name in SUMS:
            said.append(f"{called} is {SUMS[name]}.")
        if ESTIMATORS[name].bound is not bounds.iwae:
            said.append(f"{called} estimates the gradient of another bound: it scatters around another point.")
        elif not ESTIMATORS[name].unbiased:
            said.append(f"{called} is biased, so it scatters around another point.")
        return " ".join(said)

    def controls(self) -> list:
        dials = [fields.number(self.settings, name) for name in ("k", "distance", "variance", "seed")]
        return [fields.choice(self.settings, "estimator"), *dials]


def layer(name: str) -> str:
    """Return the name of the layer for an estimator's terms; the legend shows it."""
    return f"{titles.estimator(name)}: {SUMS.get(name, 'Σ of its terms')}"


def _plane(layers: list, title: str) -> hv.Overlay:
    return hv.Overlay(layers).opts(
        title=title, xlabel="estimate of ∂L/∂m₁", ylabel="estimate of ∂L/∂m₂", xlim=(-1, 1), ylim=(-1, 1),
        **ABOVE,
    )  # fmt: skip


def _marks(name: str, columns: dict, size: int, alpha: float) -> hv.Scatter:
    color, marker, _ = style_of(name)
    return hv.Scatter((columns["x"], columns["y"]), "x", "y", label=name).opts(
        color=color, marker=marker, size=size, alpha=alpha
    )


def _true(columns: dict[str, dict]) -> hv.Scatter:
    place = columns["true gradient"]
    return hv.Scatter((place["x"], place["y"]), "x", "y", label="true gradient").opts(
        color=TARGET, marker="x", size=14, line_width=3
    )


def _xy(points: Tensor) -> dict[str, np.ndarray]:
    return {"x": points[:, 0].numpy(), "y": points[:, 1].numpy()}


def _arrows(at: np.ndarray, v: np.ndarray) -> dict[str, np.ndarray]:
    return {"x0": at[:, 0], "y0": at[:, 1], "x1": at[:, 0] + v[:, 0], "y1": at[:, 1] + v[:, 1]}


def _circle(centre: Tensor, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 80)
    return centre.numpy() + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
