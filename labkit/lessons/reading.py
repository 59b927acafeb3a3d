"""Reads a lesson from a TOML file and checks all of it. A problem names file, step, what is wrong and what to do."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.lessons.fields import Fields, LessonError, near
from labkit.lessons.lesson import Lesson, Step
from labkit.lessons.marks import MARKS
from labkit.lessons.marks.combined import parts
from labkit.lessons.playing import apply
from labkit.lessons.question import CHOICE, KINDS, NUMBER, PLACE, Question
from labkit.lessons.tabs import TABS

OWN, SHIPPED_STEPS = (1, 12), (6, 10)  # smallest and largest number of steps
SENTENCE, TEXT, TITLE, CHOICE_WORDS = 30, 60, 12, 12  # words at most
LONGEST = 5000  # steps that a lesson plays or computes at once
PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")  # a name is part of an address


def read(path: Path | str, steps: tuple[int, int] = OWN) -> Lesson:
    """Return the lesson in a TOML file.

    Args:
        steps: smallest and largest number of steps.

    Raises:
        LessonError: the file cannot be read, or has problems.
    """
    path, problems = Path(path), list[str]()
    top = Fields(_table(path), path.name, problems)
    lesson = _lesson(top, path.stem, steps)
    if problems:
        raise LessonError(problems)
    return lesson


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeError:
        raise LessonError([f"{path.name}: the text must be UTF-8; save the file as UTF-8"]) from None
    except OSError as error:
        raise LessonError(
            [f"{path.name}: the file cannot be read ({error.strerror}); check its name and permissions"]
        ) from None
    except ValueError as error:  # tomllib's own error, or a number with too many digits
        raise LessonError([f"{path.name}: this is not valid TOML: {error}; correct that line"]) from None


def _lesson(top: Fields, name: str, steps: tuple[int, int]) -> Lesson:
    if not PLAIN_NAME.fullmatch(name):
        top.problem(f"the file's name is used in addresses: give it small letters, digits and hyphens, got {name!r}")
    title = top.text("title", 'write for example title = "Why do particles spread?"')
    if title and not title.endswith("?"):
        top.wrong("title", "a question", "end it with a question mark")
    _short(top, "title", title, TITLE)
    page = top.one_of("page", TABS)
    tab = top.one_of("tab", TABS[page]) if page else top.text("tab", "name a tab of the page")
    minutes = top.whole("minutes", 1, 120, 5)
    tables = top.tables("steps")
    if isinstance(top.table.get("steps", []), list) and not steps[0] <= len(tables) <= steps[1]:
        top.problem(f"there must be {steps[0]} to {steps[1]} steps, got {len(tables)}; begin each with [[steps]]")
    made = tuple(
        _step(Fields(table, f"{top.where}, step {i}", top.problems), page, tab) for i, table in enumerate(tables, 1)
    )
    top.no_others()
    lesson = Lesson(name, title, page, tab, minutes, made)
    if page and tab:
        _check_settings(top, lesson)
    return lesson


def _step(own: Fields, page: str, tab: str) -> Step:
    text = own.text("text", 'write for example text = "Press Play."')
    _short(own, "text", text, TEXT)
    asked = own.inner("question")
    question = _question(Fields(asked, f"{own.where}, question", own.problems), page, tab) if asked else None
    step = Step(
        text, own.inner("settings"), question, own.whole("play", 0, LONGEST, 0), own.truth("restart"),
        own.whole("at", 0, LONGEST, 0), own.truth("fresh"),
    )  # fmt: skip
    own.no_others()
    return step


def _question(own: Fields, page: str, tab: str) -> Question:
    text = own.text("text", 'write for example text = "Where do they stop?"')
    _short(own, "text", text, TEXT)
    question = Question(
        text=text,
        kind=own.one_of("kind", KINDS),
        choices=own.texts("choices"),
        right=own.text("right", "write one of the choices", ""),
        axes=own.whole("axes", 1, 2, 1),
        middle=own.numbers("middle"),
        unit=own.text("unit", "write for example unit = 'nats'", ""),
        low=own.number("low"),
        high=own.number("high"),
        mark=own.one_of("mark", MARKS, needed=False),
        parameters=own.inner("parameters"),
        edges=own.numbers("edges"),
        tolerance=own.number("tolerance", 0.0),
        tell=own.text("tell", "explain the result in a sentence", ""),
    )
    _short(own, "tell", question.tell, TEXT)
    own.no_others()
    if question.kind == CHOICE:
        _check_choices(own, question)
    elif question.kind:
        _check_number(own, question)
    if question.mark:
        _check_mark(own, question, page, tab)
    return question


def _check_choices(own: Fields, question: Question) -> None:
    choices = question.choices
    if len(choices) < 2 or len(set(choices)) < len(choices):
        own.wrong("choices", "a list of 2 or more different texts", 'write for example choices = ["yes", "no"]')
    for choice in choices:
        _short(own, "a choice", choice, CHOICE_WORDS)
    if bool(question.mark) == bool(question.right):
        own.problem("a choice needs either a mark, which computes it, or right, the right choice; give one of them")
    if question.right and question.right not in choices:
        own.wrong("right", "one of the choices", near(question.right, choices))
    if question.edges and (len(question.edges) != len(choices) - 1 or list(question.edges) != sorted(question.edges)):
        own.wrong("edges", f"{max(len(choices) - 1, 1)} increasing numbers", "give one number between any two choices")


def _check_number(own: Fields, question: Question) -> None:
    if "mark" not in own.table:
        own.wrong("mark", "the name of a function that computes the answer", "see the list in the guide")
    if not question.tolerance > 0:
        own.wrong("tolerance", "a number above 0", "say how far a right answer may be from the run's own")
    if question.kind == NUMBER and not question.low < question.high:
        own.wrong("high", "a number above low", "give the range of the answers: low = 0, high = 10")
    if question.middle and (len(question.middle) != 2 or question.kind != PLACE or question.axes != 2):
        own.wrong("middle", "two numbers, for a place with two axes", "write for example middle = [14, -14]")
    for name in ("choices", "edges", "right"):
        if name in own.table:
            own.problem(f"{name} belongs to a question of the kind {CHOICE!r}; leave it out here")


def _check_mark(own: Fields, question: Question, page: str, tab: str) -> None:
    _check_result(own, question)
    for name, parameters in parts(question.mark, question.parameters):
        if name not in MARKS:
            own.problem(f"no mark is called {name!r}; {near(name, MARKS)}")
            continue
        if why := MARKS[name].unfit(parameters):
            own.problem(f"the parameters do not fit the mark {name}: {why}")
        if page and tab and not MARKS[name].fits(page, tab):
            where = ", ".join(f"/{page}, {tab}" for page, tab in MARKS[name].tabs)
            own.problem(f"the mark {name} is for {where}, not for this tab; choose another mark or tab")


def _check_result(own: Fields, question: Question) -> None:
    """Add a problem if the mark returns another kind of result than the question needs."""
    returns = MARKS[question.mark].returns
    needed = "place" if question.kind == PLACE and question.axes == 2 else "number"
    if question.kind == CHOICE and returns == "number" and not question.edges:
        own.wrong("edges", "numbers between the choices", f"{question.mark} returns a number, not a choice")
    elif question.kind == CHOICE and returns == "text" and question.edges:
        own.wrong("edges", "left out", f"{question.mark} returns the text of a choice")
    elif returns and question.kind and returns != needed and not (question.kind == CHOICE and returns == "text"):
        own.problem(f"the mark {question.mark} returns a {returns}, and this needs a {needed}; choose another mark")


def _check_settings(top: Fields, lesson: Lesson) -> None:
    """Add a problem for every setting that its tab refuses, at the step that sets it."""
    known: set[str] = set()
    for i in range(len(lesson.steps)):
        values = lesson.settings(i)
        for why in _refused(lesson, values):
            if why not in known:
                known.add(why)
                top.problems.append(f"{top.where}, step {i + 1}, settings: {why}; correct it or leave it out")


def _refused(lesson: Lesson, values: Mapping[str, Any]) -> list[str]:
    try:
        return apply(TABS[lesson.page][lesson.tab](values), values)
    except ValueError as error:
        return [str(error)]


def _short(own: Fields, name: str, text: str, most: int) -> None:
    """Add a problem if a text or one of its sentences has too many words."""
    if (words := len(text.split())) > most:
        own.problem(f"{name} must have at most {most} words, got {words}; say less, or make another step")
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        if (words := len(sentence.split())) > SENTENCE:
            own.problem(
                f"a sentence of {name} must have at most {SENTENCE} words, got {words} "
                f"({' '.join(sentence.split()[:4])} ...); split it"
            )
