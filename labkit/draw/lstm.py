"""An LSTM cell and linear maps that are used at every step of a pass, with their gradients summed in place.

Left to autograd, a weight that T steps share gets a gradient of its own size at every step, which is then added to the
sum: time goes into fresh memory. Here every step of the backward pass multiplies into one sum, and the step made first,
whose turn comes last, hands it over.
"""

import functools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from labkit import onednn

MANY = 20  # steps of a pass from which it pays to put a weight into oneDNN's order, which takes as long as two products


class Shared(NamedTuple):
    """[parts] -> [parts] W^T + b for the steps of one pass; `rounded` is W in the dtype of the product.

    The last parts may be None, which stands for zeros and costs nothing: an LSTM's h before the first step.
    """

    weight: Tensor
    rounded: Tensor
    bias: Tensor
    sums: "_Sums"

    def __call__(self, *parts: Tensor | None) -> Tensor:
        known = [part for part in parts if part is not None]
        return _Step.apply(self.weight, self.bias, self.rounded, self.sums, *known)


def shared(weight: Tensor, bias: Tensor, kind: torch.dtype | None, steps: int) -> Shared:
    """The map of one pass of so many steps; `kind` is the dtype of its products, None that of the weight."""
    rounded = weight.detach() if kind is None else weight.detach().to(kind)
    return Shared(weight, rounded, bias, _Sums(steps >= MANY and _packs(rounded)))


def _packs(weight: Tensor) -> bool:
    """Whether a weight is large enough to gain by oneDNN's own order, and oneDNN is there."""
    return weight.numel() > 100_000 and onednn.has(weight)


class _Sums:
    """Gradients of weight and bias in one backward pass, which goes from the last step down to the first.

    A pass that stops halfway (the gradient by some z) leaves its sum behind: `last`, its step, tells the next one.
    """

    def __init__(self, packs: bool):
        self.steps, self.last, self.found = 0, 0, None
        self.packs, self.there, self.back = packs, None, None  # the weight and its transpose in oneDNN's order


class _Step(torch.autograd.Function):
    """One step's product; the step made first answers the gradients of weight and bias for all."""

    @staticmethod
    def forward(ctx, weight, bias, rounded, sums, *parts):
        return _product(ctx, bias, rounded, sums, parts)

    @staticmethod
    @once_differentiable
    def backward(ctx, out):
        weight, bias, parts = _flows_back(ctx, out)
        return weight, bias, None, None, *parts


class _Cell(torch.autograd.Function):
    """One step of an LSTM: `extra` joins the gates, which are in the order input, forget, output, candidate.

    tanh(x) is taken as 2 sigmoid(2 x) - 1, which is four times quicker on a CPU.
    """

    @staticmethod
    def forward(ctx, weight, bias, rounded, sums, extra, cell, *parts):
        gates = _product(ctx, bias, rounded, sums, parts)
        if extra is not None:
            gates += extra
        hidden = cell.shape[1]
        gates[:, 3 * hidden :].mul_(2)
        i, f, o, candidate = gates.sigmoid_().chunk(4, 1)
        less = _minus_one(gates.dtype, gates.device)
        torch.add(less, candidate, alpha=2, out=candidate)
        now = torch.addcmul(f * cell, i, candidate)
        squashed = torch.add(less, (2 * now).sigmoid_(), alpha=2)
        ctx.save_for_backward(gates, cell, squashed)
        ctx.extra = extra is not None
        return o * squashed, now

    @staticmethod
    @once_differentiable
    def backward(ctx, flow_h, flow_cell):
        gates, cell, squashed = ctx.saved_tensors
        i, f, o, candidate = gates.chunk(4, 1)
        flow, hidden = torch.empty_like(gates), cell.shape[1]
        to_i, to_f, to_o, to_candidate = flow.chunk(4, 1)
        open_ = flow_h * o
        flow_cell = (flow_cell + open_).addcmul_(open_ * squashed, squashed, value=-1)
        torch.mul(flow_cell, candidate, out=to_i)
        torch.mul(flow_cell, cell, out=to_f)
        torch.mul(flow_h, squashed, out=to_o)
        three, to_three = gates[:, : 3 * hidden], flow[:, : 3 * hidden]
        to_three.mul_(three).addcmul_(to_three, three, value=-1)
        through = flow_cell * i
        torch.addcmul(through, through * candidate, candidate, value=-1, out=to_candidate)
        weight, bias, parts = _flows_back(ctx, flow)
        return weight, bias, None, None, flow if ctx.extra else None, flow_cell * f, *parts


