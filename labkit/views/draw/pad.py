"""A square in the page to draw on, and what is drawn there as an image like those of MNIST."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import panel as pn
import param
import torch
from PIL import Image
from torch import Tensor

INNER = 20 / 28  # of the side: MNIST's digits were fitted into such a box, then put where their centre of mass is


class Pad(pn.custom.JSComponent):
    """Where a reader draws; `drawn(image)` is called with (1, side, side) in [0, 1] while the line grows.

    Args:
        side: pixels along an edge of the image.
    """

    side = param.Integer(default=28, bounds=(1, 256))
    _esm = Path(__file__).with_name("pad.js")

    def __init__(self, drawn: Callable[[Tensor], None], **params):
        super().__init__(**params)
        self._drawn = drawn

    def clear(self) -> None:
        """An empty square."""
        self._send_msg({"kind": "clear"})

    def _handle_msg(self, message: object) -> None:
        pixels = message.get("pixels") if isinstance(message, dict) and message.get("kind") == "drawn" else None
        if not isinstance(pixels, list) or len(pixels) != self.side**2 or not all(map(_is_finite, pixels)):
            return  # not of this page's own script
        ink = np.clip(np.asarray(pixels, dtype=np.float32), 0, 255).reshape(self.side, self.side) / 255
        if ink.max() > 0.05:
            self._drawn(torch.from_numpy(centred(ink))[None])


def _is_finite(pixel: object) -> bool:
    return isinstance(pixel, int | float) and -1e6 < pixel < 1e6


def centred(ink: np.ndarray) -> np.ndarray:
    """Ink (side, side) in [0, 1] scaled into MNIST's inner box, its centre of mass in the middle of the image."""
    side = ink.shape[0]
    rows, columns = (np.flatnonzero(ink.max(axis) > 0.05) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INNER * side / max(cut.shape)
    size = [max(1, round(scale * length)) for length in cut.shape]
    small = np.asarray(Image.fromarray(cut).resize(size[::-1], Image.Resampling.BILINEAR))
    total = small.sum()
    out = np.zeros_like(ink)
    corner = []
    for axis, length in enumerate(size):
        mass = (small.sum(1 - axis) * (np.arange(length) + 0.5)).sum() / total
        corner.append(int(np.clip(round(side / 2 - mass), 0, side - length)))
    out[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]] = small
    return out
