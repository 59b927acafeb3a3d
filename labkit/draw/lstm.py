"""An LSTM cell and linear maps that are used at every step of a pass, with their gradients summed in place.

Left to autograd, a weight that T steps share gets a gradient of its own size at every step, which is then added to the
sum: time goes into fresh memory. Here every step of the backward pass multiplies into one sum, and the step made first,
whose turn comes last, hands it over.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Shared(NamedTuple):
    """x -> x W^T + b for the steps of one pass; `rounded` is W in the dtype of the product."""

    weight: Tensor
    rounded: Tensor
    bias: Tensor
    sums: "_Sums"

    def __call__(self, x: Tensor) -> Tensor:
        return _Step.apply(x, self.weight, self.bias, self.rounded, self.sums)


def shared(weight: Tensor, bias: Tensor, kind: torch.dtype | None) -> Shared:
    """The map of one pass; `kind` is the dtype of its products, None that of the weight."""
    return Shared(weight, weight.detach() if kind is None else weight.detach().to(kind), bias, _Sums())


class _Sums:
    """Gradients of weight and bias in one backward pass, which goes from the last step down to the first.

    A pass that stops halfway (the gradient by some z) leaves its sum behind: `last`, its step, tells the next one.
    """

    def __init__(self):
        self.steps, self.last, self.found = 0, 0, None


class _Step(torch.autograd.Function):
    """One step's product; the step made first answers the gradients of weight and bias for all."""

    @staticmethod
    def forward(ctx, x, weight, bias, rounded, sums):
        given = x.to(rounded.dtype)
        ctx.save_for_backward(given)
        ctx.rounded, ctx.sums, ctx.step, ctx.kind = rounded, sums, sums.steps, x.dtype
        sums.steps += 1
        if x.dtype == rounded.dtype:
            return torch.addmm(bias, x, rounded.mT)
        return (given @ rounded.mT).to(x.dtype) + bias

    @staticmethod
    @once_differentiable
    def backward(ctx, out):
        (given,), sums, flow = ctx.saved_tensors, ctx.sums, out.to(ctx.rounded.dtype)
        if sums.found is None or sums.last <= ctx.step:
            sums.found = (flow.mT @ given, out.sum(0))
        else:
            sums.found[0].addmm_(flow.mT, given)
            sums.found[1].add_(out.sum(0))
        sums.last, weight, bias = ctx.step, None, None
        if ctx.step == 0:
            (weight, bias), sums.found = sums.found, None
            weight = weight.to(ctx.kind)
        return (flow @ ctx.rounded).to(ctx.kind), weight, bias, None, None


class LSTM(nn.Module):
    """A cell with one weight for [input, h] and one bias; the forget gate begins open."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        bound = hidden**-0.5  # as torch.nn.LSTMCell begins
        self.weight = nn.Parameter(torch.empty(4 * hidden, inputs + hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.bias[hidden : 2 * hidden] = 1.0

    class Ready(NamedTuple):
        """The cell for one pass: ([input, h], c) -> (h, c)."""

        gates: Shared
        extra: Tensor | None
        hidden: int

        def __call__(self, inputs: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
            gates = self.gates(inputs) if self.extra is None else self.gates(inputs) + self.extra
            return _gate(gates, cell)

    def ready(self, kind: torch.dtype | None, extra: Tensor | None = None) -> "LSTM.Ready":
        """The cell for a pass; `extra` joins the gates at every step [b, 4 hidden]."""
        return LSTM.Ready(shared(self.weight, self.bias, kind), extra, self.hidden)


def _gate(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Gates in the order input, forget, output, candidate."""
    hidden = cell.shape[1]
    i, f, o = gates[:, : 3 * hidden].sigmoid().chunk(3, 1)
    cell = torch.addcmul(f * cell, i, gates[:, 3 * hidden :].tanh())
    return o * cell.tanh(), cell


class Exact:
    """Autocast off for all but the large products: attention, canvas, KL and loss stay in the network's precision.

    Entering answers the dtype of the large products, None where autocast is off.
    """

    def __init__(self, like: Tensor):
        self.kind, on = like.device.type, torch.is_autocast_enabled(like.device.type)
        self.dtype = torch.get_autocast_dtype(self.kind) if on else None
        self.context = torch.autocast(self.kind, enabled=False) if on else None

    def __enter__(self) -> torch.dtype | None:
        if self.context is not None:
            self.context.__enter__()
        return self.dtype

    def __exit__(self, *error) -> None:
        if self.context is not None:
            self.context.__exit__(*error)
