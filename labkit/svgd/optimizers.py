"""Optimisers as pure functions: (direction, memory) -> (move, memory). The first call gets memory None; a memory that
is another optimiser's counts as none, so that the optimiser may change in the middle of a run.

Any `torch.optim` optimiser works in a loop of one's own, because SVGD only supplies a direction:

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
    """The original code's: Adagrad with a forgetful history.

        history <- direction^2 at the first step, decay history + (1 - decay) direction^2 later
        move     = step_size direction / (epsilon + sqrt(history))

    The first move is therefore `step_size` in every coordinate, whatever the direction's size.
    """

    step_size: float | int | Tensor = 0.1
    decay: float | int = 0.9
    epsilon: float | int = 1e-6

    def __post_init__(self) -> None:
        _check(self.step_size)
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {self.decay}; the original has 0.9")

    def __call__(self, direction: Tensor, memory: object = None) -> tuple[Tensor, Tensor]:
        square = direction * direction
        history = torch.lerp(square, memory, self.decay) if isinstance(memory, Tensor) else square
        return (direction * self.step_size).div_(history.sqrt().add_(self.epsilon)), history


class AdamMemory(NamedTuple):
    """Adam's running means of the direction and of its square, and the number of steps."""

    first: Tensor
    second: Tensor
    count: int  # type: ignore[assignment]  # in place of a method of tuples that nobody calls


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), climbing."""

    step_size: float | int | Tensor = 0.1
    beta1: float | int = 0.9
    beta2: float | int = 0.999
    epsilon: float | int = 1e-8

    def __post_init__(self) -> None:
        _check(self.step_size)
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise ValueError(
                f"beta1 and beta2 must lie in [0, 1), got {self.beta1} and {self.beta2}; usual are .9, .999"
            )

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
    """move = step_size direction: the flow itself, discretised."""

    step_size: float | int | Tensor = 0.1

    def __post_init__(self) -> None:
        _check(self.step_size)

    def __call__(self, direction: Tensor, memory: object = None) -> tuple[Tensor, None]:
        return self.step_size * direction, None


OPTIMIZERS = {"adagrad": Adagrad, "adam": Adam, "plain": Plain}
