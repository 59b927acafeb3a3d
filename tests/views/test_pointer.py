"""The pointer: a grabbed object follows it, and a paused run plays on afterwards."""

from types import SimpleNamespace

import pytest

from labkit.views.pointer import Pointer


@pytest.fixture
def done():
    return []


def pointer(done, **more):
    """A pointer that finds "it" left of 1, and records its actions."""
    note = lambda kind: lambda *where: done.append((kind, *where))  # noqa: E731
    return Pointer(lambda x, y: "it" if x < 1 else None, note("move"), note("add"), **more)


def test_a_grabbed_object_is_moved_until_it_is_dropped(done):
    one = pointer(done)
    one.drag(0.1, 0.1)
    one.grab(0.5, 2.0)
    one.drag(3.0, 4.0)
    one.drop()
    one.drag(5.0, 6.0)
    assert done == [("move", "it", 3.0, 4.0)]


def test_in_an_empty_place_nothing_is_moved_and_the_run_plays_on(done):
    live = SimpleNamespace(pause=lambda: done.append("pause"), play=lambda: done.append("play"))
    one = pointer(done, hold=live)
    one.grab(2.0, 0.0)
    one.drag(3.0, 4.0)
    one.drop()
    assert done == []


@pytest.mark.parametrize("playing", [True, False])
def test_a_run_pauses_while_something_is_dragged_and_then_resumes(done, playing):
    run = SimpleNamespace(frame=SimpleNamespace(playing=playing))
    live = SimpleNamespace(run=run, pause=lambda: done.append("pause"), play=lambda: done.append("play"))
    one = pointer(done, hold=live)
    one.grab(0.0, 0.0)
    one.drop()
    assert done == ["pause", *(["play"] if playing else [])]


def test_a_figure_handles_taps_only_where_something_can_be_chosen(done):
    heard = {}
    figure = SimpleNamespace(on_event=lambda kind, call: heard.setdefault(kind.__name__, call))
    pointer(done).listen(figure)
    assert set(heard) == {"DoubleTap", "PanStart", "Pan", "PanEnd"}
    pointer(done, choose=lambda x, y: done.append(("choose", x, y))).listen(figure)
    at = SimpleNamespace(x=0.5, y=0.25)
    for kind in ("Tap", "DoubleTap", "PanStart", "Pan", "PanEnd"):
        heard[kind](at)
    assert {("choose", 0.5, 0.25), ("add", 0.5, 0.25), ("move", "it", 0.5, 0.25)} == set(done)
