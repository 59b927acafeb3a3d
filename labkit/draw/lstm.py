"""An LSTM cell and linear maps that are used at every step of a pass, with their gradients summed in place.

Left to autograd, a weight that T steps share gets a gradient of its own size at every step, which is then added to the
sum: time goes into fresh memory. Here every step takes the weight from the step before it and hands it on as an output.
In a backward pass autograd therefore carries the weight's gradient from the last step to the first, and every step adds
its product to that one tensor. The sum belongs to one backward pass, whatever passes stopped halfway before it or run
beside it.
"""

import functools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from labkit import onednn
from labkit.derivatives import ByHand, differentiable

MANY = 20  # steps of a pass from which it pays to put a weight into oneDNN's order, which takes as long as two products


class Shared:
    """[parts] -> [parts] W^T + b for the steps of one pass.

    Args:
        weight, bias: W and b.
        kind: the dtype of the products, None for that of the weight.
        steps: of the pass.

    The last parts may be None, which stands for zeros and costs nothing: an LSTM's h before the first step.
    """

    def __init__(self, weight: Tensor, bias: Tensor, kind: torch.dtype | None, steps: int):
        self.weight = weight if kind is None else weight.to(kind)
        self.bias = bias
        self._packing = _Packing() if steps >= MANY and _packs(self.weight) else None

    def __call__(self, *parts: Tensor | None) -> Tensor:
        (out,) = self.step(_Step, parts)
        return out

    def step(self, function: type[ByHand], parts: tuple[Tensor | None, ...], *more: Tensor | None) -> list[Tensor]:
        """The outputs of `_Step` or `_Cell`, whose last one is the weight for the next step."""
        known = [part for part in parts if part is not None]
        given = (known[0] if len(known) == 1 else torch.cat(known, 1)).to(self.weight.dtype)
        *out, weight = function.of(self.weight, self.bias, given, *more, self._packing)
        if self.weight.requires_grad and weight.requires_grad:  # neither frozen nor under no_grad
            self.weight = weight
        return out


def _packs(weight: Tensor) -> bool:
    """Whether a weight is large enough to gain by oneDNN's own order, and oneDNN is there."""
    return weight.numel() > 100_000 and onednn.has(weight)


class _Packing:
    """The weight of one pass and its transpose in oneDNN's order, each from the step that first needs it."""

    def __init__(self):
        self.there, self.back = None, None


class _Step(ByHand):
    """One step's product, and the weight for the next step."""

    @staticmethod
    def plain(weight, bias, given, packing):
        return (given @ weight[:, : given.shape[1]].mT).to(bias.dtype) + bias, weight

    @staticmethod
    def forward(ctx, weight, bias, given, packing):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, bias, given)
        ctx.rest = (packing,)
        return _product(weight, bias, given, packing), weight.detach()

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow, found):
        if flow is None:
            return found, None, None, None
        weight, _, given = ctx.saved_tensors
        return *_flows_back(ctx, weight, given, flow, found), None


class _Cell(ByHand):
    """One step of an LSTM: `extra` joins the gates, which are in the order input, forget, output, candidate.

    tanh(x) is taken as 2 sigmoid(2 x) - 1, which is four times quicker on a CPU.
    """

    @staticmethod
    def plain(weight, bias, given, extra, cell, packing):
        gates, weight = _Step.plain(weight, bias, given, packing)
        i, f, o, candidate = (gates if extra is None else gates + extra).chunk(4, 1)
        now = f.sigmoid() * cell + i.sigmoid() * candidate.tanh()
        return o.sigmoid() * now.tanh(), now, weight

    @staticmethod
    def forward(ctx, weight, bias, given, extra, cell, packing):
        gates = _product(weight, bias, given, packing)
        if extra is not None:
            gates += extra
        hidden = cell.shape[1]
        gates[:, 3 * hidden :].mul_(2)
        i, f, o, candidate = gates.sigmoid_().chunk(4, 1)
        less = _minus_one(gates.dtype, gates.device)
        torch.add(less, candidate, alpha=2, out=candidate)
        now = torch.addcmul(f * cell, i, candidate)
        squashed = torch.add(less, (2 * now).sigmoid_(), alpha=2)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, bias, given, extra, cell, gates, squashed)
        ctx.rest = (packing,)
        return o * squashed, now, weight.detach()

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow_h, flow_cell, found):
        if flow_h is None and flow_cell is None:
            return found, None, None, None, None, None
        weight, _, given, extra, cell, gates, squashed = ctx.saved_tensors  # once: a checkpoint unpacks them once
        flow_h, flow_cell = (torch.zeros_like(cell) if each is None else each for each in (flow_h, flow_cell))
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
        return *_flows_back(ctx, weight, given, flow, found), None if extra is None else flow, flow_cell * f, None


@functools.cache
@torch.inference_mode(False)  # a constant made in inference mode could never meet autograd
def _minus_one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(-1.0, dtype=dtype, device=device)


def _product(weight: Tensor, bias: Tensor, given: Tensor, packing: _Packing | None) -> Tensor:
    """[given] W^T + b, in the dtype of b."""
    same = weight.dtype == bias.dtype
    if packing is not None and given.shape[1] == weight.shape[1]:
        packing.there = onednn.packed(weight) if packing.there is None else packing.there
        out = onednn.linear(given, packing.there, bias if same else None)
        return out if same else out.to(bias.dtype).add_(bias)
    used = weight[:, : given.shape[1]]
    return torch.addmm(bias, given, used.mT) if same else (given @ used.mT).to(bias.dtype).add_(bias)


def _flows_back(
    ctx, weight: Tensor, given: Tensor, out: Tensor, found: Tensor | None
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients of weight, bias and given; `found` is that of the weight by the later steps of this pass."""
    flow, wanted = out.to(weight.dtype), ctx.needs_input_grad
    if wanted[0]:
        found = _nothing(weight) if found is None else found
        found[:, : given.shape[1]].addmm_(flow.mT, given)  # no one else holds it: the weight goes to one next step
    to_given = _flow_to(flow, weight, given, *ctx.rest) if wanted[2] else None
    return found, out.sum(0) if wanted[1] else None, to_given


def _flow_to(flow: Tensor, weight: Tensor, given: Tensor, packing: _Packing | None) -> Tensor:
    if packing is not None and given.shape[1] == weight.shape[1]:
        packing.back = onednn.packed(weight.mT) if packing.back is None else packing.back
        return onednn.linear(flow, packing.back)
    return flow @ weight[:, : given.shape[1]]


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
            h, cell = self.gates.step(_Cell, inputs, self.extra, cell)
            return h, cell

    def ready(self, kind: torch.dtype | None, steps: int, extra: Tensor | None = None) -> "LSTM.Ready":
        """The cell for a pass; `extra` joins the gates at every step [b, 4 hidden]."""
        return LSTM.Ready(Shared(self.weight, self.bias, kind, steps), extra)


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
