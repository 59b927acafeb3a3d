"""A square to draw on, and the drawing as an image like those in MNIST."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from labkit.views import pad

INNER = 20 / 28  # fraction of the side: MNIST's digits fit into this box, with their centre of mass in the middle


class Pad(pad.Pad):
    """A square to draw a digit on; during and after each line `drawn` gets an image (1, side, side) in [0, 1]."""

    def made(self, ink: np.ndarray) -> Tensor:
        return torch.from_numpy(centred(ink))[None]


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
