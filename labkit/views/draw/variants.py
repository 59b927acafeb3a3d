"""Pictures of images that share something: side by side, where they differ, and by how much."""

from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np
from torch import Tensor

from labkit.draw import Config
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.draw.courses import Course
from labkit.views.draw.drawing import Drawing
from labkit.views.draw.latents import Between, Changed, Resampled
from labkit.views.draw.sheet import Sheet
from labkit.views.palette import CHOSEN, DRIVE, PAST
from labkit.views.view import Columns, View

FAR = 0.5  # the largest standard deviation that a pixel can have: ink in half of many images


class Marked(Sheet):
    """A sheet with one of its images framed, if one is meant."""

    def picture(self, state: Drawing) -> hv.Overlay:
        return hv.Overlay([*super().picture(state), mosaic.mark("meant")]).opts(show_legend=False)

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        size = self.config.height, self.config.width
        if state.meant is None:
            return super().columns(state) | {"meant": mosaic.no_boxes()}
        left, top = mosaic.corner(state.meant, self.columns_of, *size)
        return super().columns(state) | {"meant": mosaic.framed(left, top, *size)}


class Row(Marked):
    """The same in one row, with words above each image."""

    leading, wide = False, True

    def __init__(self, config: Config, words: tuple[str, ...]):
        super().__init__(config, len(words))
        self.columns_of, self.words = self.n, words

    @property
    def declaration(self) -> tuple:
        return self.config, self.words

    @property
    def aspect(self) -> float:
        return mosaic.aspect_in_words(self.n, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        size = self.config.height, self.config.width
        return mosaic.in_words([*super().picture(state), mosaic.words(self.words, *size)], self.n, *size)


class Shade(View):
    """A number for every pixel as one image, dark where it is large.

    Args:
        config: of the network.
        words: above the image.
        numbers: state -> (C, H, W) in [0, 1]; of channels the mean.
    """

    def __init__(self, config: Config, words: str, numbers: Callable[[Drawing], Tensor]):
        self.size, self.words, self.numbers = (config.height, config.width), words, numbers
        self.aspect = mosaic.aspect_in_words(1, *self.size)

    @property
    def declaration(self) -> tuple:
        return self.size, self.words

    def picture(self, state: Drawing) -> hv.Overlay:
        layers = [mosaic.picture(self._tile(state), "shade"), mosaic.words((self.words,), *self.size)]
        return mosaic.in_words(layers, 1, *self.size)

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return {"shade": {"image": [mosaic.packed(self._tile(state))]}}

    def _tile(self, state: Drawing) -> np.ndarray:
        return mosaic.tiles(self.numbers(state).mean(0)[None, None].numpy(force=True), 1)


def differing(config: Config) -> Shade:
    """Where the images of a sheet differ."""
    return Shade(config, "where they differ", lambda state: state.apart / FAR)


def moved(config: Config) -> Shade:
    """Where one number of z moves the image, beside the strongest pixel of any number of that z."""

    def numbers(state: Changed) -> Tensor:
        return state.slopes[state.coordinate - 1].abs() / state.slopes.abs().max().clamp(min=1e-6)

    return Shade(config, "what it moves", numbers)


class Chart(Course):
    """Curves over something else than the strokes.

    Args:
        title, unit, colors, series: of a `Course`.
        places: state -> x of every number, and which of them are marked.
        options: of the picture; without `ylim` the axes follow the numbers.
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

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        found, (x, marked) = self.series(state), self.places(state)
        first = next(iter(found.values()))
        curves = {name: {"t": x, "y": values} for name, values in found.items()}
        return curves | {"now": {"t": x[marked], "y": first[marked]}}


def spread() -> Chart:
    """How far images end up apart that share all before glimpse t, against t."""

    def series(state: Resampled) -> dict[str, np.ndarray]:
        return {"spread": state.spread.numpy(force=True).astype(float)}

    def places(state: Resampled) -> tuple[np.ndarray, slice]:
        return np.arange(1.0, len(state.spread) + 1), slice(state.glimpse - 1, state.glimpse)

    return Chart(
        "How far apart they end", "spread of a pixel", {"spread": DRIVE}, series, places,
        xlabel="drawn anew from glimpse t",
    )  # fmt: skip


def lengths(config: Config) -> Chart:
    """How long z is on the way from A to B, along the sphere and straight."""

    def series(state: Between) -> dict[str, np.ndarray]:
        both = {"on the sphere": state.turned, "straight": state.straight}
        return {name: length.numpy(force=True).astype(float) for name, length in both.items()}

    def places(state: Between) -> tuple[np.ndarray, slice]:
        return state.share.numpy(force=True).astype(float), slice(None)

    numbers = config.steps * config.latent  # |z| has mean sqrt(numbers) and a standard deviation of at most 0.71
    return Chart(
        "Length of z", "|z|", {"on the sphere": DRIVE, "straight": PAST}, series, places, xlabel="from A to B",
        xlim=(-0.03, 1.03), ylim=(0, numbers**0.5 + 4), legend_position="bottom_right",
    )  # fmt: skip


class Effects(View):
    """How far each number of one z moves the image, as bars; the chosen one is coloured."""

    automatic = True
    declaration = ()

    def picture(self, state: Changed) -> hv.Overlay:
        none, width = np.zeros(0), max(2, 160 / len(state.slopes))
        bars = [
            hv.Segments((none, none, none, none), ["x0", "y0", "x1", "y1"], label=label).opts(
                color=color, line_width=width, show_legend=False
            )
            for label, color in (("others", PAST), ("chosen", CHOSEN))
        ]
        return hv.Overlay(bars).opts(
            title="What each number moves", xlabel="number i", ylabel="change of a pixel"
        )  # fmt: skip

    def columns(self, state: Changed, past: Past | None = None) -> Columns:
        effect = state.slopes.abs().flatten(1).mean(1).numpy(force=True).astype(float)
        i, zero, chosen = np.arange(1.0, len(effect) + 1), np.zeros_like(effect), np.zeros(len(effect), bool)
        chosen[state.coordinate - 1] = True
        return {
            label: {"x0": i[which], "y0": zero[which], "x1": i[which], "y1": effect[which]}
            for label, which in (("others", ~chosen), ("chosen", chosen))
        }
