"""Lessons: paths through a page on which the reader predicts, and the run computes the right answer.

    for name in lessons.names():
        lesson = lessons.load(name)

A lesson is a TOML file (`lessons.read(path)`). Questions name a function of the run's states (`lessons.MARKS`).
"""

from labkit.lessons.catalog import add_folder, load, names, of_page
from labkit.lessons.cells import show
from labkit.lessons.fields import LessonError
from labkit.lessons.lesson import Lesson, Step
from labkit.lessons.marks import MARKS, register_mark
from labkit.lessons.playing import apply, experiment, first, states, walk
from labkit.lessons.question import Question, Verdict
from labkit.lessons.reading import read

__all__ = [
    "MARKS",
    "LessonError",
    "Lesson",
    "Question",
    "Step",
    "Verdict",
    "add_folder",
    "apply",
    "experiment",
    "first",
    "load",
    "names",
    "of_page",
    "read",
    "register_mark",
    "show",
    "states",
    "walk",
]
