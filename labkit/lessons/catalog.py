"""The lessons that come with labkit, and those of a teacher's folder."""

from pathlib import Path

from labkit.lessons.fields import near
from labkit.lessons.lesson import Lesson
from labkit.lessons.reading import OWN, SHIPPED_STEPS, read
from labkit.lessons.tabs import TABS

SHIPPED = Path(__file__).with_name("shipped")
_files: dict[str, Path] = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
_read: dict[str, Lesson] = {}


def names() -> tuple[str, ...]:
    """Return the names of all lessons, page by page. On each page they are in alphabetical order."""
    pages = list(TABS)
    return tuple(sorted(_files, key=lambda name: (pages.index(load(name).page), name)))


def of_page(page: str) -> tuple[Lesson, ...]:
    """Return the lessons of a page, easiest first."""
    return tuple(lesson for lesson in map(load, names()) if lesson.page == page)


def load(name: str) -> Lesson:
    """Return the lesson with this name.

    Raises:
        LookupError: there is none; a page shows the message as it is.
        LessonError: its file has problems.
    """
    if name not in _files:
        raise LookupError(f"no lesson is called {name}; {near(name, _files)}")
    if name not in _read:
        _read[name] = read(_files[name], SHIPPED_STEPS if _files[name].parent == SHIPPED else OWN)
    return _read[name]
