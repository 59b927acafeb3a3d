"""The course of a run: a table of numbers against steps that stays short but covers every step.

A row covers an interval: its own step and the steps since the row before. It holds the number at its own step, and the
total, minimum and maximum over the interval. When a row is dropped, the next row takes over its interval.

A number may oscillate between two rows. The minimum and maximum show this; numbers at the rows' own steps could show a
smooth line instead. A number may be found at only some steps, chosen at random (`labkit.ration`). Then
total, minimum and maximum cover these steps, and `found` counts them.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

POINTS = 400  # at most, in a curve
PARTS = 4  # values for each number: at the row's step; total, minimum and maximum of the interval
JOINS = np.add, np.add, np.fmin, np.fmax  # how intervals are joined, for each part of `Rows.others`


class Rows(NamedTuple):
    """The rows of a table. Never changed in place.

    Attributes:
        numbers: `PARTS` values for each number, [r, 4, k].
        counts: how many steps each row covers, [r].
        found: at how many of these steps each number was found, [r, k].
        others: of the interval without the row's own step: `found`, total, minimum and maximum, [r, 4, k].
    """

    numbers: np.ndarray
    counts: np.ndarray
    found: np.ndarray
    others: np.ndarray

    def upto(self, end: int) -> "Rows":
        """Return the rows before `end`."""
        return Rows(*(part[:end] for part in self))

    def since(self, begin: int) -> "Rows":
        """Return the rows from `begin` to the last."""
        return Rows(*(part[begin:] for part in self))

    def wider(self, more: int) -> "Rows":
        """Return the rows with `more` additional numbers, which were found at no step."""
        none = _unknown(len(self.counts), more)
        numbers, others = (np.concatenate(parts, 2) for parts in zip(self[::3], none[::3], strict=True))
        return Rows(numbers, self.counts, np.hstack([self.found, none.found]), others)

    def before(self) -> "Rows":
        """Return the interval of each row without its own step."""
        numbers, found = self.others.copy(), self.others[:, 0].astype(int)
        numbers[:, 0] = np.nan
        return Rows(numbers, self.counts - 1, found, self.others)

    def then(self, other: "Rows") -> "Rows":
        """Return these rows, followed by others."""
        return Rows(*map(np.concatenate, zip(self, other, strict=True)))

    def joined(self, keep: np.ndarray) -> "Rows":
        """Return the kept rows. Each takes over the intervals of the dropped rows before it; the last must be kept."""
        if keep.all():
            return self
        places = np.flatnonzero(keep)
        begins = np.concatenate([[0], places[:-1] + 1])
        numbers, others = self.numbers[places], self.others[places]
        for part, join in enumerate(JOINS):
            each = (self.numbers[:, part] if part else self.found).astype(float)
            if part:
                numbers[:, part] = join.reduceat(each, begins)
            each[places] = others[:, part]
            others[:, part] = join.reduceat(each, begins)
        return Rows(numbers, np.add.reduceat(self.counts, begins), np.add.reduceat(self.found, begins), others)

    def next(self, numbers: Sequence[float | None]) -> "Rows":
        """Return the row one step later; it takes over the interval of this one."""
        if numbers.count(None) < len(numbers):
            return step(numbers).after(self)
        shown, others = self.numbers.copy(), self.numbers.copy()  # at most steps
        shown[:, 0], others[:, 0] = np.nan, self.found
        return Rows(shown, self.counts + 1, self.found, others)

    def after(self, other: "Rows") -> "Rows":
        """Return these rows; the first takes over the interval of the last row of `other`."""
        if not len(other.counts):
            return self
        numbers, counts, found, others = (part.copy() for part in self)
        theirs = other.numbers[-1]
        for mine in (numbers[0], others[0]):
            mine[1] += theirs[1]
            mine[2], mine[3] = np.fmin(mine[2], theirs[2]), np.fmax(mine[3], theirs[3])
        others[0, 0] += other.found[-1]
        counts[0] += other.counts[-1]
        found[0] += other.found[-1]
        return Rows(numbers, counts, found, others)


def step(numbers: Sequence[float | None]) -> Rows:
    """Return the row of a single step. None stands for a number that was not found at this step."""
    if numbers.count(None) == len(numbers):  # at most steps
        return _nothing_found(len(numbers))
    found = np.array([[int(number is not None) for number in numbers]], dtype=int)
    values = np.array([[numbers] * PARTS], dtype=float)  # None becomes NaN
    values[:, 1][found == 0] = 0.0
    return Rows(values, np.ones(1, dtype=int), found, _no_others(1, len(numbers)))


@cache
def _nothing_found(k: int) -> Rows:
    return _unknown(1, k)


def nothing(k: int) -> Rows:
    """Return an empty set of rows for k numbers."""
    return _unknown(0, k)


def _unknown(r: int, k: int) -> Rows:
    """Return r rows of one step, with k numbers that were not found."""
    numbers = np.full((r, PARTS, k), np.nan)
    numbers[:, 1] = 0.0
    return Rows(numbers, np.ones(r, dtype=int), np.zeros((r, k), dtype=int), _no_others(r, k))


def _no_others(r: int, k: int) -> np.ndarray:
    """Return `Rows.others` of r intervals of one step."""
    others = np.full((r, PARTS, k), np.nan)
    others[:, :2] = 0.0
    return others


class Span(NamedTuple):
    """Mean, minimum and maximum of one number in every interval, each [r]; NaN where the number was not found."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def span(rows: Rows, i: int) -> Span:
    """Return the span of number i."""
    _, totals, low, high = rows.numbers[..., i].T
    found = rows.found[:, i]
    return Span(np.divide(totals, found, out=np.full(len(found), np.nan), where=found > 0), low, high)