@functools.cache
@torch.inference_mode(False)  # a constant made in inference mode could never meet autograd
def _minus_one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(-1.0, dtype=dtype, device=device)


def _product(ctx, bias: Tensor, rounded: Tensor, sums: _Sums, parts: tuple[Tensor, ...]) -> Tensor:
    """[parts] W^T + b, and on ctx what `_flows_back` needs."""
    given = torch.cat(parts, 1).to(rounded.dtype)
    ctx.given, ctx.widths = given, [part.shape[1] for part in parts]
    ctx.rounded, ctx.sums, ctx.step, ctx.kind = rounded, sums, sums.steps, bias.dtype
    ctx.packs = sums.packs and given.shape[1] == rounded.shape[1]
    sums.steps += 1
    same = rounded.dtype == bias.dtype
    if ctx.packs:
        sums.there = onednn.packed(rounded) if sums.there is None else sums.there
        out = onednn.linear(given, sums.there, bias if same else None)
        return out if same else out.to(bias.dtype).add_(bias)
    used = rounded[:, : given.shape[1]]
    return torch.addmm(bias, given, used.mT) if same else (given @ used.mT).to(bias.dtype).add_(bias)


def _flows_back(ctx, out: Tensor) -> tuple[Tensor | None, Tensor | None, tuple[Tensor, ...]]:
    """The gradients of weight and bias, if this is the first step, and of the parts."""
    given, sums, flow = ctx.given, ctx.sums, out.to(ctx.rounded.dtype)
    if sums.found is None or sums.last <= ctx.step:
        sums.found = _nothing(ctx.rounded), torch.zeros_like(out[0])
    sums.found[0][:, : given.shape[1]].addmm_(flow.mT, given)
    sums.found[1].add_(out.sum(0))
    sums.last, weight, bias = ctx.step, None, None
    if ctx.step == 0:
        (weight, bias), sums.found = sums.found, None
        weight = weight.to(ctx.kind)
    return weight, bias, _flow_to(ctx, flow).to(ctx.kind).split(ctx.widths, 1)


def _flow_to(ctx, flow: Tensor) -> Tensor:
    sums = ctx.sums
    if ctx.packs:
        sums.back = onednn.packed(ctx.rounded.mT) if sums.back is None else sums.back
        return onednn.linear(flow, sums.back)
    return flow @ ctx.rounded[:, : ctx.given.shape[1]]


def _nothing(like: Tensor) -> Tensor:
    """Zeros in the order in memory in which they are added to soonest: a fifth of the time on a CPU, either way."""
    return torch.zeros_like(like) if like.dtype == torch.bfloat16 else like.new_zeros(like.shape[::-1]).mT


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
        """The cell for one pass: ([input], c) -> (h, c); the input's parts end with h, None before the first step."""

        gates: Shared
        extra: Tensor | None

        def __call__(self, inputs: tuple[Tensor | None, ...], cell: Tensor) -> tuple[Tensor, Tensor]:
            known = [part for part in inputs if part is not None]
            g = self.gates
            return _Cell.apply(g.weight, g.bias, g.rounded, g.sums, self.extra, cell, *known)

    def ready(self, kind: torch.dtype | None, steps: int, extra: Tensor | None = None) -> "LSTM.Ready":
        """The cell for a pass; `extra` joins the gates at every step [b, 4 hidden]."""
        return LSTM.Ready(shared(self.weight, self.bias, kind, steps), extra)


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
