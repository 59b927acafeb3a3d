"""The values at two ranks among many numbers are found without sorting them all."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NARROWED = 3_000  # number of values from which it is faster to search only near the wanted one


class Ranks(NamedTuple):
    """Two ranks, neighbours or the same, among the squared distances of the pairs.

    They count from 1; rank 0 means a zero of the diagonal.
    """

    first: int
    last: int


def at_ranks(values: Tensor, ranks: Ranks, below: int = 0) -> Tensor:
    """Return the values at two ranks, (..., 2), from the squared distances of the pairs without the `below` smallest.

    On a CPU numpy's partition of the few values near the rank is faster than torch.kthvalue. On a GPU a sort is the
    fastest way.
    """
    first, last = (max(rank, 1) - below for rank in ranks)
    if ranks.last == 0:
        return values.new_zeros((*values.shape[:-1], 2))
    if values.is_cuda:
        ordered = values.sort(-1)[0]
        found = torch.stack((ordered[..., first - 1], ordered[..., last - 1]), -1)
    else:
        two = _two(values.numpy().reshape(-1, values.shape[-1]), first, last)
        found = torch.from_numpy(two).reshape(*values.shape[:-1], 2)
    if ranks.first == 0:
        found[..., 0] = 0
    return found


def _two(rows: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the entries of each row of (r, m) at two ranks that are neighbours or the same, (r, 2)."""
    found = np.empty((len(rows), 2), rows.dtype)
    for two, (values, below) in zip(found, _near(rows, first, last), strict=True):
        values = np.partition(values, first - 1 - below)
        two[:] = values[first - 1 - below], values[last - 1 - below :].min()
    return found


def _near(rows: np.ndarray, first: int, last: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the values of each row of (r, m) near ranks first to last (from 1), and how many values are below these.

    A sample of s values shows where to look, to within 1.5 sqrt(s) of its ranks. This is three standard deviations if
    the sample is even. All rows are searched together, because for each alone the calls would take longest.
    """
    m = rows.shape[1]
    if m < NARROWED:
        yield from ((row, 0) for row in rows)
        return
    sample = np.sort(rows[:, :: round(m ** (1 / 3))])
    size = sample.shape[1]
    per, reach = size / m, 1.5 * math.sqrt(size) + 1
    low, high = int(first * per - reach), int(last * per + reach)
    less = rows < (sample[:, low, None] if low > 0 else -math.inf)
    less_or_near = rows <= (sample[:, high, None] if high < size else math.inf)
    places = (less ^ less_or_near).ravel().nonzero()[0]
    near, ends = rows.ravel().take(places), places.searchsorted(m * np.arange(len(rows) + 1))
    for i, row in enumerate(rows):
        values, below = near[ends[i] : ends[i + 1]], int(np.count_nonzero(less[i]))
        yield (values, below) if below < first and below + len(values) >= last else (row, 0)
