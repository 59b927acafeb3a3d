"""SVGD with the original's kernel, bandwidth and Adagrad on minibatches of a posterior."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from labkit import svgd
from labkit.targets.scores import Minibatch


def particles(x: Tensor, batches: Minibatch, sizes: Iterable[float], generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the particles [n, d] after each step. `sizes` has one step size per step."""
    memory = None
    for t, size in enumerate(sizes):
        move, memory = svgd.Adagrad(size)(svgd.phi(x, batches.at(t, generator)), memory)
        x = x + move
        yield x


def end(x: Tensor, batches: Minibatch, sizes: Iterable[float], generator: torch.Generator) -> Tensor:
    """Return the particles [n, d] after the last step."""
    for new in particles(x, batches, sizes, generator):
        x = new
    return x


def constant(size: float, steps: int) -> list[float]:
    """Return the same step size for every step, as in the original."""
    return [size] * steps


def falling(size: float, steps: int) -> list[float]:
    """Return step sizes that fall from `size` to 0 by a cosine, so that the minibatch noise dies out."""
    return [0.5 * size * (1 + math.cos(math.pi * t / steps)) for t in range(steps)]
