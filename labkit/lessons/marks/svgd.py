"""Marks for runs of SVGD: where the particles are, and how they move."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from labkit.lessons.marks.registry import mark

PARTICLES = ("svgd", "Particles")


def particles(states: Sequence[Any], side: str = "left") -> Tensor:
    """Return the particles of the last state, (n, d); of one side if two runs are compared."""
    last = states[-1]
    return getattr(last, side, last).x


@mark(PARTICLES)
def mean(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the mean of the particles in one coordinate, counted from 1."""
    return float(particles(states, side)[:, coordinate - 1].mean())


@mark(PARTICLES)
def variance(states: Sequence[Any], coordinate: int = 1, side: str = "left") -> float:
    """Return the variance of the particles in one coordinate, divided by n."""
    return float(particles(states, side)[:, coordinate - 1].var(correction=0))


@mark(PARTICLES)
def share_below(states: Sequence[Any], x: float, coordinate: int = 1, side: str = "left") -> float:
    """Return the share of the particles, 0 to 1, whose coordinate is below x."""
    return float((particles(states, side)[:, coordinate - 1] < x).double().mean())


@mark(PARTICLES)
def count_below(states: Sequence[Any], x: float, coordinate: int = 1, side: str = "left") -> float:
    """Return the number of particles whose coordinate is below x."""
    return float((particles(states, side)[:, coordinate - 1] < x).sum())


@mark(PARTICLES)
def drive_over_repulsion(states: Sequence[Any], side: str = "left") -> float:
    """Return the mean length of the drive divided by the mean length of the repulsion; infinite without repulsion."""
    last = getattr(states[-1], side, states[-1])
    drive, repulsion = (float(each.norm(dim=-1).mean()) for each in (last.drive, last.repulsion))
    return drive / repulsion if repulsion else math.inf
