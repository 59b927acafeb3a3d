"""The lesson that the guide shows can be used as it is, and its text about the result is true."""

import re

from labkit import lessons
from labkit.serving import guide

TEXT = (guide.FOLDER / "lessons.md").read_text(encoding="utf-8")


def test_the_lesson_of_the_guide_is_read_and_its_run_marks_its_questions(tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "two-particles.toml").write_text(shown, encoding="utf-8")
    lesson = lessons.read(tmp_path / "two-particles.toml")
    place, reached = (lesson.steps[i].question for i in (1, 2))
    walked = list(lessons.walk(lesson))
    assert place.verdict(-2.0, walked[1]).right  # the mode of which the explanation speaks
    assert reached.verdict("Yes", walked[2]).right


def test_the_guide_names_the_number_of_lessons():
    assert len(lessons.names()) == 9 and "the nine lessons" in (guide.FOLDER / "index.md").read_text(encoding="utf-8")
