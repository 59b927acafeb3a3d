"""Optimisers are pure functions from (direction, memory) to (move, memory).

At the first call there is no memory (None). A memory of another optimiser counts as None, so you can change it
in the middle of a run.

Any `torch.optim` optimiser works too in your own loop, because SVGD only supplies a direction:

    x = x0.clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=0.1)
    for _ in range(500):
        x.grad = -svgd.phi(x.detach(), score)
        optimizer.step()
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

Optimizer = Callable[[Tensor, Any], tuple[Tensor, Any]]  # (direction, memory) -> (move, memory)


def _check(step_size: float | int | Tensor) -> None:
    sizes = step_size.flatten().tolist() if isinstance(step_size, Tensor) else [step_size]
    if not all(size > 0 for size in sizes):
        raise ValueError(f"step_size must be > 0, got {step_size}; a common choice is 0.1")
    if not all(map(math.isfinite, sizes)):
        raise ValueError(f"step_size must be finite, got {step_size}; a common choice is 0.1")


@dataclass(frozen=True)
class Adagrad:
    """The original code's Adagrad, which forgets old directions.

        history <- direction^2 at the first step, decay history + (1 - decay) direction^2 later
        move     = step_size direction / (epsilon + sqrt(history))

    So the first move is `step_size` in every coordinate, for a direction of any size.

    Args:
        step_size: > 0, in units of x; a number, or a tensor that broadcasts with x.
        decay: in [0, 1).
        epsilon: > 0, avoids a division by zero.

    Raises:
        ValueError: step_size or decay is outside its range.
    """

    step_size: float | int | Tensor = 0.1
    decay: float | int = 0.9
    epsilon: float | int = 1e-6

    def __post_init__(self) -> None:
        _check(self.step_size)
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {self.decay}; the original uses 0.9")

    def __call__(self, direction: Tensor, memory: object = None) -> tuple[Tensor, Tensor]:
        square = direction * direction
        history = torch.lerp(square, memory, self.decay) if isinstance(memory, Tensor) else square
        return (direction * self.step_size).div_(history.sqrt().add_(self.epsilon)), history


class AdamMemory(NamedTuple):
    """Adam's running means of the direction and of its square, and the number of steps."""

    first: Tensor
    second: Tensor
    count: int  # type: ignore[assignment]  # replaces a tuple method that no code calls


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), which here moves along the direction, not against it.

    Args:
        step_size: > 0, in units of x; a number, or a tensor that broadcasts with x.
        beta1, beta2: in [0, 1).

    Raises:
        ValueError: step_size, beta1 or beta2 is outside its range.
    """

    step_size: float | int | Tensor = 0.1
    beta1: float | int = 0.9
    beta2: float | int = 0.999
    epsilon: float | int = 1e-8

    def __post_init__(self) -> None:
        _check(self.step_size)
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise ValueError(f"beta1 and beta2 must be in [0, 1), got {self.beta1} and {self.beta2}; use 0.9 and 0.999")

    def __call__(self, direction: Tensor, memory: object = None) -> tuple[Tensor, AdamMemory]:
        zero = torch.zeros_like(direction)
        first, second, count = memory if isinstance(memory, AdamMemory) else AdamMemory(zero, zero, 0)
        count += 1
        first = self.beta1 * first + (1 - self.beta1) * direction
        second = self.beta2 * second + (1 - self.beta2) * direction * direction
        scale = (second / (1 - self.beta2**count)).sqrt() + self.epsilon
        return self.step_size * first / ((1 - self.beta1**count) * scale), AdamMemory(first, second, count)


@dataclass(frozen=True)
class Plain:
    """move = step_size * direction, the Euler discretisation of the flow; step_size in units of time.

    Raises:
        ValueError: step_size is not positive and finite.
    """

    step_size: float | int | Tensor = 0.1

    def __post_init__(self) -> None:
        _check(self.step_size)

    def __call__(self, direction: Tensor, memory: object = None) -> tuple[Tensor, None]:
        return self.step_size * direction, None


# functions of the step size
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"adagrad": Adagrad, "adam": Adam, "plain": Plain}
