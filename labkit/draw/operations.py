"""These are the operations of a pass in plain torch, as the paper writes them.

`labkit.draw.fast` has the same operations with gradients written by hand. Its tests compare it with these. These also
replace it where a gradient is differentiated again. `model.operations = operations.PAPER` makes a network use only
these.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.draw import attention, lstm


class Operations(NamedTuple):
    """The functions that read through a window, write through one, and apply a map or a cell at each step."""

    look: Callable[[Tensor, Tensor, Tensor, int], Tensor]
    lay: Callable[[Tensor, Tensor, Tensor], Tensor]
    linear: Callable[..., Callable[..., Tensor]]
    cell: Callable[..., Callable[..., tuple[Tensor, Tensor]]]


def look(x: Tensor, canvas: Tensor, asked: Tensor, n: int) -> Tensor:
    """Return the glimpse (b, 2 c, n, n) of images and of what is not painted yet.

    Args:
        x: images (b, c, h, w).
        canvas: logits (b, c, h, w).
        `asked`: the five raw numbers of each window (b, 5).
        n: filters along each axis.
    """
    window = attention.window(asked, n, *x.shape[-2:])
    return attention.read(torch.cat([x, x - canvas.sigmoid()], 1), window, n)


def lay(canvas: Tensor, patch: Tensor, asked: Tensor) -> Tensor:
    """Return the canvases (b, c, h, w) with patches (b, c, n, n) added through windows of raw numbers (b, 5)."""
    height, width = canvas.shape[-2:]
    return canvas + attention.write(patch, attention.window(asked, patch.shape[-1], height, width), height, width)


PAPER = Operations(look, lay, lstm.linear, lstm.cell)
