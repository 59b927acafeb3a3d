"""Baselines for comparison with SVGD: independent draws from the target, and Langevin chains.

    x  <-  x + eps s(x) + sqrt(2 eps) xi,    xi ~ N(0, I)        (unadjusted Langevin dynamics)

A step of `independent` draws a new sample; a step of `langevin` moves every chain once.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.summary import Summary
from labkit.targets.base import HasSampler, Target
from labkit.targets.scores import Score


@dataclass(frozen=True, eq=False, repr=False)
class State(Summary):
    """A sample x (n, d) after t steps."""

    line: ClassVar[dict[str, str]] = {"x": "x", "t": "t"}

    x: Float[Tensor, "n d"]
    t: int = 0


def independent(state: State, target: object, *, generator: torch.Generator) -> State:
    """Return a new sample of the same size.

    Raises:
        ValueError: the target has no exact sampler.
    """
    if not isinstance(target, HasSampler):
        name = target.name if isinstance(target, Target) else target
        raise ValueError(f"{name} has no exact sampler; compare with Langevin chains")
    return State(target.sample(len(state.x), generator).to(state.x), state.t + 1)


def langevin(state: State, score: Score, *, step_size: float, generator: torch.Generator) -> State:
    """Move every chain once. The stationary distribution has a bias of order step_size.

    Args:
        score: x (n, d) -> grad log p (n, d).
        step_size: eps > 0, in squared units of x. For N(0, 1) the stationary variance is 1 / (1 - eps / 2).

    Raises:
        ValueError: step_size is not positive, or a position became infinite or NaN.
    """
    if not step_size > 0:
        raise ValueError(f"step_size must be > 0, got {step_size}; a common choice is 0.05")
    xi = torch.randn(state.x.shape, generator=generator, dtype=torch.float64, device=generator.device).to(state.x)
    x = state.x + step_size * score(state.x) + math.sqrt(2 * step_size) * xi
    if not bool(x.isfinite().all()):
        raise ValueError(
            f"Langevin chains must stay finite, got NaN or infinity at step {state.t + 1}; take a smaller step size"
        )
    return State(x, state.t + 1)
