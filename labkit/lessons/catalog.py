"""The lessons that come with labkit, and those of a teacher's folder."""

import importlib.util
from pathlib import Path

from labkit.lessons.fields import LessonError, near
from labkit.lessons.lesson import Lesson
from labkit.lessons.reading import OWN, SHIPPED_STEPS, read
from labkit.lessons.tabs import TABS

SHIPPED = Path(__file__).with_name("shipped")
MARKS_FILE = "marks.py"  # in a teacher's folder
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


def add_folder(folder: Path | str) -> tuple[str, ...]:
    """Add the lessons in a folder, one for each TOML file, and return their names.

    A file `marks.py` in the folder is run first, as code of the folder's owner. It may call `register_mark`.

    Raises:
        LessonError: the folder or a file has problems; no lesson is added. `lines` has a line for each problem.
    """
    folder, problems, found = Path(folder), list[str](), dict[str, Lesson]()
    files = sorted(folder.glob("*.toml"))
    if not folder.is_dir():
        raise LessonError([f"{folder}: there is no such folder; create it, or correct its name"])
    if not files:
        raise LessonError([f"{folder}: the folder has no lessons; each lesson is a file NAME.toml"])
    problems += _run_marks(folder / MARKS_FILE)
    for file in files:
        if file.stem in _files and _files[file.stem].resolve() != file.resolve():
            problems.append(f"{file.name}: a lesson is already called {file.stem}; rename the file")
        try:
            found[file.stem] = read(file)
        except LessonError as error:
            problems += error.lines
    if problems:
        raise LessonError(problems)
    _files.update({file.stem: file for file in files})
    _read.update(found)
    return tuple(found)


def _run_marks(file: Path) -> list[str]:
    """Run a file that registers marks, and return its problem as a list with a line; an empty list without one."""
    spec = importlib.util.spec_from_file_location(f"labkit_lessons_{file.parent.name}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        return []
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:  # any error of the teacher's own code
        return [f"{file.name}: it stopped with {type(error).__name__}: {' '.join(str(error).split())}; correct it"]
    return []
