"""A square to draw on, and the drawing as an image like those in MNIST."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import panel as pn
import param
import torch
from PIL import Image
from torch import Tensor

INNER = 20 / 28  # fraction of the side: MNIST's digits fit into this box, with their centre of mass in the middle


class Pad(pn.custom.JSComponent):
    """A square to draw on; `drawn(image)` is called with (1, side, side) in [0, 1] during and after each line.

    Args:
        side: pixels along an edge of the image.
    """

    side = param.Integer(default=28, bounds=(1, 256))
    _esm = Path(__file__).with_name("pad.js")

    def __init__(self, drawn: Callable[[Tensor], None], **params):
        super().__init__(**params)
        self._drawn = drawn

    def clear(self) -> None:
        """Clear the square."""
        self._send_msg({"kind": "clear"})

    def _handle_msg(self, message: object) -> None:
        pixels = message.get("pixels") if isinstance(message, dict) and message.get("kind") == "drawn" else None
        if not isinstance(pixels, list) or len(pixels) != self.side**2 or not all(map(_is_finite, pixels)):
            return  # this message does not come from this page's script
        ink = np.clip(np.asarray(pixels, dtype=np.float32), 0, 255).reshape(self.side, self.side) / 255
        if ink.max() > 0.05:
            self._drawn(torch.from_numpy(centred(ink))[None])


def _is_finite(pixel: object) -> bool:
    return isinstance(pixel, int | float) and -1e6 < pixel < 1e6


def centred(ink: np.ndarray) -> np.ndarray:
    """Return ink (side, side) in [0, 1] scaled to MNIST's inner box, with its centre of mass in the middle of the
    image."""
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
