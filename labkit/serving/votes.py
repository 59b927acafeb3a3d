"""A question to a class: answers are counted in secret until the teacher reveals them, and may be given twice."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

CHOICES, LETTERS = 8, 200  # most choices, and most characters of a text


@dataclass
class Vote:
    """A question and its answers.

    Attributes:
        text: the question.
        choices: what a student chooses from; empty if the answer is a number.
        rounds: the answers of each round, student -> answer. A student is a random word of the browser.
        open: whether students may answer or change their answer.
        revealed: whether students see the counts.
    """

    text: str
    choices: list[str] = field(default_factory=list)
    rounds: list[dict[str, str | float]] = field(default_factory=lambda: [{}])
    open: bool = True
    revealed: bool = False

    def answer(self, student: str, value: Any) -> bool:
        """Take a student's answer, which replaces the earlier one; return whether it is allowed."""
        found = self._checked(value)
        if not self.open or found is None:
            return False
        self.rounds[-1][student] = found
        return True

    def _checked(self, value: Any) -> str | float | None:
        if self.choices:
            return value if isinstance(value, str) and value in self.choices else None
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if number else None

    def again(self) -> None:
        """Ask the same question a second time; the answers of the first time are kept."""
        self.rounds.append({})
        self.open, self.revealed = True, False

    def counts(self) -> list[list[tuple[str, int]]]:
        """Return for each round how many students gave each answer."""
        return [self._count(answers) for answers in self.rounds]

    def _count(self, answers: dict[str, str | float]) -> list[tuple[str, int]]:
        found = Counter(answers.values())
        if self.choices:
            return [(choice, found[choice]) for choice in self.choices]
        return [(f"{number:g}", n) for number, n in sorted(found.items())]

    def shown(self) -> dict[str, Any]:
        """Return what students see: the counts of this round only once they are revealed."""
        counts = self.counts()
        return {
            "text": self.text, "choices": self.choices, "open": self.open, "round": len(self.rounds),
            "votes": len(self.rounds[-1]), "counts": counts if self.revealed else counts[:-1],
            "revealed": self.revealed,
        }  # fmt: skip

    def table(self) -> list[tuple[str, int, str | float]]:
        """Return a row (question, round, answer) for each answer, sorted, so that no row names a student."""
        rows = [(self.text, i, value) for i, answers in enumerate(self.rounds, 1) for value in answers.values()]
        return sorted(rows, key=lambda row: (row[1], str(row[2])))


def asked(message: dict[str, Any]) -> Vote:
    """Return the question of a teacher's message: `text`, and `choices` or none for a number.

    Raises:
        ValueError: the message has no question, or too few or too many choices.
    """
    text, choices = message.get("text"), message.get("choices") or []
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a question needs a text; type one")
    if not isinstance(choices, list) or not all(isinstance(each, str) and each.strip() for each in choices):
        raise ValueError("choices must be texts; leave all of them empty to ask for a number")
    found = list(dict.fromkeys(each.strip()[:LETTERS] for each in choices))
    if len(found) == 1 or len(found) > CHOICES:
        raise ValueError(f"a question needs 2 to {CHOICES} different choices, got {len(found)}")
    return Vote(text.strip()[:LETTERS], found)
