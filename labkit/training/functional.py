"""Training as a function: weights and Adam's memory are a value.

So a run can be kept, rewound, branched and resumed. With the gradient g of a loss at the weights w, and t counted
from 1 (Kingma & Ba 2015, algorithm 1):

    g  <-  g min(1, clip / |g|)                                      over all weights together
    m  <-  β1 m + (1 - β1) g,    v  <-  β2 v + (1 - β2) g²
    w  <-  w - lr (m / (1 - β1^t)) / (√(v / (1 - β2^t)) + ε)

A module defines only the form of the function; its own weights never change.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit import modules

EPS = 1e-8  # ε, as in torch.optim.Adam
TINY = 1e-6  # added to |g| in the clip, as in clip_grad_norm_

M = TypeVar("M", bound=nn.Module)
A = TypeVar("A")  # what a use of a module returns


@dataclass(frozen=True, eq=False)
class State:
    """The state after t steps: all weights as one vector, and the means m and v.

    The weights have the order of `module.parameters()`.
    """

    weights: Float[Tensor, " p"]
    m: Float[Tensor, " p"]
    v: Float[Tensor, " p"]
    t: int = 0


def start(module: nn.Module) -> State:
    """Return the state with the module's own weights and empty memory."""
    weights = torch.cat([w.detach().flatten() for w in module.parameters()])
    return State(weights, torch.zeros_like(weights), torch.zeros_like(weights))


def call(module: M, weights: Float[Tensor, " p"], use: Callable[[M], A]) -> A:
    """Return use(module) with these weights in the module; do not use one module from two threads at once.

    Raises:
        ValueError: the number of weights differs from that of the module.
    """
    return _call(module, _parts(module, weights), use)


def gradient(
    module: M, weights: Float[Tensor, " p"], loss: Callable[[M], dict[str, Tensor]]
) -> tuple[dict[str, Tensor], Float[Tensor, " p"]]:
    """Return the results of `loss` for the module with these weights, detached, and the gradient of its "loss".

    Raises:
        ValueError: the number of weights differs from that of the module.
    """
    parts = [part.requires_grad_() for part in _parts(module, weights)]
    found = _call(module, parts, loss)
    grads = torch.autograd.grad(found["loss"], parts)
    return {name: value.detach() for name, value in found.items()}, torch.cat([g.flatten() for g in grads])


def adam(
    state: State,
    gradient: Float[Tensor, " p"],
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    clip: float = 10.0,
) -> State:
    """Return the state after one step down the gradient.

    Args:
        lr: the learning rate.
        betas: β1 and β2, in [0, 1).
        clip: the largest norm of the gradient; a longer gradient is shortened to it.
    """
    t, (beta1, beta2) = state.t + 1, betas
    g = gradient * (clip / (gradient.norm() + TINY)).clamp(max=1)
    m, v = state.m.lerp(g, 1 - beta1), torch.addcmul(beta2 * state.v, g, g, value=1 - beta2)
    root = v.sqrt() / math.sqrt(1 - beta2**t) + EPS
    return State(torch.addcdiv(state.weights, m, root, value=-lr / (1 - beta1**t)), m, v, t)


def _call(module: M, parts: list[Tensor], use: Callable[[M], A]) -> A:
    named = {name: part for (name, _), part in zip(module.named_parameters(), parts, strict=True)}
    return modules.call(module, named, use)


def _parts(module: nn.Module, weights: Tensor) -> list[Tensor]:
    """Return views of the vector in the shapes of the module's parameters."""
    own = list(module.parameters())
    sizes = [w.numel() for w in own]
    if weights.shape != (sum(sizes),):
        raise ValueError(
            f"weights must be ({sum(sizes)},) for this module, got {tuple(weights.shape)}; "
            "use those of start(module) or of its steps"
        )
    return [part.view_as(w) for part, w in zip(weights.split(sizes), own, strict=True)]
