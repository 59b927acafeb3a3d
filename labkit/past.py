"""The past of a run: some of its states, and a table of numbers that covers every step."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
from torch import Tensor

from labkit import course

KEEP_BYTES, KEEP_STATES = 8_000_000, 400  # limits on the states kept for Rewind
FEW = 8  # states that are kept however large they are
OF_ALL = "mean", "least", "greatest"  # over the steps that a row of the whole table covers
FOUND = "found at"  # heads the numbers of these steps at which a number was found

S = TypeVar("S")  # a state
P = TypeVar("P")  # a part of a state


@dataclass
class Past(Generic[S]):
    """The kept states of a run, and a table with a row for each. As the run grows, a smaller share is kept.

    Attributes:
        record: state -> the numbers of this step by name; a number that was not found is left out.
        states: oldest first; the last is the newest.
        marks: the step of each state, counted from the start.
        pinned: mark -> state for the steps of `pins`.
        names: names of the numbers that `record` returns.
        kept, newest: rows of `labkit.course` for all states but the last, and for the last.
        stride: steps from one kept state to the next; the newest may be closer.
        pins: steps whose states are always kept.
        limit: bytes of kept states; tensors that neighbours share count once. There is always room for eight.
        sizes: at most these bytes of each of `states` are not shared with the one before; those of the newest states
            may be missing. After a thinning they include the sizes of the dropped states.
    """

    record: Callable[[S], dict[str, float]] | None = None
    states: list[S] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    pinned: dict[int, S] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    kept: course.Rows = field(default_factory=lambda: course.nothing(0))
    newest: course.Rows = field(default_factory=lambda: course.nothing(0))
    stride: int = 1
    pins: tuple[int, ...] = ()
    limit: int = KEEP_BYTES
    sizes: list[int] = field(default_factory=list)
    _joined: tuple[course.Rows, ...] = field(default=(), init=False, repr=False, compare=False)  # kept, newest, both
    _last: tuple[S, list[Tensor]] | None = field(default=None, init=False, repr=False, compare=False)  # measured last

    @property
    def rows(self) -> course.Rows:
        """Return a row for each of `states`: see `labkit.course`."""
        known = self._joined
        if not known or known[0] is not self.kept or known[1] is not self.newest:
            self._joined = known = self.kept, self.newest, self.kept.then(self.newest)
        return known[2]

    @property
    def table(self) -> dict[str, list[float]]:
        """Return name -> the numbers at each of `states`."""
        numbers = self.rows.numbers
        return {name: numbers[:, 0, i].tolist() for i, name in enumerate(self.names)}

    def span(self, name: str) -> course.Span:
        """Return mean, minimum and maximum of a number over the interval that ends at each of `states`.

        They cover the steps at which the number was found, see `found`.
        """
        return course.span(self.rows, self.names.index(name))

    def drawn(self, name: str) -> course.Span:
        """Return the same for a curve, as `course.drawn`."""
        return course.drawn(self.rows, self.names.index(name))

    def found(self, name: str) -> np.ndarray:
        """Return at how many steps of the interval that ends at each of `states` a number was found."""
        return self.rows.found[:, self.names.index(name)]

    def whole_table(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the names of the columns, and a row for every kept state.

        A row has the step and each number at that step. Then comes the length of its interval in steps, and the mean,
        minimum and maximum of each number over the interval. If a number was found at some steps only, one more column
        says at how many. Columns without a value are empty. Reading the rows raises a ValueError if the columns differ
        in length.
        """
        rows = self.rows
        columns: dict[str, list[Any]] = {"step": self.marks} | self.table | {"steps": rows.counts.tolist()}
        for name in self.names:
            of_all = zip(OF_ALL, self.span(name), strict=True)
            columns |= {f"{name}, {what}": part.tolist() for what, part in of_all}
            found = self.found(name)
            if (found < rows.counts).any():
                columns |= {f"{name}, {FOUND}": found.tolist()}
                for other in OF_ALL:
                    _blank(columns[f"{name}, {other}"], found > 0)
                _blank(columns[name], ~np.isnan(rows.numbers[:, 0, self.names.index(name)]))
        return list(columns), zip(*columns.values(), strict=True)

    def add(self, state: S, mark: int | None = None) -> None:
        """Add the newest state. The one before stays if it is a multiple of the stride; too many states are thinned."""
        mark = (self.marks[-1] + 1 if self.marks else 0) if mark is None else mark
        self._append(state, mark, self._row(state))

    def _row(self, state: S) -> dict[str, float]:
        """Return the numbers of a state. This may raise, so it comes before any change."""
        return self.record(state) if self.record else {}

    def _append(self, state: S, mark: int, row: dict[str, float]) -> None:
        self._name(row)
        numbers = [row.get(name) for name in self.names]
        stays = not self.marks or self.marks[-1] % self.stride == 0
        if stays:
            self.kept, self.newest = self.rows, course.step(numbers)
        else:  # most steps of a long run
            self.newest = self.newest.next(numbers)
            del self.states[-1], self.marks[-1], self.sizes[len(self.states) :]
        self.states.append(state)
        self.marks.append(mark)
        if mark in self.pins:
            self.pinned[mark] = state
        if stays:
            self._limit()

    def _limit(self) -> None:
        """Thin the states if there are too many, or too many bytes of them."""
        self._measure()
        if len(self.states) > KEEP_STATES:
            self._thin()
        elif sum(self.sizes) > self.limit:
            self.sizes = []  # they may be too large
            self._measure()
            if sum(self.sizes) > max(self.limit, FEW * max(self.sizes)):
                self._thin()

    def replace(self, position: int, state: S) -> None:
        """Replace the state at a position and forget all later states. The other steps of its interval stay."""
        row = self._row(state)
        self.cut(position)
        mark, others = self.marks[-1], self.newest.before()
        if position:
            self.cut(position - 1)
        else:
            self.states, self.marks, self.sizes, self.newest = [], [], [], course.nothing(len(self.names))
        self._append(state, mark, row)
        if others.counts[0]:
            self.newest = self.newest.after(others.wider(len(self.names) - others.found.shape[1]))

    def fill(self) -> None:
        """Find the numbers of the newest state that were left out."""
        if self.states and np.isnan(self.newest.numbers[0, 0]).any():
            self.replace(len(self.states) - 1, self.states[-1])

    def cut(self, position: int) -> None:
        """Forget everything after a position; the run continues from there."""
        del self.states[position + 1 :], self.marks[position + 1 :], self.sizes[position + 1 :]
        rows = self.rows
        self.kept, self.newest = rows.upto(position), rows.upto(position + 1).since(position)
        self.pinned = {mark: state for mark, state in self.pinned.items() if mark <= self.marks[-1]}

    def copy(self) -> "Past[S]":
        """Return the same states in new lists, for another thread."""
        return Past(
            None,
            list(self.states),
            list(self.marks),
            dict(self.pinned),
            self.names,
            self.kept,
            self.newest,
            self.stride,
            self.pins,
        )

    def of(self, part: Callable[[S], P], mark: str = "") -> "Past[P]":
        """Return the past of one part of each state. The prefix `mark` is removed from the names of numbers."""
        return Past(
            None,
            [part(state) for state in self.states],
            self.marks,
            {step: part(state) for step, state in self.pinned.items()},
            tuple(name.removeprefix(mark) for name in self.names),
            self.kept,
            self.newest,
            self.stride,
            self.pins,
        )

    def _name(self, row: dict[str, float]) -> None:
        """Add columns for new names, which were found at no earlier step."""
        new = tuple(name for name in row if name not in self.names) if row else ()
        if new:
            self.names += new
            self.kept, self.newest = self.kept.wider(len(new)), self.newest.wider(len(new))

    def _thin(self) -> None:
        """Double the stride and drop the states that are not at a multiple of it, except the first and the newest."""
        self.stride *= 2
        keep = np.array(self.marks) % self.stride == 0
        keep[[0, -1]] = True
        rows = self.rows.joined(keep)
        self.kept, self.newest = rows.upto(-1), rows.since(-1)
        self.states = [state for state, stays in zip(self.states, keep, strict=True) if stays]
        self.marks = [mark for mark, stays in zip(self.marks, keep, strict=True) if stays]
        ends = np.flatnonzero(keep) + 1
        self.sizes = np.diff(np.cumsum([0, *self.sizes])[[0, *ends]]).tolist()

    def _measure(self) -> None:
        """Make `sizes` complete."""
        known, before = len(self.sizes), list[Tensor]()
        if known:
            state = self.states[known - 1]
            before = self._last[1] if self._last and self._last[0] is state else _tensors(state)
        for state in self.states[known:]:
            tensors = _tensors(state)
            self.sizes.append(_bytes(tensors, before))
            self._last, before = (state, tensors), tensors


