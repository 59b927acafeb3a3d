"""A lesson in a cell of a notebook."""

from typing import TYPE_CHECKING

from labkit.lessons.catalog import load

if TYPE_CHECKING:
    from labkit.views.lesson_cell import LessonCell


def show(name: str, step: int = 1) -> "LessonCell":
    """Return a lesson with its live view, for the last line of a cell.

    Args:
        step: the step to begin with, counted from 1.

    Raises:
        LookupError: no lesson has this name.
        ValueError: the lesson has no such step.
    """
    from labkit.views.lesson_cell import LessonCell  # imported late: lessons work without a display

    return LessonCell(load(name), step)
