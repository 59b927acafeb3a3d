"""The course of a run: numbers by step in a table that stays short and says something of every step.

A row is about an interval: the step that it stands at, and the steps since the row before, which have no row of their
own any more. It has the number at its own step, and of the interval the total, the least and the greatest. When a row
is dropped, its interval joins that of the next. Between rows that are a power of 2 apart a number may swing with any
period: its least and greatest show it, where a sample of the steps would show a smooth line.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

POINTS = 400  # of a curve, at most
PARTS = 4  # of a number: at its own step; total, least and greatest of its interval


class Rows(NamedTuple):
    """Numbers [r, 4, k], `PARTS` of each, and how many steps each row is about, [r]. Never changed in place."""

    numbers: np.ndarray
    counts: np.ndarray

    def upto(self, end: int) -> "Rows":
        """The first rows."""
        return Rows(self.numbers[:end], self.counts[:end])

    def since(self, begin: int) -> "Rows":
        """The last rows."""
        return Rows(self.numbers[begin:], self.counts[begin:])

    def wider(self, more: int) -> "Rows":
        """With so many numbers more, NaN all."""
        none = np.full((len(self.counts), PARTS, more), np.nan)
        return Rows(np.concatenate([self.numbers, none], 2), self.counts)

    def then(self, other: "Rows") -> "Rows":
        """These rows, then others."""
        return Rows(*map(np.concatenate, zip(self, other, strict=True)))

    def joined(self, keep: np.ndarray) -> "Rows":
        """The rows to be kept, the last one among them; each takes in the intervals of those dropped before it."""
        if keep.all():
            return self
        places = np.flatnonzero(keep)
        begins = np.concatenate([[0], places[:-1] + 1])
        numbers = self.numbers[places]
        for part, join in ((1, np.add), (2, np.fmin), (3, np.fmax)):
            numbers[:, part] = join.reduceat(self.numbers[:, part], begins)
        return Rows(numbers, np.add.reduceat(self.counts, begins))

    def after(self, other: "Rows") -> "Rows":
        """These rows, the first of which takes in the interval of the last of others."""
        if not len(other.counts):
            return self
        numbers, counts = self.numbers.copy(), self.counts.copy()
        mine, theirs = numbers[0], other.numbers[-1]
        mine[1] += theirs[1]
        mine[2], mine[3] = np.fmin(mine[2], theirs[2]), np.fmax(mine[3], theirs[3])
        counts[0] += other.counts[-1]
        return Rows(numbers, counts)


def step(numbers: Sequence[float]) -> Rows:
    """The row of a single step."""
    return Rows(np.array([[numbers] * PARTS], dtype=float), np.ones(1, dtype=int))


def nothing(k: int) -> Rows:
    """No rows yet, of k numbers."""
    return Rows(np.zeros((0, PARTS, k)), np.zeros(0, dtype=int))


class Span(NamedTuple):
    """Of one number in every interval: its mean, the least and the greatest, [r] each."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def span(rows: Rows, i: int) -> Span:
    """Of the number at place i."""
    _, totals, low, high = rows.numbers[..., i].T
    return Span(totals / rows.counts, low, high)


def drawn(rows: Rows, i: int) -> Span:
    """`span` for a curve: the newest interval, while it has fewer steps than the one before, takes in that one too.

    Else the end of a curve that swings would leap with each step.
    """
    found = span(rows, i)
    if len(rows.counts) < 2 or rows.counts[-1] >= rows.counts[-2]:
        return found
    both = span(rows.since(-1).after(rows.upto(-1)), i)
    return Span(*(np.append(one[:-1], other) for one, other in zip(found, both, strict=True)))


# as a tensor, for a state: a column of steps, k numbers, their totals, least and greatest, and one of counts


def empty(k: int) -> Tensor:
    """A table of k numbers without rows, [0, 4k + 2] in float64; columns 1 to k are the numbers at the row's step."""
    return torch.zeros(0, PARTS * k + 2, dtype=torch.float64)


def longer(table: Tensor, t: int, *numbers: float) -> Tensor:
    """The table with a row for step t; of the others those stay whose step is a multiple of a growing power of 2."""
    stride = 1 << (t // POINTS).bit_length()
    steps = np.append(table[:, 0].numpy(), t)
    keep = (steps % stride == 0) & (steps < t)
    keep[-1] = True
    rows = rows_of(table).then(step(numbers)).joined(keep)
    return torch.from_numpy(np.column_stack([steps[keep], rows.numbers.reshape(len(rows.counts), -1), rows.counts]))


def rows_of(table: Tensor) -> Rows:
    """The rows of such a table, its numbers counted from 0."""
    whole = table.numpy()
    return Rows(whole[:, 1:-1].reshape(len(whole), PARTS, (whole.shape[1] - 2) // PARTS), whole[:, -1])


def drawn_of(table: Tensor, column: int) -> Span:
    """`drawn` of the number in that column, 1 to k."""
    return drawn(rows_of(table), column - 1)
