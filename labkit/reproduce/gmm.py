"""The 1-D mixture of the paper's figures 1 and 2: 1/3 N(-2, 1) + 2/3 N(2, 1), particles from N(-10, 1).

`run` is the run of the figure. `errors` gives the mean squared error of three expectations against the number of
particles, for SVGD and for the same number of independent draws. The repeats are one batched run.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit import svgd, targets

SNAPSHOTS = (0, 50, 75, 100, 150, 500)
SIZES = (10, 20, 50, 100, 250)
STEPS, STEP_SIZE, REPEATS, WAVES = 500, 0.1, 48, 20
# log10 mean squared error of SVGD and of independent draws, of E x, E x^2 and E cos(wx + b), averages of 12 repeats of
# the original program
REFERENCE = {
    10: ((-1.06, -0.33), (-1.42, 0.29), (-2.44, -1.48)),
    50: ((-2.67, -1.07), (-2.18, -0.50), (-3.65, -2.24)),
    250: ((-3.57, -1.74), (-2.63, -1.14), (-3.65, -2.90)),
}
QUANTITIES = ("E x", "E x²", "E cos(ωx + b)")


def start(n: int, repeats: int, generator: torch.Generator) -> Tensor:
    """Return particles (repeats, n, 1) from N(-10, 1)."""
    return torch.randn(repeats, n, 1, generator=generator, dtype=torch.float64) - 10


def run(n: int = 100, steps: int = STEPS, step_size: float = 0.25, seed: int = 0) -> list[svgd.State]:
    """Return the states 0, 1, ..., steps of the figure's run."""
    target = targets.Mixture()
    x0 = start(n, 1, torch.Generator().manual_seed(seed))[0]
    flow = svgd.flow(target, x0, optimizer=svgd.Adagrad(step_size))
    return [next(flow) for _ in range(steps + 1)]


@dataclass(frozen=True)
class Errors:
    """log10 of the mean squared errors of SVGD and of independent draws for one n, in the order of `QUANTITIES`."""

    n: int
    svgd: tuple[float, ...]
    draws: tuple[float, ...]


def errors(n: int, seed: int = 0, repeats: int = REPEATS) -> Errors:
    """Return both errors for n particles: means over the repeats, for the cosine also over 20 draws of (w, b)."""
    generator = torch.Generator().manual_seed(seed)
    target = targets.Mixture()
    x = start(n, repeats, generator)
    optimizer, memory = svgd.Adagrad(STEP_SIZE), None
    for _ in range(STEPS):
        move, memory = optimizer(svgd.phi(x, target.score), memory)
        x = x + move
    free = target.sample(n * repeats, generator).view(repeats, n, 1)
    w = torch.randn(WAVES, generator=generator, dtype=torch.float64)
    b = 2 * math.pi * torch.rand(WAVES, generator=generator, dtype=torch.float64)
    return Errors(n, *(_logs(each[..., 0], w, b) for each in (x, free)))


def _logs(x: Tensor, w: Tensor, b: Tensor) -> tuple[float, ...]:
    """Return log10 of the mean squared errors of x (repeats, n) against the exact expectations."""
    waves = (w[:, None, None] * x + b[:, None, None]).cos().mean(-1) - cosine(w, b)[:, None]
    off = x.mean(-1) - 2 / 3, x.square().mean(-1) - 5, waves
    return tuple(math.log10(float(each.square().mean())) for each in off)


def cosine(w: Tensor, b: Tensor) -> Tensor:
    """Return E cos(w x + b) under the mixture."""
    return (-w * w / 2).exp() * ((b - 2 * w).cos() / 3 + 2 * (b + 2 * w).cos() / 3)
