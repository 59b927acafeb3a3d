"""An LSTM cell and linear maps for every step of a pass sum their gradients in place.

With plain autograd, a weight that T steps share gets a new gradient tensor at every step. Adding these tensors
spends most of the time on fresh memory. Here every step takes the weight from the previous step and passes it on as
an output. So in a backward pass autograd carries the weight's gradient from the last step to the first. Every step
adds its product to that one tensor. The sum belongs to one backward pass. Other passes that stopped early or run at
the same time do not change it.
"""

import functools
from typing import Any

import torch
from torch import Tensor

from labkit.derivatives import ByHand, differentiable
from labkit.draw.lstm import LSTM, Parts, gated


class Linear:
    """`lstm.linear` for the steps of one pass: (*parts) -> [parts] W^T + b.

    Parts of None cost nothing, such as an LSTM's h before the first step.
    """

    def __init__(self, weight: Tensor, bias: Tensor, kind: torch.dtype | None):
        self.weight = weight if kind is None else weight.to(kind)
        self.bias = bias

    def __call__(self, *parts: Tensor | None) -> Tensor:
        (out,) = self.step(_Step, parts)
        return out

    def step(self, function: type[ByHand], parts: Parts, *more: Tensor | None) -> list[Tensor]:
        """Return the outputs of `_Step` or `_Cell` without the last one, which becomes the weight of the next step."""
        known = [part for part in parts if part is not None]
        given = (known[0] if len(known) == 1 else torch.cat(known, 1)).to(self.weight.dtype)
        *out, weight = function.of(self.weight, self.bias, given, *more)
        if self.weight.requires_grad and weight.requires_grad:  # the weight is not frozen, and no_grad is off
            self.weight = weight
        return out


class Cell:
    """`lstm.cell` for the steps of one pass: ([input], c) -> (h', c')."""

    def __init__(self, lstm: LSTM, kind: torch.dtype | None, extra: Tensor | None = None):
        self.gates, self.extra = Linear(lstm.weight, lstm.bias, kind), extra

    def __call__(self, parts: Parts, c: Tensor) -> tuple[Tensor, Tensor]:
        h, c = self.gates.step(_Cell, parts, self.extra, c)
        return h, c


class _Step(ByHand):
    """The product of one step, and the weight for the next step."""

    @staticmethod
    def plain(weight: Tensor, bias: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        return (given @ weight[:, : given.shape[1]].mT).to(bias.dtype) + bias, weight

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, bias, given)
        return _product(weight, bias, given), weight.detach()

    @staticmethod
    @differentiable(plain)
    def backward(ctx: Any, flow: Tensor | None, found: Tensor | None) -> tuple[Tensor | None, ...]:
        if flow is None:
            return found, None, None
        weight, _, given = ctx.saved_tensors
        return _flows_back(ctx, weight, given, flow, found)


class _Cell(ByHand):
    """One step of an LSTM; `extra` is added to the gates, in the order input, forget, output, candidate.

    tanh(x) is computed as 2 sigmoid(2 x) - 1, which is four times faster on a CPU.
    """

    @staticmethod
    def plain(
        weight: Tensor, bias: Tensor, given: Tensor, extra: Tensor | None, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        gates, weight = _Step.plain(weight, bias, given)
        return *gated(gates if extra is None else gates + extra, cell), weight

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, bias: Tensor, given: Tensor, extra: Tensor | None, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        gates = _product(weight, bias, given)
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
        return o * squashed, now, weight.detach()

    @staticmethod
    @differentiable(plain)
    def backward(
        ctx: Any, flow_h: Tensor | None, flow_cell: Tensor | None, found: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        if flow_h is None and flow_cell is None:
            return found, None, None, None, None
        weight, _, given, extra, cell, gates, squashed = ctx.saved_tensors  # a checkpoint unpacks them only once
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
        return *_flows_back(ctx, weight, given, flow, found), None if extra is None else flow, flow_cell * f


@functools.cache
@torch.inference_mode(False)  # autograd cannot use a constant made in inference mode
def _minus_one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(-1.0, dtype=dtype, device=device)


def _product(weight: Tensor, bias: Tensor, given: Tensor) -> Tensor:
    """Return [given] W^T + b, in the dtype of b."""
    used = weight[:, : given.shape[1]]
    if weight.dtype == bias.dtype:
        return torch.addmm(bias, given, used.mT)
    return (given @ used.mT).to(bias.dtype).add_(bias)


def _flows_back(
    ctx: Any, weight: Tensor, given: Tensor, out: Tensor, found: Tensor | None
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradients of weight, bias and given; `found` is the weight's gradient from later steps."""
    flow, wanted = out.to(weight.dtype), ctx.needs_input_grad
    if wanted[0]:
        found = _nothing(weight) if found is None else found
        found[:, : given.shape[1]].addmm_(flow.mT, given)  # safe in place, because only one next step uses the weight
    to_given = flow @ weight[:, : given.shape[1]] if wanted[2] else None
    return found, out.sum(0) if wanted[1] else None, to_given


def _nothing(like: Tensor) -> Tensor:
    """Return zeros in the memory order in which adding is fastest; on a CPU this takes a fifth of the time."""
    return torch.zeros_like(like) if like.dtype == torch.bfloat16 else like.new_zeros(like.shape[::-1]).mT
