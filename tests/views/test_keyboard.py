"""The keyboard on a picture: each key does one edit, and a sentence says what it did."""

from types import SimpleNamespace

import pytest

from labkit.views.keyboard import Keyboard
from labkit.views.remote import Remote
from labkit.views.things import Thing, Things


class Dots(Things):
    """Two dots and a cross on a picture that is 10 wide and 5 high."""

    noun, box, chosen = "dot or cross", ((0.0, 10.0), (0.0, 5.0)), None

    def __init__(self):
        self.places = {"left": (1.0, 2.0), "cross": (4.0, 3.0), "right": (8.0, 4.0)}

    def listed(self):
        return [Thing(key, "cross" if key == "cross" else "dot", at) for key, at in self.places.items()]

    def nearest(self, x, y):
        return None

    def choose(self, key):
        self.chosen = key

    def move(self, key, to, told):
        self.places[key] = to(self.places[key])
        told(key, self.places[key])

    def add(self, place, like, told):
        self.places[f"like {like}"] = place
        told(f"like {like}", place)

    def remove(self, key, done):
        del self.places[key]
        done()


@pytest.fixture
def live():
    """A run that notes when it plays and pauses, and does later tasks when `tick` is called."""
    one, tasks = SimpleNamespace(run=SimpleNamespace(frame=SimpleNamespace(playing=True)), done=[]), []

    def turn(name, playing):
        one.done.append(name)
        one.run.frame.playing = playing

    one.play, one.pause, one.later = lambda: turn("play", True), lambda: turn("pause", False), tasks.append
    one.tick = lambda: [tasks.pop(0)() for _ in tasks[:]]
    return one


@pytest.fixture
def keys(live):
    """keys(*names) presses keys, "far" before a name with Shift, and returns the sentences that were spoken."""
    said = []
    board = Keyboard(Dots(), live, said.append)

    def press(*names):
        said.clear()
        for name in names:
            board.press(name.removeprefix("far "), name.startswith("far "))
            live.tick()
        return said

    press.board = board
    press.dots = board.things
    return press


def test_enter_chooses_one_thing_after_another_and_with_shift_backwards(keys):
    assert keys("next", "next", "next", "next") == [
        "Dot 1 of 2: x 1, y 2", "Cross 1 of 1: x 4, y 3", "Dot 2 of 2: x 8, y 4", "Dot 1 of 2: x 1, y 2",
    ]  # fmt: skip
    assert keys("previous") == ["Dot 2 of 2: x 8, y 4"] and keys.dots.chosen == "right"
    keys.dots.choose(None)
    assert keys("previous") == ["Dot 2 of 2: x 8, y 4"]


@pytest.mark.parametrize(
    "way, small, large",
    [
        ("left", (3.9, 3.0), (3.0, 3.0)),
        ("right", (4.1, 3.0), (5.0, 3.0)),
        ("up", (4.0, 3.05), (4.0, 3.5)),
        ("down", (4.0, 2.95), (4.0, 2.5)),
    ],
)
def test_an_arrow_moves_by_a_hundredth_of_the_picture_and_with_shift_by_a_tenth(keys, way, small, large):
    keys("next", "next")
    assert keys(way) == [keys.dots.words("cross", small)]
    assert keys.dots.places["cross"] == pytest.approx(small)
    keys.dots.places["cross"] = (4.0, 3.0)
    keys(f"far {way}")
    assert keys.dots.places["cross"] == pytest.approx(large)


def test_a_moved_thing_stays_in_the_picture(keys):
    keys("next", "far left", "far left", *["far up"] * 9)
    assert keys.dots.places["left"] == (0.0, 5.0)


def test_a_adds_a_thing_of_the_same_kind_near_the_chosen_one_or_in_the_middle(keys):
    assert keys("add") == ["Added at x 5.2, y 2.5"] and keys.dots.chosen == "like None"
    keys.dots.choose("cross")
    assert keys("add") == ["Added at x 4.2, y 3"] and keys.dots.chosen == "like cross"


def test_delete_removes_the_chosen_thing_and_then_none_is_chosen(keys):
    keys("next")
    assert keys("remove") == ["Removed"] and set(keys.dots.places) == {"cross", "right"} and keys.dots.chosen is None
    missed = "No dot or cross is chosen. Enter chooses one."
    assert keys("remove", "left") == [missed, missed] and len(keys.dots.places) == 2


def test_escape_ends_the_choice(keys):
    keys("next", "release")
    assert keys.dots.chosen is None and keys("right") == ["No dot or cross is chosen. Enter chooses one."]


def test_on_an_empty_picture_a_sentence_says_how_to_add_one(keys):
    keys.dots.places.clear()
    assert keys("next") == ["There is no dot or cross. A adds one."]


def test_an_edit_is_spoken_only_after_it_was_made(keys, live):
    keys("next")
    keys.dots.move = lambda key, to, told: None  # an edit that fails
    assert keys("right") == []


@pytest.mark.parametrize("end", ["rest", "release", "next", "remove", "add"])
def test_a_run_that_must_hold_pauses_during_moves_and_then_plays_on(keys, live, end):
    keys.dots.hold = live
    keys("next", "left", "left")
    assert live.done == ["pause"]
    keys(end)
    assert live.done == ["pause", "play"]


def test_a_paused_run_stays_paused_and_a_run_that_need_not_hold_plays_on(keys, live):
    keys("next", "left", "rest")
    assert live.done == []
    keys.dots.hold, live.run.frame.playing = live, False
    keys("left", "rest")
    assert live.done == []


def test_a_message_of_the_browser_reaches_the_keyboard_of_its_figure_alone(keys, live):
    remote, other = Remote(lambda message: None), Keyboard(Dots(), live, lambda sentence: None)
    remote.listen("f1", keys.board, {"f1"})
    remote.listen("f2", other, {"f1", "f2"})
    assert "Enter chooses the next dot or cross" in remote.editable["f1"]
    remote._handle_msg({"kind": "edit", "figure": "f1", "name": "next", "far": False})
    assert (keys.dots.chosen, other.things.chosen) == ("left", None)
    remote._handle_msg({"kind": "edit", "figure": "f1", "name": "right", "far": True})
    assert keys.dots.places["left"] == (2.0, 2.0)
    for bad in ({"figure": "f3", "name": "next"}, {"figure": ["f2"], "name": "next"}, {"figure": "f2", "name": []}):
        remote._handle_msg({"kind": "edit", **bad})
    assert other.things.chosen is None
    remote.listen("f3", other, {"f3"})
    assert set(remote.editable) == {"f3"}
