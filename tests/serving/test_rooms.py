"""Rooms: their names, the teacher's key, their file, and votes."""

import json
import time
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from panel.io.location import Location

from labkit import lessons
from labkit.serving import room_lessons, rooms, votes
from labkit.serving.rooms import Room, Rooms, Student
from labkit.serving.settings import LIMITS, Limits
from labkit.views import shown


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


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("?n=60&present=1", "?n=60"),
        ("?present=1", ""),
        ("?theme=dark&shape={%22dim%22:3}&controls=n&state=amber-owl.3", "?shape={%22dim%22:3}"),
        ("?bokeh-session-id=secret&lesson=collapse&step=2", "?lesson=collapse&step=2"),
    ],
)
def test_students_get_the_settings_but_not_how_the_teachers_browser_shows_the_page(monkeypatch, search, told):
    document, room = Document(), Room("amber-owl")
    monkeypatch.setitem(shown._shown, id(document), (SimpleNamespace(), Location(search=search)))
    room.show(document, "svgd")
    assert room.state()["search"] == told


@pytest.mark.parametrize(
    ("search", "link", "told"),
    [
        ("?n=60", {"controls": [b"target,n"]}, "?n=60&controls=target,n"),
        ("", {"controls": [b"n"]}, "?controls=n"),
        ("?n=60", {"controls": [b"n&seed=5"]}, "?n=60"),
        ("?n=60", {"n": [b"50"]}, "?n=60"),
    ],
)
def test_students_get_the_controls_of_the_link_that_opened_the_teachers_page(monkeypatch, search, link, told):
    class Page:
        session_context = SimpleNamespace(request=SimpleNamespace(arguments=link))

    monkeypatch.setitem(shown._shown, id(page := Page()), (SimpleNamespace(), Location(search=search)))
    assert shown.settings_on(page) == told


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


@pytest.mark.parametrize("value", [[1], [1, "2"], [1, None], 1, "left", [1, 2, 3], [1, float("inf")]])
def test_only_places_with_all_coordinates_are_counted(value):
    vote = votes.asked({"text": "Where?", "place": 2})
    assert not vote.answer("a", value)
    assert vote.answer("a", [1, 2.5]) and vote.shown()["places"] == []
    vote.revealed = True
    assert vote.shown()["places"] == [[1.0, 2.5]] and vote.table() == [("Where?", 1, "1 2.5")]


def test_many_different_numbers_are_counted_in_intervals_that_hold_all_of_them():
    numbers = [i / 7 for i in range(100)]
    found = votes.histogram(numbers)
    assert len(found) == votes.BINS and sum(n for _, n in found) == 100
    assert all(n == 10 for _, n in found)
    assert votes.histogram([2.0, 1.0, 2.0]) == [("1", 1), ("2", 2)] and votes.histogram([]) == []


LESSON, STEP = "svgd-100-particles", 2  # what share is left of 0?


def walked(found=None, moves=False, step=STEP, free=False):
    """A teacher at a step of the lesson; with `found`, the run was played and gave this."""
    lesson = lessons.load(LESSON)
    verdict = None if found is None else lesson.steps[step].question.judge(None, found)
    return SimpleNamespace(lesson=lesson, step=step, free=free, moves=moves, verdict=verdict)


def test_the_run_marks_the_votes_on_a_question_of_a_lesson():
    vote = votes.asked({"lesson": LESSON, "step": STEP})
    assert (vote.kind, vote.low, vote.high) == ("number", 0, 1)
    for student, value in {"a": 0.3, "b": 0.36, "c": 0.9}.items():
        assert vote.answer(student, value)
    assert not room_lessons.judge(vote, walked()) and vote.open
    assert room_lessons.judge(vote, walked(moves=True)) and not vote.open and not vote.revealed
    assert room_lessons.judge(vote, walked(0.33)) and vote.revealed
    assert "0.33" in vote.said and vote.said.endswith("2 of 3 were within 0.05.")
    assert not room_lessons.judge(vote, walked(0.5)) and "0.33" in vote.said
    vote.again()
    assert vote.open and vote.said == ""


def test_another_step_or_a_teacher_who_explores_marks_no_vote():
    vote = votes.asked({"lesson": LESSON, "step": STEP})
    assert not room_lessons.judge(vote, walked(0.33, step=3)) and not room_lessons.judge(vote, walked(0.33, free=True))
    assert not room_lessons.judge(votes.asked({"text": "Where?"}), walked(0.33)) and not vote.said


def test_students_see_the_step_of_the_teachers_lesson():
    told = room_lessons.told(walked())
    assert told["step"] == STEP and told["text"] == lessons.load(LESSON).steps[STEP].text
    assert room_lessons.told(walked(free=True)) is room_lessons.told(None) is None


def test_the_questions_of_the_open_tab_are_offered_those_of_the_open_lesson_first():
    asked = [each for each in lessons.of_page("svgd") if each.tab == "Particles"]
    found = room_lessons.questions("svgd", "?n=50")
    assert {each["lesson"] for each in found} == {each.name for each in asked}
    assert all(lessons.load(each["lesson"]).steps[each["step"]].question.text == each["text"] for each in found)
    assert room_lessons.questions("svgd", f"?lesson={LESSON}&step=2")[0]["lesson"] == LESSON
    assert all(
        lessons.load(each["lesson"]).tab == "Collapse" for each in room_lessons.questions("svgd", "?tab=Collapse")
    )
    assert room_lessons.questions("runs", "") == []


@pytest.mark.parametrize("place", [{"lesson": "none"}, {"lesson": LESSON, "step": 0}, {"lesson": LESSON, "step": "2"}])
def test_a_step_without_a_question_cannot_be_a_vote(place):
    with pytest.raises(ValueError, match="has no question"):
        votes.asked(place)


def test_a_restarted_server_asks_the_question_of_a_lesson_again(quiet, file):
    before = Rooms(file)
    room = before.open()
    room.ask(votes.asked({"lesson": LESSON, "step": STEP}))
    before.write()
    again = Rooms(file).get(room.name).vote
    assert again.shown() == room.vote.shown()


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


def test_an_answer_outside_the_range_of_a_lesson_is_refused_so_that_the_run_can_mark_the_others():
    """A share of particles is from 0 to 1."""
    vote = votes.of_lesson("svgd-100-particles", 2)
    assert [vote.answer("a", value) for value in (5.0, -0.1, 10**400, [0.3], True)] == [False] * 5
    assert vote.answer("b", 0.3) and vote.answer("c", 1)
    vote.judge(votes.question_of("svgd-100-particles", 2), 0.33)
    assert vote.said.endswith("1 of 2 was within 0.05.")


def test_a_class_gets_a_place_on_an_image_from_its_middle():
    vote = votes.of_lesson("draw-attention", 1)
    assert vote.answer("a", [14.0, -14.0]) and vote.shown()["middle"] == [14.0, -14.0]
    vote.judge(votes.question_of("draw-attention", 1), (16.0, -10.0))
    assert vote.said.endswith("4 pixels above and 2 pixels right of the middle. 0 of 1 were within 4 pixels.")
