"""The tab *Attention lab*: an attention window that moves over an image, its filters, and what it reads and writes."""

from dataclasses import dataclass
from typing import Any

import param
import torch
from torch import Tensor

from labkit.draw import DRAW, Window, attention
from labkit.experiments.devices import kept
from labkit.experiments.draw.drawing import device_of
from labkit.experiments.draw.images import printed
from labkit.experiments.settings import ExperimentSettings


@dataclass(frozen=True, eq=False)
class Attended:
    """An image under an attention window.

    Attributes:
        image: (C, H, W).
        window: window of one image, fields (1,).
        f_y, f_x: the filters, (N, H) and (N, W).
        patch: the patch that the window reads, (C, N, N).
        back: the image that results from writing the patch, (C, H, W).
        t: always 0, because this tab has no steps.
    """

    image: Tensor
    window: Window
    f_y: Tensor
    f_x: Tensor
    patch: Tensor
    back: Tensor
    t: int = 0


class AttentionSettings(ExperimentSettings[Attended]):
    """Settings of an attention window: its five numbers and its number of filters.

    Args:
        model: defines the size of the image, the first place of the window, and the device.
        image: the image under the window, (C, H, W) in [0, 1]; by default a printed 3.
    """

    n = param.Integer(default=5, bounds=(1, 12), label="Filters, N", doc="Filters N along each axis, N × N in all.")
    center_x = param.Number(
        default=13.5, bounds=(-4, 32), step=0.1, label="Centre, gX", doc="Centre gX in pixels from the left, from 0."
    )
    center_y = param.Number(
        default=13.5, bounds=(-4, 32), step=0.1, label="Centre, gY", doc="Centre gY in pixels from the top, from 0."
    )
    stride = param.Number(
        default=4.0,
        bounds=(0.1, 12),
        step=0.1,
        label="Stride, δ",
        doc="Distance δ between neighbouring filters, in pixels.",
    )
    sigma = param.Number(
        default=1.0,
        bounds=(0.05, 8),
        step=0.05,
        label="Width, σ",
        doc="Standard deviation σ of each filter, in pixels.",
    )
    intensity = param.Number(
        default=1.0,
        bounds=(0.1, 5),
        step=0.1,
        label="Intensity, γ",
        doc="Reading multiplies the numbers by γ, writing divides by it. A network makes what it reads stronger or "
        "weaker in this way. You see no change here, because each picture has its own grey scale.",
    )

    def __init__(self, model: DRAW, image: Tensor | None = None, **params: Any):
        c = model.config
        self.image = (printed(c)[3] if image is None else image).to(device_of(model))
        middle = {"center_x": (c.width - 1) / 2, "center_y": (c.height - 1) / 2, "stride": c.width / 7}
        super().__init__(**middle | params)
        for name, value in middle.items():
            self.param[name].default = value  # a lesson or a link without it returns to it

    def start(self) -> Attended:
        """Return the state for the current settings."""
        height, width = self.image.shape[-2:]
        fields = (self.center_y, self.center_x, self.stride, self.sigma, self.intensity)
        window = Window(*(torch.tensor([value], dtype=self.image.dtype, device=self.image.device) for value in fields))
        f_y, f_x = attention.filterbank(window, self.n, height, width)
        patch = attention.read(self.image[None], window, self.n)
        back = attention.write(patch, window, height, width)
        return kept(Attended(self.image, window, f_y[0], f_x[0], patch[0], back[0]))

    def step(self, state: Attended) -> Attended:
        """Return the state for the current settings, independent of the previous state."""
        return self.start()
