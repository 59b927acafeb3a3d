"""A lesson in a room: the students see the teacher's step, and the run judges the votes on its question."""

from typing import Any

from labkit import lessons
from labkit.lessons.tabs import TABS
from labkit.serving.votes import Vote
from labkit.views.address import asked
from labkit.views.lessons import Walk


def told(walk: Walk | None) -> dict[str, Any] | None:
    """Return what students see of the teacher's lesson, None outside a lesson."""
    if walk is None or walk.lesson is None or walk.free:
        return None
    lesson = walk.lesson
    return {"title": lesson.title, "step": walk.step, "of": len(lesson.steps), "text": lesson.steps[walk.step].text}


def judge(vote: Vote | None, walk: Walk | None) -> bool:
    """Close the vote on the question of the teacher's step when its run plays, and judge it when the run has ended.

    Returns:
        whether the vote has changed.
    """
    if vote is None or walk is None or walk.lesson is None or vote.said or not asks(vote, walk):
        return False
    question = walk.lesson.steps[walk.step].question
    if question is not None and walk.verdict is not None:
        vote.judge(question, walk.verdict.found)
        return True
    closes = vote.open and walk.moves
    vote.open = vote.open and not walk.moves
    return closes


def asks(vote: Vote, walk: Walk) -> bool:
    """Return whether the vote is on the question of the teacher's step."""
    return bool(walk.lesson and not walk.free and (vote.lesson, vote.step) == (walk.lesson.name, walk.step))


def questions(page: str, search: str) -> list[dict[str, Any]]:
    """Return the questions that lessons ask on the open tab of a page, those of the open lesson first.

    Args:
        search: the settings in the address of the page.
    """
    found = asked(search)
    here = [each for each in lessons.of_page(page) if each.name == found.get("lesson")]
    tab = here[0].tab if here else found.get("tab", next(iter(TABS.get(page, {})), ""))
    others = [each for each in lessons.of_page(page) if each.tab == tab and each not in here]
    return [
        {"lesson": lesson.name, "title": lesson.title, "step": i, "text": step.question.text}
        for lesson in (*here, *others)
        for i, step in enumerate(lesson.steps)
        if step.question is not None
    ]
