"""The way through a lesson: settings and run of each step, predictions, and the verdict of the run."""

import re
import time

import pytest
import torch

from labkit import lessons, views
from labkit.lessons import tabs
from labkit.views import notebook
from labkit.views.desk import put_all
from labkit.views.lesson_cell import SCENES, LessonCell
from labkit.views.strip import Strip

NAME = "svgd-100-particles"


@pytest.fixture
def open_cell(drawn_cell, without_pictures):
    """open_cell(step) -> the cell of a lesson at this step, counted from 1, without pictures; it is closed later."""
    return drawn_cell


@pytest.fixture
def drawn_cell():
    """drawn_cell(step) -> the cell with its pictures."""
    made = []

    def at(step=1):
        made.append(LessonCell(lessons.load(NAME), step))
        return made[-1]

    yield at
    for each in made:
        each.close()


def settled(cell):
    """The state of the run after all orders so far."""
    return cell.run.past(lambda past: past.states[-1])


def played(cell):
    """Play the step to its end, as the clock of a notebook shows it."""
    cell.run.speed = 1e6
    cell.walk.play()
    deadline = time.monotonic() + 60
    while not cell.walk.told()["played"] and time.monotonic() < deadline:
        cell.run.watched()
        time.sleep(0.01)
        if cell.has_news():
            cell.show_news(more=True)
    assert cell.walk.told()["played"]
    return cell.walk


def test_every_tab_of_lessons_has_a_scene():
    assert {page: set(found) for page, found in SCENES.items()} == {page: set(made) for page, made in tabs.TABS.items()}


def test_a_step_begins_paused_in_the_state_that_the_steps_before_it_lead_to(open_cell):
    lesson = lessons.load(NAME)
    for step in (1, 3, 5):
        cell = open_cell(step)
        state = settled(cell)
        assert torch.equal(state.x, lessons.first(lesson, step - 1).x)
        assert not cell.run.playing and cell.walk.place == {"lesson": NAME, "step": step}


def test_the_run_pauses_after_the_steps_of_the_lesson_and_marks_the_prediction(open_cell):
    cell, lesson = open_cell(2), lessons.load(NAME)
    question, states = lesson.steps[1].question, lessons.states(lesson, 1)
    solution = question.solution(question.find(states))
    for choice in question.choices[:2]:
        cell.walk.enter(lesson, 1)
        cell.walk.predict(choice)
        assert cell.walk.verdict is None
        walk = played(cell)
        assert settled(cell).t == states[-1].t == 150
        assert walk.verdict.right is (choice == solution) and "The run gives" in walk.verdict.text
        walk.predict(question.choices[2])
        assert walk.answer == choice  # too late


@pytest.mark.parametrize("wait", [0.1, 1e6])
def test_the_steps_of_a_lesson_take_at_most_some_seconds_or_follow_the_slider_if_it_is_faster(
    open_cell, wait, monkeypatch
):
    monkeypatch.setattr(views.lessons, "WAIT", wait)
    cell, steps = open_cell(2), lessons.load(NAME).steps[1].play
    slider = cell.walk._live.bar.speed.value
    assert 1e-6 * steps < slider < 10 * steps
    assert cell.run.speed == (10 * steps if wait == 0.1 else slider)


def test_curves_of_a_single_state_are_hidden_until_the_run_is_played(drawn_cell):
    cell = drawn_cell(2)
    assert settled(cell).t == 75
    shown = []
    for _ in range(2):
        cell.live.show_news(more=False)
        shown.append([not stage.hidden for stage in cell.live.stages])
        played(cell)
    curves = slice(1, 4)
    assert not any(shown[0][curves]) and all(shown[1][curves])


def test_a_run_without_a_prediction_shows_its_own_number(open_cell):
    walk = played(open_cell(2))
    assert walk.answer is None and walk.verdict.right is None and "The run gives" in walk.told()["verdict"]["text"]


def test_a_refused_prediction_shows_the_reason(open_cell):
    cell = open_cell(3)
    cell.walk._heard({"kind": "answer", "answer": 7.0})
    assert cell.walk.answer is None and "from 0 to 1" in cell.walk.told()["problem"]
    cell.walk._heard({"kind": "answer", "answer": 0.3})
    assert cell.walk.answer == 0.3 and cell.walk.told()["problem"] == ""


