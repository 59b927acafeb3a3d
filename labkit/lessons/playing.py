"""Lessons without a page: the settings of a step, and the states that a reader sees there."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from labkit.experiments.links import set_tab
from labkit.experiments.settings import ExperimentSettings
from labkit.lessons.fields import near
from labkit.lessons.lesson import Lesson
from labkit.lessons.tabs import NETWORK, TABS
from labkit.stream import iterate


def apply(settings: ExperimentSettings[Any], values: Mapping[str, Any]) -> list[str]:
    """Set the values by name, as a link does, and return the refused ones with the reason for each.

    `model` belongs to the page and is left out.
    """
    refused, unknown = set_tab(settings, {name: value for name, value in values.items() if name != NETWORK})
    return refused + [f"no setting is called {name}; {near(name, known)}" for name, known in unknown.items()]


def experiment(lesson: Lesson, i: int) -> ExperimentSettings[Any]:
    """Return new settings as they are at step i, counted from 0.

    Raises:
        ValueError: a value is refused; the message says why.
    """
    values = lesson.settings(i)
    made = TABS[lesson.page][lesson.tab](values)
    if refused := apply(made, values):
        raise ValueError("; ".join(refused))
    return made


def first(lesson: Lesson, i: int) -> Any:
    """Return the state in the first picture of step i, if every step before it was played to its pause.

    Raises:
        ValueError: settings that do not fit together.
    """
    began = lesson.began(i)
    state = _begin(lesson, began)
    for k in range(began, i):
        state = after(experiment(lesson, k), state, lesson.steps[k].play)
    return state


def states(lesson: Lesson, i: int) -> list[Any]:
    """Return the states that a reader sees at step i, from its first picture to its pause.

    Raises:
        ValueError: settings that do not fit together.
    """
    return _played(lesson, i, first(lesson, i))


def walk(lesson: Lesson) -> Iterator[list[Any]]:
    """Yield the states of each step in turn, as `states` does, but every run is computed only once.

    Raises:
        ValueError: settings that do not fit together.
    """
    state = None
    for i in range(len(lesson.steps)):
        seen = _played(lesson, i, _begin(lesson, i) if lesson.began(i) == i else state)
        yield seen
        state = seen[-1]


def after(settings: ExperimentSettings[Any], state: Any, steps: int) -> Any:
    """Return the state some steps later."""
    return next(islice(iterate(settings.step, state), steps, None))


def _begin(lesson: Lesson, i: int) -> Any:
    """Return the first state of the run that step i starts."""
    settings = experiment(lesson, i)
    return after(settings, settings.start(), lesson.steps[i].at)


def _played(lesson: Lesson, i: int, state: Any) -> list[Any]:
    """Return a state and those after it, up to the pause of step i."""
    return list(islice(iterate(experiment(lesson, i).step, state), 1 + lesson.steps[i].play))
