"""Predictions at every place in the plane: mean probability of class 1, boundaries, standard deviation."""

from dataclasses import dataclass
from functools import cache

import contourpy
import holoviews as hv
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from labkit.experiments.svgd.classification import UNIT, Classified, rows
from labkit.experiments.svgd.classification_data import HALF
from labkit.past import Past
from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES, TARGET
from labkit.views.stage import ABOVE
from labkit.views.svgd.ring import RING, ringed
from labkit.views.view import Columns, View
from labkit.words import counted

SIDE = 51  # number of computed places along each side, including the edges
FINE = 2 * SIDE - 1  # number of shown places along each side
FULL = 0.25  # standard deviation with the full colour; the maximum, a half, is rare
FEW = 8  # number of particles whose boundary is shown if it is curved
AXIS = np.linspace(-HALF, HALF, SIDE)
TINT = 0x80  # the strongest colour of a place, out of 255
NAMES = {False: "class 0", True: "class 1"}
COLORS = {False: DRIVE, True: TARGET}
MARKERS = {False: "circle", True: "triangle"}
HELD = "held out"
PROBABILITY, MEAN, EACH, DEVIATION = "p(y = 1 | x)", "mean", "particle", "standard deviation"
BOX = {"xlim": (-HALF, HALF), "ylim": (-HALF, HALF), "xlabel": "x1", "ylabel": "x2"}


@dataclass(frozen=True, eq=False)
class Predictions:
    """Values on the lattice, lowest row first, float32: log odds of the first `FEW` particles, and mean and standard
    deviation of the probabilities of all particles."""

    log_odds: Float[Tensor, "k g g"]
    mean: Float[Tensor, "g g"]
    deviation: Float[Tensor, "g g"]


@cache
def lattice(features: str) -> Float[Tensor, "p gg"]:
    """Return the features of every place, one column per place."""
    across, up = torch.meshgrid(*(2 * [torch.from_numpy(AXIS).float()]), indexing="xy")
    return rows(features, torch.stack([across, up], -1).flatten(0, 1)).T.contiguous()


def predictions(state: Classified) -> Predictions:
    """Return the predictions of all particles, in float32."""
    log_odds = state.weights.cpu().float() @ lattice(state.target.features)
    some = log_odds[:FEW].clone().view(-1, SIDE, SIDE)
    p = log_odds.sigmoid_()
    mean = p.mean(0)
    deviation = (p.square_().mean(0) - mean * mean).clamp_(min=0).sqrt_()
    return Predictions(some, mean.view(SIDE, SIDE), deviation.view(SIDE, SIDE))


class CachedPredictions:
    """The predictions of a state, computed once for both pictures."""

    def __init__(self):
        self._last: tuple = (None, None)

    def __call__(self, state: Classified) -> Predictions:
        last = self._last
        if last[0] is not state:
            self._last = last = state, predictions(state)
        return last[1]


class Lattice(View):
    """A picture of predictions; only its columns depend on the run."""

    declaration = ()

    def __init__(self, predictions: CachedPredictions):
        self.predictions = predictions


class ClassProbabilities(Lattice):
    """The points on a colour for the more likely class, which fades where both classes are equally likely."""

    leading = plane = True
    chosen: int | None = None  # the marked point

    def picture(self, state: Classified) -> hv.Overlay:
        empty = np.zeros(0)
        tint = [f"{COLORS[v > 127.5]}{round(abs(v - 127.5) / 127.5 * TINT):02x}" for v in range(256)]
        lines = [
            hv.Curve((empty, empty), "x", "y", label=EACH).opts(color=PARTICLES, line_width=1, alpha=0.4),
            hv.Curve((empty, empty), "x", "y", label=MEAN).opts(color=PARTICLES, line_width=4),
        ]
        dots = {"size": 10, "line_width": 1.2}
        kinds = [
            hv.Points((empty, empty), ["x", "y"], label=name).opts(
                color=COLORS[y], marker=MARKERS[y], line_color="white", **dots
            )
            for y, name in NAMES.items()
        ]
        held = [
            hv.Points((empty, empty), ["x", "y"], label=f"{HELD}, {name}").opts(
                fill_color="white",
                fill_alpha=0.6,
                marker=MARKERS[y],
                line_color=COLORS[y],
                size=9,
                line_width=2,
                show_legend=False,
            )
            for y, name in NAMES.items()
        ]
        ring = hv.Points((empty, empty), ["x", "y"], label="chosen").opts(**RING)
        return hv.Overlay([_image(PROBABILITY, tint), *lines, *held, *kinds, ring]).opts(
            title="Probability of each class", **ABOVE, **BOX,
        )  # fmt: skip

    def describe(self, state: Classified, past: Past | None = None) -> str:
        held, used = state.accuracies
        count = int(state.target.held.sum())
        tested = f"{held:.0%} of {count} held-out points and " if count else ""
        about = f"{counted(len(state.weights), 'classifier')} and {counted(len(state.data.x), 'point')}"
        return f"{about}: {tested}{used:.0%} of the training points are correct."

    def columns(self, state: Classified, past: Past | None = None) -> Columns:
        found, data, held = self.predictions(state), state.data, state.target.held
        each = lines(state.weights) if state.target.features == "linear" else boundaries(found.log_odds, 0.0)
        layers = {
            PROBABILITY: {"image": [shades(found.mean)]},
            EACH: each,
            MEAN: boundaries(found.mean[None], 0.5),
            "chosen": ringed(*data.x.T.numpy(), self.chosen),
        }
        for y, name in NAMES.items():
            for label, which in ((name, ~held), (f"{HELD}, {name}", held)):
                place = data.x[(data.y == y) & which].numpy()
                layers[label] = {"x": place[:, 0], "y": place[:, 1]}
        return layers


