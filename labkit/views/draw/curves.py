"""Curves of one image against glimpses, and of many images against what they share; one point is marked."""

from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np
from torch import Tensor

from labkit.draw import Config
from labkit.experiments.draw.drawing import Drawing
from labkit.experiments.draw.latents import Interpolated, Resampled
from labkit.past import Past
from labkit.views.palette import DRIVE, EDGE, PAST, WRITE
from labkit.views.stage import ABOVE
from labkit.views.view import NO_GLIMPSE, Columns, View
from labkit.words import listed

Series = Callable[[Drawing], dict[str, np.ndarray]]


class TraceCurves(View):
    """Curves over t = 1 .. T; the axes follow the numbers.

    Args:
        title, unit: title of the picture, and unit of its numbers.
        colors: name -> colour, in the order of `series`.
        series: drawing -> name -> T numbers.
        ahead: whether the numbers of later strokes are shown.
    """

    automatic = True

    def __init__(self, title: str, unit: str, colors: dict[str, str], series: Series, ahead: bool = True):
        self.title, self.unit, self.colors, self.series, self.ahead = title, unit, colors, series, ahead

    @property
    def declaration(self) -> tuple:
        return self.title, self.unit, tuple(self.colors)

    def picture(self, state: Drawing) -> hv.Overlay:
        columns = self.columns(state)  # not empty: the browser warns of axes without numbers
        layers = [
            hv.Curve((columns[name]["t"], columns[name]["y"]), "t", "y", label=name).opts(
                color=color, line_width=2.5, line_dash=dash
            )
            for (name, color), dash in zip(self.colors.items(), ("solid", "dashed"), strict=False)
        ]
        layers.append(
            hv.Scatter((columns["now"]["t"], columns["now"]["y"]), "t", "y", label="now").opts(
                color=EDGE, size=10, show_legend=False
            )
        )
        return hv.Overlay(layers).opts(
            title=self.title, xlabel="glimpse t", ylabel=self.unit, **ABOVE
        )  # fmt: skip

    def missing(self, state: Drawing, earlier: int) -> str:
        return "" if self.ahead or state.shown else NO_GLIMPSE

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        if self.missing(state, 0):
            return f"{self.title}: none so far."
        at = max(state.shown - 1, 0)
        now = listed(f"{name} {values[at]:.3g}" for name, values in self.series(state).items())
        return f"{self.title}, in {self.unit}, at glimpse {at + 1} of {state.steps}: {now}."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        found = self.series(state)
        t, first = np.arange(1.0, state.steps + 1), next(iter(found.values()))
        now = slice(max(state.shown - 1, 0), max(state.shown, 1))
        known = t <= (state.steps if self.ahead else now.stop)
        curves = {name: {"t": t, "y": np.where(known, values, np.nan)} for name, values in found.items()}
        return curves | {"now": {"t": t[now], "y": first[now]}}


def bound_if_stopped(ahead: bool = True) -> TraceCurves:
    """Return the curves of the bound if the drawing stopped at each glimpse: the cost of that canvas plus all earlier
    KL.

    Args:
        ahead: whether the curves also show glimpses after the one on screen.
    """

    def series(state: Drawing) -> dict[str, np.ndarray]:
        nll, kl = of_first(state.trace.nll), of_first(state.trace.kl)
        return {"bound": nll + kl.cumsum(), "reconstruction cost only": nll}

    colors = {"bound": DRIVE, "reconstruction cost only": PAST}
    return TraceCurves("Bound if stopped at t", "nats", colors, series, ahead)


def write_window() -> TraceCurves:
    """Return the curves of stride and width of the write window of the first image."""

    def series(state: Drawing) -> dict[str, np.ndarray]:
        return {"stride δ": of_first(state.trace.write.stride), "width σ": of_first(state.trace.write.sigma)}

    return TraceCurves("Write window, first image", "pixels", {"stride δ": WRITE, "width σ": PAST}, series)


def of_first(field: Tensor) -> np.ndarray:
    """Return the values of a field (T, B) for the first image, (T,)."""
    return field[:, 0].numpy(force=True).astype(float)


class LatentCurves(TraceCurves):
    """Curves against another number than the strokes.

    Args:
        title, unit, colors, series: as in `TraceCurves`.
        places: state -> x of every number, and which of them are marked.
        options: options of the picture; without `ylim` the axes follow the numbers.
    """

    def __init__(
        self, title: str, unit: str, colors: dict[str, str], series: Callable, places: Callable, **options: Any
    ):
        super().__init__(title, unit, colors, series)
        self.places, self.options, self.automatic = places, options, "ylim" not in options

    @property
    def declaration(self) -> tuple:
        return *super().declaration, *self.options.items()

    def picture(self, state: Drawing) -> hv.Overlay:
        return super().picture(state).opts(show_legend=len(self.colors) > 1, **self.options)

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        series, (x, _) = self.series(state), self.places(state)
        ends = listed(f"{name} {values[0]:.3g} first and {values[-1]:.3g} last" for name, values in series.items())
        return f"{self.title}, at {len(x)} places: {ends}."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        found, (x, marked) = self.series(state), self.places(state)
        first = next(iter(found.values()))
        curves = {name: {"t": x, "y": values} for name, values in found.items()}
        return curves | {"now": {"t": x[marked], "y": first[marked]}}


def spread_curve() -> LatentCurves:
    """Return the spread of finished images that share everything before glimpse t, against t."""

    def series(state: Resampled) -> dict[str, np.ndarray]:
        return {"spread": state.spread.numpy(force=True).astype(float)}

    def places(state: Resampled) -> tuple[np.ndarray, slice]:
        return np.arange(1.0, len(state.spread) + 1), slice(state.glimpse - 1, state.glimpse)

    return LatentCurves(
        "Spread of the final images", "std. dev. of a pixel", {"spread": DRIVE}, series, places,
        xlabel="resampled from glimpse t",
    )  # fmt: skip


def norm_curves(config: Config) -> LatentCurves:
    """Return the length of z on the way from A to B, on the sphere and on the straight line."""

    def series(state: Interpolated) -> dict[str, np.ndarray]:
        both = {"on the sphere": state.turned, "straight": state.straight}
        return {name: length.numpy(force=True).astype(float) for name, length in both.items()}

    def places(state: Interpolated) -> tuple[np.ndarray, slice]:
        return state.share.numpy(force=True).astype(float), slice(None)

    numbers = config.steps * config.latent  # |z| has mean sqrt(numbers) and a standard deviation of at most 0.71
    return LatentCurves(
        "Length of z", "|z|", {"on the sphere": DRIVE, "straight": PAST}, series, places, xlabel="from A to B",
        xlim=(-0.03, 1.03), ylim=(0, numbers**0.5 + 4),
    )  # fmt: skip
