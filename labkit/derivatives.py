"""Operations with a hand-written gradient that still have correct second derivatives.

A hand-written gradient is a number without a graph. If it is differentiated again, it counts as a constant, and the
second derivative is silently 0. So each operation here also has a plain form, made of torch's own operations. The plain
form is used when a backward pass builds a graph (`create_graph=True`, a Hessian, a gradient penalty) and inside the
transforms of `torch.func`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from labkit.private.torch import transforms_active


class ByHand(torch.autograd.Function):
    """An operation with two forms: `forward` with a `backward` decorated by `differentiable`, and `plain`.

    Inputs are first tensors or None, then other values. `forward` saves the tensors in order before anything else
    (`ctx.save_for_backward`) and the other values as `ctx.rest`.
    """

    @staticmethod
    def plain(*inputs: Any, **options: Any) -> Any:
        """Return the outputs of `forward`, computed by operations that torch can differentiate."""
        raise NotImplementedError

    @classmethod
    def of(cls, *inputs: Any) -> Any:
        """Return the outputs, by the form that fits the context."""
        return cls.plain(*inputs) if transforms_active() else cls.apply(*inputs)  # type: ignore[no-untyped-call]  # torch says none


def differentiable(plain: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the `backward` of a `ByHand`: if a graph is built, autograd of the plain form replaces it."""

    def decorate(backward: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(backward)
        def either(ctx: Any, *flows: Tensor | None) -> Any:
            return _again(plain, ctx, flows) if torch.is_grad_enabled() else backward(ctx, *flows)

        return either

    return decorate


def once(instead: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a `backward` without a plain form: if a graph is built, it raises a RuntimeError with advice."""

    def decorate(backward: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(backward)
        def refusing(ctx: Any, *flows: Tensor | None) -> Any:
            if torch.is_grad_enabled():
                raise RuntimeError(f"second derivatives are not available here (create_graph=True); {instead}")
            return backward(ctx, *flows)

        return refusing

    return decorate


def _again(plain: Callable[..., Any], ctx: Any, flows: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """Return the gradients of `plain`, with a graph.

    They are taken with respect to views of the inputs, because one input may be a function of another.
    """
    wanted, rest = ctx.needs_input_grad, getattr(ctx, "rest", ())
    given = ctx.saved_tensors[: len(wanted) - len(rest)]
    inputs = [None if each is None else each.view_as(each) for each in given]
    made = plain(*inputs, *rest)
    made = made if isinstance(made, tuple) else (made,)
    used = [pair for pair in zip(made, flows, strict=True) if pair[1] is not None]
    if not used:
        return (None,) * len(wanted)
    outputs, upstream = zip(*used, strict=True)
    moving = [each for each, on in zip(inputs, wanted, strict=False) if on and each is not None]
    found = iter(torch.autograd.grad(outputs, moving, upstream, create_graph=True, allow_unused=True))
    return tuple(next(found) if on else None for on in wanted)
