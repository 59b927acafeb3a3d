"""A lesson as data: steps with settings and a sentence, and questions that a run of the page answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.lessons.question import Question


@dataclass(frozen=True)
class Step:
    """One step of a lesson.

    Attributes:
        text: one or two short sentences.
        settings: the settings that change here, by name, as in an address.
        fresh: whether the settings of the steps before it return to their defaults.
        question: a question, or None.
        play: the number of steps after which the run pauses; with 0 the reader plays it.
        restart: whether the run starts again on entering the step. The first step of a lesson always does.
        at: the number of steps that are computed before the first picture, if the run starts again.
    """

    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    question: Question | None = None
    play: int = 0
    restart: bool = False
    at: int = 0
    fresh: bool = False


@dataclass(frozen=True)
class Lesson:
    """A path of some steps through a tab of a page.

    Attributes:
        name: its name in an address, the name of its file.
        title: a question.
        page: "svgd", "draw" or "dreg". tab: as in an address.
        minutes: the time that it takes.
    """

    name: str
    title: str
    page: str
    tab: str
    minutes: int
    steps: tuple[Step, ...]

    def index(self, step: Any) -> int:
        """Return a step counted from 1, as in an address, counted from 0.

        Raises:
            ValueError: there is no such step.
        """
        if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= len(self.steps):
            raise ValueError(f'the lesson "{self.name}" has the steps 1 to {len(self.steps)}, not {step}')
        return step - 1

    def settings(self, i: int) -> dict[str, Any]:
        """Return all settings of step i, counted from 0: those of the steps before it, and its own changes.

        Settings that it does not name have their defaults.
        """
        merged: dict[str, Any] = {}
        for step in self.steps[: i + 1]:
            merged = {**({} if step.fresh else merged), **step.settings}
        return merged

    def began(self, i: int) -> int:
        """Return the step at which the run of step i was started, counted from 0."""
        return max((k for k in range(i + 1) if self.steps[k].restart), default=0)
