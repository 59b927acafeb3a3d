"""Marks for runs of SVGD: where the particles are, and the forces on them."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from labkit.lessons.marks.registry import mark

PARTICLES = ("svgd", "Particles")
COLLAPSE = ("svgd", "Collapse")


@mark(PARTICLES)
def mean(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the mean of the particles in one coordinate, counted from 1."""
    return float(_column(states, coordinate, side).mean())


@mark(PARTICLES)
def variance(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the variance of the particles in one coordinate, divided by n."""
    return float(_column(states, coordinate, side).var(correction=0))


@mark(PARTICLES)
def share_below(states: Sequence[Any], x: float, coordinate: int = 1, side: str = "left") -> float:
    """Return the share of the particles, 0 to 1, whose coordinate is below x."""
    return float((_column(states, coordinate, side) < x).double().mean())


@mark(PARTICLES)
def count_below(states: Sequence[Any], x: float, coordinate: int = 1, side: str = "left") -> float:
    """Return the number of particles whose coordinate is below x."""
    return float((_column(states, coordinate, side) < x).sum())


@mark(PARTICLES)
def lowest(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the smallest coordinate of all particles."""
    return float(_column(states, coordinate, side).min())


@mark(PARTICLES)
def highest(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the largest coordinate of all particles."""
    return float(_column(states, coordinate, side).max())


@mark(PARTICLES)
def drive_over_repulsion(states: Sequence[Any], side: str = "left") -> float:
    """Return the mean length of the drive divided by the mean length of the repulsion; infinite without repulsion."""
    repulsion = mean_repulsion(states, side)
    return float(_run(states, side).drive.norm(dim=-1).mean()) / repulsion if repulsion else math.inf


@mark(PARTICLES)
def mean_repulsion(states: Sequence[Any], side: str = "left") -> float:
    """Return the mean length of the repulsion."""
    return float(_run(states, side).repulsion.norm(dim=-1).mean())


@mark(PARTICLES)
def ksd(states: Sequence[Any], side: str = "left") -> float:
    """Return KSD under the run's own kernel, the number above the picture."""
    return float(_run(states, side).ksd)


@mark(COLLAPSE)
def kernel_variance(states: Sequence[Any], kernel: str) -> float:
    """Return the mean variance of the coordinates of the particles with this kernel."""
    last = states[-1]
    if kernel not in last.names:
        raise ValueError(f"no run has the kernel {kernel!r}; choose one of {', '.join(last.names)}")
    return float(last.variances[last.names.index(kernel)])


def _run(states: Sequence[Any], side: str) -> Any:
    """Return the last state; that of one side, "left" or "right", if two runs are compared."""
    return getattr(states[-1], side, states[-1])


def _column(states: Sequence[Any], coordinate: int, side: str) -> Tensor:
    """Return one coordinate of all particles, counted from 1."""
    x: Tensor = _run(states, side).x
    if not 1 <= coordinate <= x.shape[-1]:
        raise ValueError(f"coordinate must be from 1 to {x.shape[-1]}, got {coordinate}; coordinates count from 1")
    return x[:, coordinate - 1]
