"""A question of a lesson, and the verdict that the run gives."""

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.lessons.fields import finite
from labkit.lessons.marks import MARKS
from labkit.words import counted

CHOICE, NUMBER, PLACE = KINDS = ("choice", "number", "place")
NOT_YET = "The run has no result yet. Press Play, then try again."
Found = float | tuple[float, ...] | str  # what a mark returns
Answer = str | float | Sequence[float]


@dataclass(frozen=True)
class Verdict:
    """The result of an answer: whether it is right (None without an answer), what the run gives, and both as text."""

    right: bool | None
    found: Found
    text: str


@dataclass(frozen=True)
class Question:
    """A question to which the reader predicts the answer before the run is played.

    Attributes:
        kind: "choice"; "number"; or "place", a place in the main picture.
        choices: the texts of the choices.
        right: the right choice, for a question without a mark.
        axes: 1 for a place on the x axis, 2 for a place in the plane.
        middle: the middle of an image, which has no axes to read; texts say where a place is from there.
        unit: the unit of a number or a place.
        low, high: the range of a number or of each coordinate of a place; NaN if it is open.
        mark: the name of a function in `MARKS`, which computes the right answer from the states of the run.
        parameters: keyword arguments of this function.
        edges: numbers between neighbouring choices, if the mark returns a number. The first choice is right below the
            first edge.
        tolerance: largest distance of a right number or place from that of the run.
        tell: the explanation that follows the verdict.
    """

    text: str
    kind: str
    choices: tuple[str, ...] = ()
    right: str = ""
    axes: int = 1
    unit: str = ""
    low: float = math.nan
    high: float = math.nan
    mark: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    edges: tuple[float, ...] = ()
    tolerance: float = 0.0
    tell: str = ""
    middle: tuple[float, ...] = ()

    def find(self, states: Sequence[Any]) -> Found:
        """Return what the mark computes from the states, or the fixed right choice.

        Args:
            states: the kept states of the run since the step was entered, oldest first; at least one.

        Raises:
            ValueError: the mark does not fit these states.
        """
        if not self.mark:
            return self.right
        try:
            return MARKS[self.mark](states, **self.parameters)
        except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise ValueError(f"the mark {self.mark} does not fit this run ({why}); check its parameters") from error

    def solution(self, found: Found) -> Found:
        """Return the right answer for what the mark found: the text of a choice, a number or a place.

        It is "" or NaN if the run has no result yet.

        Raises:
            ValueError: the mark found a number, and the question has no edges between its choices.
        """
        if self.kind != CHOICE or isinstance(found, str):
            return found
        (number,) = _numbers(found)
        if not self.edges:
            raise ValueError(f"the mark {self.mark} gives a number; the question needs edges between its choices")
        return "" if math.isnan(number) else self.choices[bisect(self.edges, number)]

    def refuses(self, answer: Any) -> str:
        """Return why an answer cannot be judged, "" if it can."""
        if self.kind == CHOICE:
            return "" if answer in self.choices else f"choose one of {', '.join(self.choices)}, not {answer!r}"
        numbers = answer if isinstance(answer, list | tuple) else [answer]
        if any(isinstance(each, bool) or not isinstance(each, int | float) for each in numbers):
            return f"give a number, not {answer!r}"
        axes = self.axes if self.kind == PLACE else 1
        if len(numbers) != axes:
            return f"give {counted(axes, 'number')}, not {len(numbers)}"
        if not all(map(finite, numbers)):
            return "give a finite number"
        if any(abs(each - at) > abs(at) for each, at in zip(numbers, self.middle, strict=False)):
            return "choose a place on the image"
        if any(each < self.low or each > self.high for each in numbers):
            what = "choose a place with coordinates" if self.kind == PLACE else "give a number"
            return f"{what} from {_number(self.low)} to {_number(self.high)}"
        return ""

    def judge(self, answer: Answer | None, found: Found) -> Verdict:
        """Return whether an answer is right, given what the mark found.

        Args:
            answer: the text of a choice, a number, or a place as one or two numbers; None without an answer.
            found: the result of `find`. One result serves the answers of a whole class.

        Raises:
            ValueError: the answer cannot be judged; `refuses` says why.
        """
        if answer is not None and (why := self.refuses(answer)):
            raise ValueError(why)
        solution = self.solution(found)
        if _is_empty(solution):
            return Verdict(None, found, NOT_YET)
        result = self._result(found, solution)
        if answer is None:
            return Verdict(None, found, result)
        if self.kind == CHOICE:
            right = answer == solution
            return Verdict(right, found, f"{_opening(right)} {result}")
        right = math.dist(_numbers(answer), _numbers(found)) <= self.tolerance
        near = f"{_number(self.tolerance)} {self.unit}".rstrip()
        own = f"You gave {self._words(answer)}; answers within {near} are right."
        return Verdict(right, found, f"{_opening(right)} {result} {own}")

    def verdict(self, answer: Answer | None, states: Sequence[Any]) -> Verdict:
        """Return whether an answer is right for the run with these states; see `find` and `judge`."""
        return self.judge(answer, self.find(states))

    def _result(self, found: Found, solution: Found) -> str:
        if isinstance(found, str):
            return f"The run gives: {found}."
        choice = f": {solution}" if self.kind == CHOICE else ""
        return f"The run gives {self._words(found)}{choice}."

    def _words(self, value: Answer) -> str:
        """Return a number or a place with its unit."""
        if self.middle:
            return self._from_middle(*_numbers(value))
        numbers = [_number(number) for number in _numbers(value)]
        named = [f"{axis} = {number}" for axis, number in zip("xy", numbers, strict=False)]
        return f"{numbers[0] if len(numbers) == 1 else ', '.join(named)} {self.unit}".rstrip()

    def _from_middle(self, x: float, y: float) -> str:
        """Return a place of an image as "4.1 pixels above and 2 pixels left of the middle"."""
        right, up = x - self.middle[0], y - self.middle[1]
        ways = (up, "above" if up > 0 else "below"), (right, "right" if right > 0 else "left")
        parts = (f"{abs(far):.1f}".removesuffix(".0") + f" {self.unit}".rstrip() + f" {way}" for far, way in ways)
        return f"{' and '.join(parts)} of the middle"


def _numbers(value: Answer) -> tuple[float, ...]:
    if isinstance(value, str):
        raise ValueError(f"this must be a number, got {value!r}; correct the mark of the question")
    return tuple(map(float, value)) if isinstance(value, Sequence) else (float(value),)


def _is_empty(solution: Found) -> bool:
    return not solution if isinstance(solution, str) else any(map(math.isnan, _numbers(solution)))


def _number(value: float) -> str:
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}").replace("-", "\N{MINUS SIGN}")


def _opening(right: bool) -> str:
    return "Right." if right else "Not quite."
