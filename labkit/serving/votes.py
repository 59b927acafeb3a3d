"""A question to a class: answers are counted in secret until the teacher reveals them, and may be given twice.

The run judges the question of a lesson: the room shows what the run gives, and how many answers are right.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit import lessons
from labkit.lessons import Question
from labkit.lessons.question import CHOICE, NUMBER, PLACE
from labkit.views.lessons import places

CHOICES, LETTERS = 8, 200  # most choices, and most characters of a text
FEW, BINS = 8, 10  # more different numbers than that are counted in intervals of equal width

Answer = str | float | tuple[float, ...]  # a choice, a number, or a place on the main picture as x or (x, y)


@dataclass
class Vote:
    """A question and its answers.

    Attributes:
        text: the question.
        choices: what a student chooses from; empty for a number or a place.
        kind: "choice", "number" or "place". axes: 1 for a place on the x axis, 2 for one in the plane.
        middle: as in `Question`. unit: the unit of a number. low, high: its range, None if open.
        lesson, step: where a lesson asks this question, the step counted from 0; "" if the teacher typed it.
        rounds: the answers of each round, student -> answer. A student is a random word of the browser.
        open: whether students may answer or change their answer.
        revealed: whether students see the counts.
        said: what the run gives, and how many answers are right; "" before the run was played.
        place: the place that the run gives, empty for other kinds.
    """

    text: str
    choices: list[str] = field(default_factory=list)
    kind: str = ""
    axes: int = 1
    unit: str = ""
    low: float | None = None
    high: float | None = None
    lesson: str = ""
    step: int = 0
    rounds: list[dict[str, Answer]] = field(default_factory=lambda: [{}])
    open: bool = True
    revealed: bool = False
    said: str = ""
    place: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind = self.kind or (CHOICE if self.choices else NUMBER)

    def answer(self, student: str, value: Any) -> bool:
        """Take a student's answer, which replaces the earlier one; return whether it is allowed."""
        found = self._checked(value)
        if not self.open or found is None:
            return False
        self.rounds[-1][student] = found
        return True

    def _checked(self, value: Any) -> Answer | None:
        """Return the value for a round, None if a lesson would refuse it."""
        low, high = (math.nan if end is None else end for end in (self.low, self.high))
        question = Question(self.text, self.kind, tuple(self.choices), axes=self.axes, low=low, high=high)
        if isinstance(value, list) != (self.kind == PLACE) or question.refuses(value):
            return None
        if self.kind == CHOICE:
            return str(value)
        return tuple(map(float, value)) if self.kind == PLACE else float(value)

    def again(self) -> None:
        """Ask the same question a second time; the answers of the first time are kept."""
        self.rounds.append({})
        self.open, self.revealed, self.said, self.place = True, False, "", []

    def judge(self, question: Question, found: Any) -> None:
        """Close the vote, reveal the counts, and say what the run gives and how many answers are right."""
        answers = list(self.rounds[-1].values())
        right = sum(bool(question.judge(_plain(answer), found).right) for answer in answers)
        self.open, self.revealed = False, True
        self.said = question.judge(None, found).text
        if answers:
            near = "right" if self.kind == CHOICE else f"within {question.tolerance:g} {question.unit}".rstrip()
            self.said += f" {right} of {len(answers)} {'was' if right == 1 else 'were'} {near}."
        if self.kind == PLACE:
            self.place = places(found)

    def counts(self) -> list[list[tuple[str, int]]]:
        """Return for each round how many students gave each answer."""
        return [self._count(answers) for answers in self.rounds]

    def _count(self, answers: dict[str, Answer]) -> list[tuple[str, int]]:
        if self.kind == CHOICE:
            found = Counter(answers.values())
            return [(choice, found[choice]) for choice in self.choices]
        if self.kind == PLACE and self.axes == 2:
            return []  # the picture shows these
        digits = 3 if self.kind == PLACE else 12
        return histogram([float(f"{float(_plain(value)):.{digits}g}") for value in answers.values()])

    def places(self) -> list[list[float]]:
        """Return the places of this round, sorted, so that none belongs to a student."""
        return sorted(list(value) for value in self.rounds[-1].values() if isinstance(value, tuple))

    def shown(self) -> dict[str, Any]:
        """Return what students see: the counts of this round only once they are revealed."""
        counts = self.counts()
        return {
            "text": self.text, "choices": self.choices, "kind": self.kind, "axes": self.axes, "unit": self.unit,
            "middle": self.middle,
            "low": self.low, "high": self.high, "lesson": self.lesson, "step": self.step, "open": self.open,
            "round": len(self.rounds), "votes": len(self.rounds[-1]), "revealed": self.revealed, "said": self.said,
            "counts": counts if self.revealed else counts[:-1], "places": self.places() if self.revealed else [],
            "place": self.place,
        }  # fmt: skip

    def kept(self) -> dict[str, Any]:
        """Return the question without answers, for the file of a room; `Vote(**kept)` asks it again."""
        names = "text", "choices", "kind", "axes", "middle", "unit", "low", "high", "lesson", "step"
        return {name: getattr(self, name) for name in names}

    def table(self) -> list[tuple[str, int, str | float]]:
        """Return a row (question, round, answer) for each answer, sorted, so that no row names a student."""
        rows = [(self.text, i, _word(value)) for i, answers in enumerate(self.rounds, 1) for value in answers.values()]
        return sorted(rows, key=lambda row: (row[1], str(row[2])))


