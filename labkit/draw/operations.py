"""What a pass of the network is made of, as the paper writes it, in plain torch.

`labkit.draw.fast` has the same operations with their gradients by hand; these are the oracle in its tests, and take
over where a gradient is differentiated once more. `model.operations = operations.PAPER` runs a network by them alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.draw import attention, lstm


class Operations(NamedTuple):
    """Ways to look through a window, to write through one, and to apply a map or a cell at each step of a pass."""

    look: Callable[[Tensor, Tensor, Tensor, int], Tensor]
    lay: Callable[[Tensor, Tensor, Tensor], Tensor]
    linear: Callable[..., Callable[..., Tensor]]
    cell: Callable[..., Callable[..., tuple[Tensor, Tensor]]]


def look(x: Tensor, canvas: Tensor, asked: Tensor, n: int) -> Tensor:
    """What is read of images and of what their canvases (logits) still lack, both (b, c, h, w): (b, 2 c, n, n)."""
    window = attention.window(asked, n, *x.shape[-2:])
    return attention.read(torch.cat([x, x - canvas.sigmoid()], 1), window, n)


def lay(canvas: Tensor, patch: Tensor, asked: Tensor) -> Tensor:
    """The canvases (b, c, h, w) after patches (b, c, n, n) are written through the windows asked for (b, 5)."""
    height, width = canvas.shape[-2:]
    return canvas + attention.write(patch, attention.window(asked, patch.shape[-1], height, width), height, width)


PAPER = Operations(look, lay, lstm.linear, lstm.cell)
