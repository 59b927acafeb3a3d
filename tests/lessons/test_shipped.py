"""The lessons that come with labkit: they load, and the runs of their steps give the right answers."""

import pytest

from labkit import lessons

NAMES = lessons.names()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_run_of_a_step_marks_its_question(name):
    """The right answer comes from the run, and every other choice, or a number beyond the tolerance, is wrong."""
    lesson, asked = lessons.load(name), 0
    for step, states in zip(lesson.steps, lessons.walk(lesson), strict=True):
        if (question := step.question) is None:
            continue
        asked += 1
        found = question.find(states)
        solution = question.solution(found)
        assert question.mark and question.verdict(solution, states).right
        if question.kind == "choice":
            wrong = [choice for choice in question.choices if choice != solution]
            assert not any(question.judge(choice, found).right for choice in wrong)
        else:
            for number in solution if isinstance(solution, tuple) else (solution,):
                assert question.low <= number <= question.high
            assert question.judge(shifted(solution, 0.99 * question.tolerance, question), found).right
            assert not question.judge(shifted(solution, 1.01 * question.tolerance, question), found).right
    assert asked >= 2


def shifted(solution, by, question):
    """The answer moved by a distance, inside its range."""
    numbers = list(solution) if isinstance(solution, tuple) else [solution]
    numbers[0] += by if numbers[0] + by <= question.high else -by
    return numbers if isinstance(solution, tuple) else numbers[0]