def histogram(numbers: Sequence[float]) -> list[tuple[str, int]]:
    """Return how often each number occurs; many different ones are counted in intervals, named "low to high"."""
    found = Counter(numbers)
    if len(found) <= FEW:
        return [(f"{number:.12g}", n) for number, n in sorted(found.items())]
    low, high = min(numbers), max(numbers)
    width = (high - low) / BINS
    inside = Counter(min(int((number - low) / width), BINS - 1) for number in numbers)
    return [(f"{low + i * width:.3g} to {low + (i + 1) * width:.3g}", inside[i]) for i in range(BINS)]


def asked(message: dict[str, Any]) -> Vote:
    """Return the question of a teacher's message: `text` with `choices`, a number without; or `lesson` and `step`.

    With `place`, 1 or 2, the answer is a place on the main picture, on its x axis or in its plane.

    Raises:
        ValueError: the message has no question, or too few or too many choices.
    """
    if "lesson" in message:
        return of_lesson(message["lesson"], message.get("step"))
    text, choices, axes = message.get("text"), message.get("choices") or [], message.get("place")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a question needs a text; type one")
    text = text.strip()[:LETTERS]
    if axes in (1, 2):
        return Vote(text, kind=PLACE, axes=axes)
    if not isinstance(choices, list) or not all(isinstance(each, str) and each.strip() for each in choices):
        raise ValueError("choices must be texts; leave all of them empty to ask for a number")
    found = list(dict.fromkeys(each.strip()[:LETTERS] for each in choices))
    if len(found) == 1 or len(found) > CHOICES:
        raise ValueError(f"a question needs 2 to {CHOICES} different choices, got {len(found)}")
    return Vote(text, found)


def of_lesson(name: Any, step: Any) -> Vote:
    """Return the question of a step of a lesson, counted from 0.

    Raises:
        ValueError: there is no such question.
    """
    question = question_of(name, step)
    if question is None:
        raise ValueError("this step of the lesson has no question; choose another one")
    ends = (None if math.isnan(end) else end for end in (question.low, question.high))
    return Vote(
        question.text, list(question.choices), question.kind, question.axes, question.unit, *ends, name, step,
        middle=list(question.middle),
    )  # fmt: skip


def question_of(name: Any, step: Any) -> Question | None:
    """Return the question that a lesson asks at a step, counted from 0; None if there is none."""
    try:
        steps = lessons.load(str(name)).steps
    except (LookupError, ValueError):
        return None
    return steps[step].question if isinstance(step, int) and 0 <= step < len(steps) else None


def _plain(value: Answer) -> Any:
    """Return a place on one axis as a number, as a lesson takes it."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _word(value: Answer) -> str | float:
    value = _plain(value)
    return " ".join(f"{number:g}" for number in value) if isinstance(value, tuple) else value