class PredictiveDeviation(Lattice):
    """The disagreement of the particles: the standard deviation of their probabilities."""

    plane = True

    def picture(self, state: Classified) -> hv.Overlay:
        layers = [_image(DEVIATION, [f"{OTHER}{v:02x}" for v in range(256)])]
        return hv.Overlay(layers).opts(
            title="Where particles disagree",
            show_legend=False,
            **BOX | {"xlabel": f"x1   (full colour: deviation {FULL:g} or more)"},
        )

    def describe(self, state: Classified, past: Past | None = None) -> str:
        deviation = self.predictions(state).deviation
        mean, most = float(deviation.mean()), float(deviation.max())
        return f"The probabilities of the classifiers differ by {mean:.2f} on average and {most:.2f} at most."

    def columns(self, state: Classified, past: Past | None = None) -> Columns:
        return {DEVIATION: {"image": [shades((self.predictions(state).deviation / FULL).clamp(max=1))]}}


class Precisions(View):
    """The prior precision of each particle, against the length of its weights."""

    automatic = wide = True
    declaration = ()

    def picture(self, state: Classified) -> hv.Overlay:
        at = self.columns(state)["particles"]
        dots = hv.Points((at["x"], at["y"]), ["x", "y"], label="particles").opts(
            color=CHOSEN, size=7, alpha=0.8, line_color=None
        )
        return hv.Overlay([dots]).opts(
            title="Prior precision α and weights",
            xlabel="log α",
            ylabel="length |w|",
            show_legend=False,
            xlim=(-3, 6),
            ylim=(0, 10),
        )

    def describe(self, state: Classified, past: Past | None = None) -> str:
        log_alpha, length = state.run.x[:, -1], state.weights.norm(dim=1)
        a, w = (f"{float(v.min()):.2g} to {float(v.max()):.2g}" for v in (log_alpha, length))
        return f"The precisions have log α of {a}, and the weights have lengths of {w}."

    def columns(self, state: Classified, past: Past | None = None) -> Columns:
        log_alpha, length = state.run.x[:, -1], state.weights.norm(dim=1)
        return {"particles": {"x": log_alpha.numpy(force=True), "y": length.numpy(force=True)}}


def _image(label: str, colors: list[str]) -> hv.Image:
    """Return a layer for `shades`, with each place at the centre of its pixel."""
    edge = HALF + HALF / (FINE - 1)
    blank = np.zeros((FINE, FINE), np.uint8)
    return hv.Image(blank, bounds=(-edge, -edge, edge, edge), label=label).opts(cmap=colors, clim=(0, 255))


def shades(values: Float[Tensor, "g g"]) -> np.ndarray:
    """Return values in [0, 1] as bytes (FINE, FINE), lowest row first, with one more place between every two."""
    fine = interpolate(values[None, None], size=(FINE, FINE), mode="bilinear", align_corners=True)[0, 0]
    return (255 * fine).round_().clamp_(0, 255).to(torch.uint8).numpy()


def boundaries(values: Float[Tensor, "k g g"], level: float) -> dict[str, np.ndarray]:
    """Return the contours of the functions at a level, as a single line with gaps (NaN)."""
    found = [
        contourpy.contour_generator(AXIS, AXIS, each, line_type="ChunkCombinedNan").lines(level)[0][0]
        for each in values.numpy()
    ]
    return _joined([part for part in found if part is not None])


def lines(weights: Float[Tensor, "n 3"]) -> dict[str, np.ndarray]:
    """Return where w·(f(x), 1) = 0 for linear features: one straight line per particle, across the picture."""
    w, bias = weights[:, :2].numpy(force=True), weights[:, 2:].numpy(force=True)
    length = np.linalg.norm(w, axis=1, keepdims=True).clip(1e-12)
    foot, along = -UNIT * bias * w / length**2, 3 * HALF * w[:, ::-1] * [-1, 1] / length
    return _joined([np.stack(ends) for ends in zip(foot - along, foot + along, strict=True)])


def _joined(parts: list[np.ndarray]) -> dict[str, np.ndarray]:
    gap = np.full((1, 2), np.nan)
    whole = np.concatenate([gap, *(np.concatenate([part, gap]) for part in parts)])
    return {"x": whole[:, 0], "y": whole[:, 1]}
