"""The attention lab: a window that the reader moves over a picture, its filters, what it reads and writes back."""

from dataclasses import dataclass

import holoviews as hv
import numpy as np
import param
import torch
from torch import Tensor

from labkit.draw import Window, attention
from labkit.experiments.devices import kept
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.palette import READ
from labkit.views.view import Columns, View


@dataclass(frozen=True, eq=False)
class Attended:
    """A picture under a window: the filters, what is read, and what that patch gives when it is written back."""

    image: Tensor  # (C, H, W)
    window: Window  # of one image, fields (1,)
    f_y: Tensor
    f_x: Tensor
    patch: Tensor  # (C, n, n)
    back: Tensor  # (C, H, W)
    t: int = 0


class Bench(param.Parameterized):
    """The window's five numbers and its size, and the picture under it."""

    n = param.Integer(default=5, bounds=(1, 12), label="Filters, N", doc="N: filters along an axis, N x N in all")
    center_x = param.Number(
        default=13.5, bounds=(-4, 32), step=0.1, label="Centre, gX", doc="gX: pixels from the left, counted from 0"
    )
    center_y = param.Number(
        default=13.5, bounds=(-4, 32), step=0.1, label="Centre, gY", doc="gY: pixels from the top, counted from 0"
    )
    stride = param.Number(
        default=4.0, bounds=(0.1, 12), step=0.1, label="Stride, δ", doc="δ: pixels from one filter to the next"
    )
    sigma = param.Number(
        default=1.0, bounds=(0.05, 8), step=0.05, label="Width, σ", doc="σ: standard deviation of a filter, in pixels"
    )
    intensity = param.Number(
        default=1.0, bounds=(0.1, 5), step=0.1, label="Intensity, γ", doc="γ: multiplies what is read"
    )

    def __init__(self, image: Tensor, **params):
        self.image = image
        super().__init__(**params)

    def start(self) -> Attended:
        """What the settings of now give."""
        height, width = self.image.shape[-2:]
        fields = (self.center_y, self.center_x, self.stride, self.sigma, self.intensity)
        window = Window(*(torch.tensor([value], dtype=self.image.dtype, device=self.image.device) for value in fields))
        f_y, f_x = attention.filterbank(window, self.n, height, width)
        patch = attention.read(self.image[None], window, self.n)
        back = attention.write(patch, window, height, width)
        return kept(Attended(self.image, window, f_y[0], f_x[0], patch[0], back[0]))

    def step(self, state: Attended) -> Attended:
        return self.start()


class Under(View):
    """The picture with the window on it, what is read, and what is written back, each to its own full shade."""

    wide = True
    words = ("the picture", "what is read", "written back")

    def __init__(self, bench: Bench):
        self.bench = bench
        self.size = tuple(bench.image.shape[-2:])

    @property
    def declaration(self) -> tuple:
        return self.size

    @property
    def aspect(self) -> float:
        """Width of the picture over its height."""
        return mosaic.aspect_in_words(3, *self.size)

    def picture(self, state: Attended) -> hv.Overlay:
        layers = [
            mosaic.picture(self._tiles(state), "three"), mosaic.outline("read", READ),
            mosaic.words(self.words, *self.size),
        ]  # fmt: skip
        return mosaic.in_words(layers, 3, *self.size)

    def columns(self, state: Attended, past: Past | None = None) -> Columns:
        return {
            "three": {"image": [mosaic.packed(self._tiles(state))]},
            "read": mosaic.boxes(state.window, len(state.f_x), (np.zeros(1), np.zeros(1)), *self.size),
        }

    def _tiles(self, state: Attended) -> np.ndarray:
        image, patch, back = (field.numpy(force=True) for field in (state.image, state.patch, state.back))
        return mosaic.tiles(
            np.stack([image, mosaic.enlarged(mosaic.shaded(patch), *self.size), mosaic.shaded(back)]), 3, ground=128
        )


class Bank(View):
    """One axis' filters as an image: a row a filter, dark where it looks."""

    def __init__(self, bench: Bench, axis: str):
        self.bench, self.axis = bench, axis

    @property
    def declaration(self) -> tuple:
        return self.axis, self.bench.n, tuple(self.bench.image.shape)

    def picture(self, state: Attended) -> hv.Overlay:
        rgb = self._rows(state)
        n, size = rgb.shape[:2]
        layer = hv.RGB(rgb, bounds=(-0.5, 0.5, size - 0.5, n + 0.5), label=self.axis)
        return hv.Overlay([layer]).opts(
            title=f"Filters F_{self.axis}", xlabel=f"pixel along {self.axis.lower()}", ylabel="filter i",
            xlim=(-0.5, size - 0.5), ylim=(0.5, n + 0.5), show_legend=False,
        )  # fmt: skip

    def columns(self, state: Attended, past: Past | None = None) -> Columns:
        return {self.axis: {"image": [mosaic.packed(self._rows(state))]}}

    def _rows(self, state: Attended) -> np.ndarray:
        rows = (state.f_x if self.axis == "X" else state.f_y).numpy(force=True)
        return mosaic.tiles((rows / rows.max())[None, None, ::-1], 1)
