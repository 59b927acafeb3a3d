"""A sheet shows many images as one picture."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

SIDE = 10  # images along a side of the sheet
GREY = 128  # grey level of the lines between images


def tiled(images: Tensor) -> np.ndarray:
    """Return SIDE x SIDE images as one picture, row by row: uint8 (H, W) or (H, W, 3).

    Args:
        images: (SIDE^2, C, H, W) in [0, 1].
    """
    images = pad((255 * images).round().to(torch.uint8).cpu(), (0, 1, 0, 1), value=GREY)  # a line between images
    _, channels, height, width = images.shape
    rows = images.unflatten(0, (SIDE, SIDE)).permute(0, 3, 1, 4, 2)
    picture = rows.reshape(SIDE * height, SIDE * width, channels)[:-1, :-1].numpy()
    return picture[..., 0] if channels == 1 else picture
