"""Continues a page from what a student saw in a room: `?state=NAME.NUMBER` in the address names a frame of the room."""

from typing import Any

import panel as pn

from labkit.serving import settings
from labkit.views.address import asked
from labkit.views.lessons import Walk
from labkit.views.live import Live


def seen() -> Any:
    """Return the state that the address names, None if there is none: the server keeps the newest states of a room.

    Call this before the page changes its address.
    """
    location = pn.state.location
    wanted = str(asked(location.search or "").get("state", "")) if location is not None else ""
    name, _, number = wanted.partition(".")
    room = settings.rooms.get(name) if settings.rooms is not None else None
    return room.channel.recent.get(int(number)) if room is not None and number.isdecimal() else None


def resume(live: Live | None, walk: Walk, state: Any) -> None:
    """Put a live view into a state that `seen` returned, paused; the page leaves a lesson, with a way back to it."""
    if live is None or state is None:
        return
    live.hold()
    live.run.edit(lambda _first: state)
    if walk.lesson is not None:
        walk.leave()
