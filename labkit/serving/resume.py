"""Continues a page from what a student saw in a room: `?state=NAME.NUMBER` in the address names a frame of the room."""

import panel as pn

from labkit.serving import settings
from labkit.views.address import asked
from labkit.views.live import Live


def resume(live: Live) -> None:
    """Put a live view into the state that the address names, and pause there.

    The server keeps the newest states of a room. Without the state, the page starts at step 0.
    """
    location = pn.state.location
    wanted = str(asked(location.search or "").get("state", "")) if location is not None else ""
    name, _, number = wanted.partition(".")
    room = settings.rooms.get(name) if settings.rooms is not None else None
    if room is None or not number.isdecimal():
        return
    state = room.channel.recent.get(int(number))
    if state is not None:
        live.hold()
        live.run.edit(lambda _first: state)
