"""The LSTM cell and the linear maps of one pass, in plain torch.

    i, f, o, g = [x, h] W^T + b,    c' = sigmoid(f) c + sigmoid(i) tanh(g),    h' = sigmoid(o) tanh(c')           (1)

The network uses `labkit.draw.fast.lstm`, which gives the same numbers and sums gradients in place.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Parts = tuple[Tensor | None, ...]  # concatenated they are the input; a last part of None means zeros


class LSTM(nn.Module):
    """The parameters of a cell: one weight for [input, h] and one bias; the forget gate starts open."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        bound = hidden**-0.5  # as torch.nn.LSTMCell starts
        self.weight = nn.Parameter(torch.empty(4 * hidden, inputs + hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.bias[hidden : 2 * hidden] = 1.0


def linear(weight: Tensor, bias: Tensor, kind: torch.dtype | None) -> Callable[..., Tensor]:
    """Return the map (*parts) -> [parts] W^T + b for one pass.

    Args:
        kind: the dtype of the product, None for that of the weight.
    """
    rounded = weight if kind is None else weight.to(kind)

    def mapped(*parts: Tensor | None) -> Tensor:
        given = torch.cat([part for part in parts if part is not None], 1).to(rounded.dtype)
        return (given @ rounded[:, : given.shape[1]].mT).to(bias.dtype) + bias

    return mapped


def cell(
    lstm: LSTM, kind: torch.dtype | None, extra: Tensor | None = None
) -> Callable[[Parts, Tensor], tuple[Tensor, Tensor]]:
    """Return step (1) for one pass: ([input], c) -> (h', c').

    The last part of the input is h, or `None` before the first step.

    Args:
        kind: the dtype of the product, None for that of the weight.
        extra: added to the gates at every step [b, 4 hidden].
    """
    mapped = linear(lstm.weight, lstm.bias, kind)

    def step(parts: Parts, c: Tensor) -> tuple[Tensor, Tensor]:
        gates = mapped(*parts)
        return gated(gates if extra is None else gates + extra, c)

    return step


def gated(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Return h' and c' of (1) from the gates [b, 4 hidden], in the order input, forget, output, candidate."""
    i, f, o, candidate = gates.chunk(4, 1)
    now = f.sigmoid() * c + i.sigmoid() * candidate.tanh()
    return o.sigmoid() * now.tanh(), now