class RecentPast(Past[S]):
    """The past of a run whose early steps do not matter later. When it is full, it forgets its older half.

    So all the newest steps are there, for example each stroke of the last images.
    """

    def _thin(self) -> None:
        """Drop the older half."""
        half = len(self.states) // 2
        rows = self.rows.since(half)
        self.kept, self.newest = rows.upto(-1), rows.since(-1)
        self.states, self.marks, self.sizes = self.states[half:], self.marks[half:], []


def _blank(column: list[Any], known: np.ndarray) -> None:
    """Replace the unknown values of a column by empty texts."""
    for i in np.flatnonzero(~known):
        column[i] = ""


def size(state: object) -> int:
    """Return the bytes of the tensors in a state."""
    return _bytes(_tensors(state), [])


def _bytes(tensors: list[Tensor], others: list[Tensor]) -> int:
    """Return the bytes of tensors that are not among others; one that occurs twice counts once."""
    counted, total = set(map(id, others)), 0
    for tensor in tensors:
        if id(tensor) not in counted:
            counted.add(id(tensor))
            total += tensor.nbytes
    return total


def _tensors(value: object) -> list[Tensor]:
    """Return the tensors in a value. A generator that calls itself would take three times as long, at every step."""
    found, todo = list[Tensor](), [value]
    for each in todo:  # it grows
        if isinstance(each, Tensor):
            found.append(each)
        elif isinstance(each, tuple | list):
            todo += each
        elif names := _fields(type(each)):  # type: ignore[arg-type]  # mypy takes no class as hashable
            todo += [getattr(each, name) for name in names]
    return found


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass's fields; of other classes none."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()
