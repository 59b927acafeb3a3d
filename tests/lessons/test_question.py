"""A verdict compares a prediction with what the mark found in the run."""

import math
from dataclasses import replace

import pytest

from labkit.lessons import Question
from labkit.lessons.question import NOT_YET

CHOICE = Question("?", "choice", choices=("few", "some", "many"), mark="count_below", edges=(1.0, 5.0))
NAMED = Question("?", "choice", choices=("biased", "none found"), mark="bias_verdict")
NUMBER = Question("?", "number", low=0.0, high=10.0, tolerance=0.5, unit="nats", mark="bound")
PLACE = Question("?", "place", axes=2, low=-28.0, high=28.0, tolerance=5.0, mark="window_place")


@pytest.mark.parametrize(
    ("number", "choice"), [(-3.0, "few"), (0.999, "few"), (1.0, "some"), (4.999, "some"), (5.0, "many"), (1e9, "many")]
)
def test_the_edges_choose_the_right_choice(number, choice):
    assert CHOICE.solution(number) == choice
    assert [CHOICE.judge(each, number).right for each in CHOICE.choices] == [each == choice for each in CHOICE.choices]


def test_a_mark_that_returns_a_text_names_the_choice():
    assert NAMED.judge("biased", "biased").right and not NAMED.judge("none found", "biased").right


@pytest.mark.parametrize(("answer", "right"), [(4.5, True), (5.5, True), (4.49, False), (5.51, False), (5, True)])
def test_a_number_within_the_tolerance_is_right(answer, right):
    verdict = NUMBER.judge(answer, 5.0)
    assert verdict.right is right and verdict.found == 5.0
    assert "The run gives 5 nats" in verdict.text and "within 0.5" in verdict.text


@pytest.mark.parametrize(("answer", "right"), [([3.0, -4.0], True), ((3.1, -4.0), False), ([0, 0], True)])
def test_a_place_in_the_plane_is_right_within_a_circle(answer, right):
    assert PLACE.judge(answer, (0.0, 0.0)).right is right


def test_the_verdict_gives_a_place_on_an_image_from_its_middle():
    image = replace(PLACE, middle=(14.0, -14.0), unit="pixels")
    said = image.judge([14.5, -18.0], (11.0, -10.0)).text
    assert "The run gives 4 pixels above and 3 pixels left of the middle." in said
    assert "You gave 4 pixels below and 0.5 pixels right of the middle; answers within 5 pixels are right." in said
    for outside in ([1.0, -29.0], [-0.5, -14.0], [14.0, 0.5]):
        assert image.refuses(outside) == "choose a place on the image"
    assert image.refuses([0.0, -28.0]) == image.refuses([28.0, 0.0]) == ""


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        (CHOICE, "few", math.nan),
        (NAMED, "biased", ""),
        (NUMBER, 1.0, math.nan),
        (PLACE, [1.0, 1.0], (math.nan, 0.0)),
    ],
)
def test_a_run_without_a_result_gives_no_verdict(question, answer, found):
    verdict = question.judge(answer, found)
    assert verdict.right is None and verdict.text == NOT_YET


def test_the_result_is_shown_if_there_is_no_prediction():
    verdict = NUMBER.judge(None, 2.0)
    assert verdict.right is None and verdict.text == "The run gives 2 nats."


@pytest.mark.parametrize(
    ("question", "answer", "why"),
    [
        (CHOICE, "most", "choose one of few, some, many, not 'most'"),
        (NUMBER, "4", "give a number, not '4'"),
        (NUMBER, True, "give a number, not True"),
        (NUMBER, math.inf, "give a finite number"),
        (NUMBER, 10**400, "give a finite number"),
        (NUMBER, 11.0, "give a number from 0 to 10"),
        (NUMBER, [1.0, 2.0], "give 1 number, not 2"),
        (PLACE, 1.0, "give 2 numbers, not 1"),
        (PLACE, [1.0, None], "give a number, not [1.0, None]"),
        (PLACE, [1.0, -29.0], "choose a place with coordinates from −28 to 28"),
    ],
)
def test_an_unsuitable_answer_is_refused_with_the_reason(question, answer, why):
    assert question.refuses(answer) == why
    with pytest.raises(ValueError) as error:
        question.judge(answer, 1.0)
    assert str(error.value) == why


@pytest.mark.parametrize(
    ("question", "answer"), [(CHOICE, "few"), (NUMBER, 0), (NUMBER, 10.0), (PLACE, [1, 2.0]), (PLACE, (0.0, 0.0))]
)
def test_a_suitable_answer_is_accepted(question, answer):
    assert question.refuses(answer) == ""


def test_a_number_without_edges_chooses_nothing():
    question = Question("?", "choice", choices=("few", "many"), mark="count_below")
    with pytest.raises(ValueError, match="needs edges"):
        question.judge("few", 3.0)


def test_a_mark_that_does_not_fit_the_run_is_a_value_error():
    question = Question("?", "number", low=0.0, high=1.0, tolerance=0.1, mark="mean")
    with pytest.raises(ValueError, match="the mark mean does not fit this run"):
        question.find([object()])
