"""The paper's classification task: a network reads an image in T glimpses and returns its class (section 4.1).

It has only the reading half of DRAW: an LSTM that chooses the next window, and a softmax on its last state.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit import arrays
from labkit.draw import attention
from labkit.draw.attention import Window
from labkit.draw.fast.lstm import Cell
from labkit.draw.lstm import LSTM
from labkit.draw.precision import Exact


@dataclass(frozen=True, eq=False)
class Reading:
    """One pass: the logits of the classes after each glimpse [T, B, classes], the glimpses, and their windows."""

    logits: Tensor
    glimpse: Tensor
    read: Window

    @property
    def said(self) -> Tensor:
        """The predicted class of each image after the last glimpse [B]."""
        return self.logits[-1].argmax(-1)


class Classifier(nn.Module):
    """A network that classifies images [B, 1, size, size] from T glimpses of n x n filters.

    The default is the paper's network for 100x100 cluttered MNIST.

    Args:
        size: height and width of the images in pixels.
        steps: T, the number of glimpses.
        hidden: units of the LSTM.
        read: filters along each axis of a window.
        classes: the number of classes.

    Raises:
        ValueError: a size is below 1, or the window is larger than the image.
    """

    def __init__(self, size: int = 100, *, steps: int = 8, hidden: int = 256, read: int = 12, classes: int = 10):
        super().__init__()
        attention.check_size(read, size, size)
        if min(steps, hidden, classes) < 1:
            raise ValueError(f"steps, hidden and classes must all be >= 1, got {steps}, {hidden} and {classes}")
        self.size, self.steps, self.hidden, self.read = size, steps, hidden, read
        self.lstm = LSTM(read**2, hidden)
        self.look, self.answer = nn.Linear(hidden, 5), nn.Linear(hidden, classes)

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Reading:
        """Return the `Reading` of images [B, 1, size, size] in [0, 1].

        Raises:
            ValueError: the images have another size.
        """
        arrays.check_tensor("images ", x)
        if x.shape[1:] != (1, self.size, self.size):
            raise ValueError(f"images must be (batch, 1, {self.size}, {self.size}), got {tuple(x.shape)}; resize them")
        h = cell = x.new_zeros(len(x), self.hidden)
        logits, glimpses, windows = [], [], []
        with Exact(x) as kind:
            cellular = Cell(self.lstm, kind)
            for _ in range(self.steps):
                windows.append(attention.window(self.look(h), self.read, self.size, self.size))
                glimpses.append(attention.read(x, windows[-1], self.read))
                h, cell = cellular((glimpses[-1].flatten(1), h), cell)
                logits.append(self.answer(h))
        stacked = Window(*(torch.stack(field) for field in zip(*windows, strict=True)))
        return Reading(torch.stack(logits), torch.stack(glimpses), stacked)