def drawn(rows: Rows, i: int) -> Span:
    """Return `span` for a curve. A newest interval with fewer steps than the one before is joined with that one.

    Otherwise the end of an oscillating curve would jump at each step.
    """
    found = span(rows, i)
    if len(rows.counts) < 2 or rows.counts[-1] >= rows.counts[-2]:
        return found
    both = span(rows.since(-1).after(rows.upto(-1)), i)
    return Span(*(np.append(one[:-1], other) for one, other in zip(found, both, strict=True)))


# The same as a tensor, for a state. Columns: step, k numbers, their totals, minima and maxima, and the count of steps.


def empty(k: int) -> Tensor:
    """Return a table of k numbers without rows, [0, 4k + 2], float64. Columns 1 to k hold the numbers at each step."""
    return torch.zeros(0, PARTS * k + 2, dtype=torch.float64)


def longer(table: Tensor, t: int, *numbers: float) -> Tensor:
    """Return the table with a row for step t. It keeps the other rows at multiples of a growing power of 2."""
    stride = 1 << (t // POINTS).bit_length()
    steps = np.append(table[:, 0].numpy(), t)
    keep = (steps % stride == 0) & (steps < t)
    keep[-1] = True
    rows = rows_of(table).then(step(numbers)).joined(keep)
    return torch.from_numpy(np.column_stack([steps[keep], rows.numbers.reshape(len(rows.counts), -1), rows.counts]))


def rows_of(table: Tensor) -> Rows:
    """Return the rows of such a table, with numbers counted from 0; `others` is not known."""
    whole = table.numpy()
    k = (whole.shape[1] - 2) // PARTS
    numbers = whole[:, 1:-1].reshape(len(whole), PARTS, k)
    return Rows(numbers, whole[:, -1], whole[:, -1:].repeat(k, 1), _no_others(len(whole), k))


def drawn_of(table: Tensor, column: int) -> Span:
    """Return `drawn` for the number in a column from 1 to k."""
    return drawn(rows_of(table), column - 1)
