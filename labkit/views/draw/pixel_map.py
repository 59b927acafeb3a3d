"""One number per pixel, as an image."""

from collections.abc import Callable

import holoviews as hv
import numpy as np
from torch import Tensor

from labkit.draw import Config
from labkit.experiments.draw.drawing import Drawing
from labkit.experiments.draw.latents import Traversed
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.view import Columns, View

FAR = 0.5  # the largest possible standard deviation of a pixel: ink in half of the images


class PixelMap(View):
    """One number per pixel as an image, dark where it is large.

    Args:
        config: configuration of the network.
        words: label above the image.
        numbers: state -> (C, H, W) in [0, 1]; the picture shows the mean over the channels.
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

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        shade = self.numbers(state).mean(0)
        row, column = divmod(int(shade.argmax()), shade.shape[-1])
        where = f"row {row + 1}, column {column + 1}"
        return f"{self.words[:1].upper()}{self.words[1:]}: mean {float(shade.mean()):.2f}, largest at {where}."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return {"shade": {"image": [mosaic.packed(self._tile(state))]}}

    def _tile(self, state: Drawing) -> np.ndarray:
        return mosaic.tiles(self.numbers(state).mean(0)[None, None].numpy(force=True), 1)


def pixel_deviation(config: Config) -> PixelMap:
    """Return the picture of the differences between images."""
    return PixelMap(config, "where they differ", lambda state: state.deviation / FAR)


def pixel_slopes(config: Config) -> PixelMap:
    """Return the effect of one number of z on each pixel; the strongest effect of any number of z is black."""

    def numbers(state: Traversed) -> Tensor:
        return state.slopes[state.coordinate - 1].abs() / state.slopes.abs().max().clamp(min=1e-6)

    return PixelMap(config, "where it changes the image", numbers)
