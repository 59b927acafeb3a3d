"""Rooms: their names, the teacher's key, their file, and votes."""

import json
import time

import pytest

from labkit.serving import rooms, votes
from labkit.serving.rooms import Room, Rooms, Student
from labkit.serving.settings import LIMITS, Limits


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "rooms.json"


@pytest.fixture
def quiet(monkeypatch):
    """Rooms without a timer, because no event loop runs."""
    monkeypatch.setattr(Rooms, "watch", lambda self: None)


def test_each_room_has_a_name_of_two_words(quiet):
    found = Rooms()
    names = [found.open().name for _ in range(LIMITS.rooms)]
    assert len(set(names)) == LIMITS.rooms
    assert all(name.count("-") == 1 and name.replace("-", "").isalpha() and name.islower() for name in names)
    with pytest.raises(ValueError, match=rf"{LIMITS.rooms} classes, the most that it allows \(--max-rooms\)"):
        found.open()


def test_a_room_is_opened_again_by_its_name(quiet):
    found = Rooms()
    room = found.open()
    assert found.open(room.name) is room and len(found) == 1


def test_only_the_key_opens(quiet):
    found = Rooms()
    assert found.is_key(found.key) and found.is_key(f" {found.key.upper()} ")
    assert not any(map(found.is_key, ("", found.key[:-1], None, 5, "clé")))


def test_a_restarted_server_has_key_name_settings_and_question(quiet, file):
    before = Rooms(file)
    room = before.open()
    room.page, room.search = "svgd", "?n=50"
    room.ask(votes.asked({"text": "Where?", "choices": ["left", "right"]}))
    room.vote.answer("a", "left")
    before.write()
    after = Rooms(file)
    again = after.get(room.name)
    assert after.key == before.key
    assert (again.page, again.search, again.vote.text, again.vote.choices) == (
        "svgd",
        "?n=50",
        "Where?",
        ["left", "right"],
    )
    assert again.vote.rounds == [{}]  # answers belong to people, and stay in memory
    assert again.live is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"rooms": {"a-b": {}}}', '{"rooms": {"a-b": {"page": "x", "search": "", "vote": 5}}}']
)
def test_a_damaged_file_gives_no_rooms(quiet, file, text):
    file.parent.mkdir()
    file.write_text(text)
    assert len(Rooms(file)) == 0


def test_a_room_ends_an_hour_after_the_last_one_has_left(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    room = Room("amber-owl")
    room.teachers.append("socket")
    now[0] += 2 * rooms.KEPT
    assert not room.gone()
    room.teachers.clear()
    now[0] += rooms.KEPT - 1
    assert not room.gone()
    now[0] += 2
    assert room.gone()


# votes


def asked(**more):
    return votes.asked({"text": "How many?", **more})


def test_a_student_has_one_answer_and_may_change_it():
    vote = asked(choices=["one", "two"])
    assert vote.answer("a", "one") and vote.answer("b", "one") and vote.answer("a", "two")
    assert vote.counts() == [[("one", 1), ("two", 1)]]


@pytest.mark.parametrize("value", ["three", 1, None, ["one"], True])
def test_only_choices_of_the_question_are_counted(value):
    vote = asked(choices=["one", "two"])
    assert not vote.answer("a", value)
    assert vote.rounds == [{}]


@pytest.mark.parametrize("value", ["1", None, True, float("nan"), float("inf"), [1]])
def test_only_finite_numbers_are_counted(value):
    vote = asked()
    assert not vote.answer("a", value)
    assert vote.answer("a", 3) and vote.answer("b", 2.5) and vote.counts() == [[("2.5", 1), ("3", 1)]]


def test_counts_are_hidden_until_the_teacher_reveals_them():
    vote = asked(choices=["one", "two"])
    vote.answer("a", "one")
    assert vote.shown()["counts"] == [] and vote.shown()["votes"] == 1
    vote.open = False
    assert not vote.answer("b", "one") and vote.shown()["counts"] == []
    vote.revealed = True
    assert vote.shown()["counts"] == [[("one", 1), ("two", 0)]]


def test_a_second_vote_keeps_the_counts_of_the_first():
    vote = asked(choices=["one", "two"])
    vote.answer("a", "one")
    vote.again()
    assert vote.shown()["counts"] == [[("one", 1), ("two", 0)]] and vote.shown()["open"]
    vote.answer("a", "two")
    vote.revealed = True
    assert vote.shown()["counts"] == [[("one", 1), ("two", 0)], [("one", 0), ("two", 1)]]


def test_the_table_names_no_student():
    vote = asked(choices=["one", "two"])
    for student in ("zoe", "ann"):
        vote.answer(student, "two" if student == "ann" else "one")
    assert vote.table() == [("How many?", 1, "one"), ("How many?", 1, "two")]
    assert "zoe" not in json.dumps(vote.shown()) and "ann" not in json.dumps(vote.shown())


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "needs a text"), ({"text": " "}, "needs a text"), ({"text": 5}, "needs a text"),
        ({"text": "x", "choices": ["a"]}, "2 to 8 different choices, got 1"),
        ({"text": "x", "choices": ["a", " a "]}, "2 to 8 different choices, got 1"),
        ({"text": "x", "choices": [str(i) for i in range(9)]}, "2 to 8 different choices, got 9"),
        ({"text": "x", "choices": "ab"}, "choices must be texts"),
        ({"text": "x", "choices": [1, 2]}, "choices must be texts"),
    ],
)  # fmt: skip
def test_a_question_without_text_or_with_wrong_choices_is_refused(message, words):
    with pytest.raises(ValueError, match=words):
        votes.asked(message)


def test_too_many_followers_are_refused_with_the_number_and_the_option(quiet):
    found = Rooms(limits=Limits(watchers=3))
    one, other = found.open(), found.open()
    one.students += [Student(None, "a"), Student(None, "b")]
    assert found.refusal() == ""
    other.students.append(Student(None, "c"))
    assert found.refusal() == "3 browsers follow the classes of this server, the most that it allows (--max-watchers)."
