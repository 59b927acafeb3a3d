"""The trapezoidal rule with equal steps computes moments of a density on a box in one or two dimensions.

For a smooth density that vanishes at the border, the error falls exponentially in 1/step. For a Gaussian of standard
deviation s it falls as exp(-2 π² s² / step²). So a step of .7 s is exact in float64.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets.base import Range

PART = 2048  # points at which a density is computed at once; a posterior has a number for each point and data row


class Moments(NamedTuple):
    """The integral and the moments of a density on a box."""

    log_z: float  # log of the integral over the box
    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]
    border: float  # largest density at the border, as a fraction of the peak: near 0 if the box holds all the mass


def grid(box: Range, points: tuple[int, ...]) -> Float[Tensor, "... d"]:
    """Return equally spaced points of the box, float64, [points..., d]."""
    axes = [torch.linspace(low, high, n, dtype=torch.float64) for (low, high), n in zip(box, points, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def in_parts(f: Callable[[Tensor], Tensor], x: Float[Tensor, "m d"]) -> Tensor:
    """Return f(x), computed for a limited number of points at a time; each value depends on its own point only.

    Raises:
        ValueError: f does not return one value per point.
    """
    first, points = f(x[:PART]), len(x[:PART])
    if first.shape[:1] != (points,):
        raise ValueError(f"a density must return one value per point, got {list(first.shape)} for {points} points")
    found = first.new_empty(len(x), *first.shape[1:])  # a list of small parts would leave holes between large arrays
    found[:PART] = first
    for begin in range(PART, len(x), PART):
        found[begin : begin + PART] = f(x[begin : begin + PART])
    return found


def moments(log_density: Callable[[Tensor], Tensor], box: Range, points: tuple[int, ...]) -> Moments:
    """Return integral, mean and covariance of exp(log_density) over `box`.

    Args:
        log_density: maps points [m, d] to log densities [m], up to a constant.
        box: one (low, high) per dimension; d is 1 or 2.
        points: number of points along each dimension.
    """
    x = grid(box, points)
    with torch.no_grad():
        log_p = in_parts(log_density, x.reshape(-1, len(box))).double().reshape(points)
    top = log_p.max()
    p = torch.exp(log_p - top)
    border = max(max(p.select(i, 0).max().item(), p.select(i, -1).max().item()) for i in range(len(box)))
    for i, n in enumerate(points):  # the two end points of every axis count half
        ends = torch.ones(n, dtype=torch.float64)
        ends[0] = ends[-1] = 0.5
        p = p * ends.reshape([-1 if j == i else 1 for j in range(len(box))])
    cell = 1.0
    for (low, high), n in zip(box, points, strict=True):
        cell *= (high - low) / (n - 1)
    total, p, x = p.sum(), p.reshape(-1), x.reshape(-1, len(box))
    mean = p @ x / total
    centred = x - mean
    covariance = (centred * p[:, None]).T @ centred / total
    return Moments((total.log() + top).item() + math.log(cell), mean, covariance, border)
