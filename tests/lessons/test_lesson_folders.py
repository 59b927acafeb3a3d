"""A teacher's folder of lessons is added as a whole, or refused with a line for each problem."""

import pytest
from typer.testing import CliRunner

from labkit import lessons
from labkit.cli import app
from labkit.lessons import catalog
from labkit.lessons.marks.registry import MARKS

LESSON = """
title = "How far apart are they?"
page = "svgd"
tab = "Particles"

[[steps]]
text = "Ten particles."
settings = { n = 10 }
play = 3

[steps.question]
text = "How far apart are the outermost?"
kind = "number"
low = 0
high = 20
tolerance = 1
mark = "extent"
"""
MARKS_FILE = """
from labkit import lessons

def extent(states):
    return float(states[-1].x.max() - states[-1].x.min())

lessons.register_mark("extent", extent)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a lesson that needs its own mark. Everything that it adds is removed after the test."""
    monkeypatch.setattr(catalog, "_files", dict(catalog._files))
    monkeypatch.setattr(catalog, "_read", dict(catalog._read))
    before = dict(MARKS)
    (tmp_path / "extent.toml").write_text(LESSON, encoding="utf-8")
    (tmp_path / "marks.py").write_text(MARKS_FILE, encoding="utf-8")
    yield tmp_path
    MARKS.clear()
    MARKS.update(before)


def test_the_lessons_of_a_folder_join_those_of_labkit(folder):
    shipped = lessons.names()
    assert lessons.add_folder(folder) == ("extent",)
    assert set(lessons.names()) == {*shipped, "extent"} and lessons.load("extent") in lessons.of_page("svgd")


def test_a_mark_of_the_folder_marks_the_run(folder):
    lessons.add_folder(folder)
    lesson = lessons.load("extent")
    states = lessons.states(lesson, 0)
    x = states[-1].x.numpy()
    assert lesson.steps[0].question.verdict(float(x.max() - x.min()), states).right


def test_without_its_marks_the_lesson_is_refused(folder):
    (folder / "marks.py").unlink()
    with pytest.raises(lessons.LessonError, match="extent.toml, step 1, question: mark"):
        lessons.add_folder(folder)
    assert "extent" not in lessons.names()


def test_an_error_in_the_teachers_code_is_a_line(folder):
    (folder / "marks.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(lessons.LessonError, match=r"marks.py: it stopped with ZeroDivisionError"):
        lessons.add_folder(folder)


def test_a_lesson_cannot_take_the_name_of_another(folder):
    (folder / "extent.toml").rename(folder / "svgd-one-particle.toml")
    with pytest.raises(lessons.LessonError, match="already called svgd-one-particle"):
        lessons.add_folder(folder)


def test_a_folder_may_be_added_twice(folder):
    assert lessons.add_folder(folder) == lessons.add_folder(folder)


@pytest.mark.parametrize(("name", "wanted"), [("none", "there is no such folder"), ("empty", "has no lessons")])
def test_a_folder_without_lessons_is_refused(tmp_path, name, wanted):
    (tmp_path / "empty").mkdir()
    with pytest.raises(lessons.LessonError, match=wanted):
        lessons.add_folder(tmp_path / name)


def test_a_name_of_a_mark_belongs_to_one_function():
    with pytest.raises(ValueError, match="already called 'mean'"):
        lessons.register_mark("mean", lambda states: 0.0)


def test_a_function_that_is_defined_again_replaces_the_older_one(folder):
    def defined(value):
        def again(states):
            return value

        return again

    for value in (1.0, 2.0):
        lessons.register_mark("again", defined(value))
    assert lessons.MARKS["again"]([None]) == 2.0


def test_the_error_for_an_unknown_lesson_suggests_a_name():
    with pytest.raises(LookupError) as error:
        lessons.load("svgd-one-particel")
    assert str(error.value) == "no lesson is called svgd-one-particel; did you mean 'svgd-one-particle'?"


def test_the_command_prints_a_line_for_each_problem_and_does_not_serve(folder):
    (folder / "extent.toml").write_text(LESSON.replace("n = 10", "n = 0").replace("20", "x"), encoding="utf-8")
    (folder / "second.toml").write_text(LESSON.replace('"svgd"', '"/svgd"'), encoding="utf-8")
    (folder / "third.toml").write_text(LESSON.replace("tolerance = 1", "tolerance = -1"), encoding="utf-8")
    done = CliRunner().invoke(app, ["serve", "--no-browser", "--lessons", str(folder)])
    lines = done.stderr.splitlines()
    assert done.exit_code == 2 and all(line.startswith("labkit: ") for line in lines)
    assert [name for name in ("extent", "second", "third") if any(f"{name}.toml" in line for line in lines)] == [
        "extent", "second", "third",
    ]  # fmt: skip
