"""Lessons on a page: the lesson in its address, and the links to all lessons."""

from typing import Any

import panel as pn

from labkit import lessons
from labkit.views import pulse, shown
from labkit.views.address import OF_THE_PAGE, Address
from labkit.views.desk import Desk
from labkit.views.lessons import Walk


def begin(desk: Desk, address: Address, page: str) -> Walk:
    """Return the way through the lessons of a page. It begins at the step in the address, if there is one.

    From now on the address shows the step, and Back and Forward of the browser move between steps.

    Args:
        page: the name of the page, for example "svgd".
    """
    walk = Walk(desk, address.write)
    address.place = lambda: walk.place

    def moved(asked: dict[str, Any]) -> None:
        if "lesson" in asked:
            address.warn(_said(walk.go(asked, page)))
            return
        address.warn("")
        walk.end()
        desk.put(str(asked.pop("tab", "")), {name: asked[name] for name in asked if name not in OF_THE_PAGE})

    asked = address.asked()
    problem = walk.go(asked, page) if "lesson" in asked else ""
    if problem:
        address.warn(_said(problem))
    address.follow(moved)
    document = pn.state.curdoc
    if document is not None and document.session_context is not None:
        pulse.watch(walk, document)
        shown.put_walk(walk)
    return walk


def _said(problem: str) -> str:
    return f"This link has no lesson: {problem}." if problem else ""


def links(page: str) -> list[dict[str, str]]:
    """Return the lessons of a page in their order: title, length as text, and address from a page of the server."""
    return [
        {"title": each.title, "length": length(each.minutes), "href": f"./{page}?lesson={each.name}&step=1"}
        for each in lessons.of_page(page)
    ]


def length(minutes: int) -> str:
    """Return a time as text."""
    words = "no one two three four five six seven eight nine ten".split()
    return f"{words[minutes] if minutes < len(words) else minutes} minute{'' if minutes == 1 else 's'}"