def test_the_next_step_continues_the_run_and_computes_steps_that_were_not_played(open_cell):
    cell = open_cell(2)
    played(cell)
    before = settled(cell)
    cell.walk._heard({"kind": "go", "step": 2})
    assert settled(cell) is before
    cell.walk._heard({"kind": "go", "step": 3})  # before the steps of this one
    assert torch.equal(settled(cell).x, lessons.first(lessons.load(NAME), 3).x) and settled(cell).t > before.t
    cell.walk._heard({"kind": "go", "step": 0})
    assert settled(cell).t == 75


def test_a_step_resets_what_the_reader_has_changed(open_cell):
    cell = open_cell(1)
    cell._scene.settings.run.n = 7
    cell.walk._heard({"kind": "go", "step": 1})
    assert cell._scene.settings.run.n == 100 and len(settled(cell).x) == 100


def test_exploring_keeps_the_settings_and_the_way_back(open_cell):
    cell = open_cell(6)
    cell.walk._heard({"kind": "free"})
    assert cell.walk.told()["free"] and cell.walk.place == {} and cell.run.until == 0
    assert cell._scene.settings.run.n == 10 and not cell.has_news()
    cell.walk._heard({"kind": "go", "step": 5})
    assert not cell.walk.told()["free"] and cell.walk.place["step"] == 6


PLACES = [
    ({"lesson": "none"}, "no lesson is called none"), ({"lesson": 5}, "no lesson is called 5"),
    ({"lesson": NAME, "step": 99}, "has the steps 1 to"), ({"lesson": NAME, "step": "x"}, "not x"),
    ({"lesson": NAME, "step": 0}, "not 0"), ({"lesson": NAME, "step": 1.5}, "not 1.5"),
]  # fmt: skip


def test_an_unknown_place_shows_the_reason_and_the_cell_stays_at_its_step(open_cell):
    cell = open_cell()
    for place, words in PLACES:
        assert words in cell.walk.go(place, "svgd") and cell.walk.place["step"] == 1
    assert "belongs to the page /svgd" in cell.walk.go({"lesson": NAME}, "draw")


def test_other_messages_of_the_browser_are_ignored(open_cell):
    cell = open_cell()
    for message in ({}, {"kind": "go"}, {"kind": "go", "step": 99}, {"kind": "go", "step": "1"}):
        cell.walk._heard(message)
        assert cell.walk.place == {"lesson": NAME, "step": 1}


def test_settings_that_are_not_named_get_their_defaults_and_equal_ones_are_left_alone(open_cell):
    settings, events = open_cell(6)._scene.settings, []
    settings.run.param.watch(lambda *found: events.extend(found), list(settings.run.param))
    assert put_all(settings, {"n": 10, "seed": 3, "no": 1}) == ["no setting is called no"]
    assert {event.name for event in events} == {"seed"} and settings.run.seed == 3
    assert put_all(settings, {}) == [] and (settings.run.n, settings.run.seed) == (100, 0)


def test_a_cell_keeps_the_question_and_the_picture_before_its_answer(drawn_cell):
    cell = drawn_cell(2)
    question, kept = lessons.load(NAME).steps[1].question, cell.kept()
    assert kept.words.startswith(question.text) and "100 particles" in kept.words
    assert drawn_cell(1).kept().words.startswith("100 particles")  # the same picture, without a question
    assert kept.png == drawn_cell(1).kept().png and settled(cell).t == 75


def test_a_cell_has_the_settings_of_its_tab_folded(drawn_cell):
    """They stay as the reader has left them when the next step begins."""
    cell = drawn_cell(1)
    _strip, room = cell.__panel__()
    scene, card = room[0]
    assert card.title == "Settings" and card.collapsed and len(card) == len(cell._scene.controls()) > 0
    cell.walk._heard({"kind": "go", "step": 4})
    assert [*room[0]] == [scene, card]


def test_the_colours_of_a_lesson_in_a_cell_follow_the_theme_of_jupyterlab():
    """In a notebook the names of the page's colours are missing; the text follows the theme, so its ground must too."""
    (css,) = Strip.param.stylesheets.default
    for name in ("ink", "soft", "line", "card", "button"):
        assert re.findall(rf"var\(--{name}, (?!var\(--jp-)", css) == []
        assert f"var(--{name}, var(--jp-" in css


def test_a_cell_loads_the_scripts_that_no_other_cell_has_loaded(monkeypatch, open_cell):
    loaded = []
    monkeypatch.setattr(notebook, "ready", lambda: loaded.append(True))
    open_cell(1)
    assert loaded == [True]
