"""The live view that a page shows: the one of its open tab. A room of a class follows it."""

import re
from typing import Any, Protocol

import panel as pn
from bokeh.document import Document

from labkit.views.address import CONTROLS, for_others
from labkit.views.live import Live


class Shows(Protocol):
    """What a page shows, for example a scene."""

    @property
    def live(self) -> Live:
        """Its live view; it may change. On the page of runs a `labkit.views.runs.followed.FollowedRun`."""

    def code(self) -> str:
        """Return Python that repeats what is shown."""


_shown: dict[int, tuple[Shows, Any]] = {}  # id of a document -> until its session ends
_walks: dict[int, Any] = {}  # likewise: the way of its reader through a lesson


def put(scene: Shows) -> None:
    """Note that the current page shows this scene now. In a notebook, where there is no page, nothing happens."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return
    key = id(document)
    if key not in _shown:
        document.on_session_destroyed(lambda _context: _shown.pop(key, None))  # type: ignore[arg-type]  # returns a scene
    _shown[key] = scene, pn.state.location


def on(document: Document) -> Live | None:
    """Return the live view that a page shows, None if it has none."""
    found = _shown.get(id(document))
    return found[0].live if found else None


def code_on(document: Document) -> str:
    """Return Python that repeats what a page shows, "" if it shows nothing that can be repeated."""
    found = _shown.get(id(document))
    return found[0].code() if found else ""


def settings_on(document: Document) -> str:
    """Return the settings in the address of a page for other browsers, from the question mark onwards.

    If the link that opened the page chose its controls, other browsers have the same ones.
    """
    found = _shown.get(id(document))
    location = found[1] if found else None
    if location is None:
        return ""
    words = for_others(location.search or "").removeprefix("?"), _controls(document)
    return "?" + "&".join(filter(None, words)) if any(words) else ""


def _controls(document: Document) -> str:
    """Return the word of the link that opened a page which chooses its controls, "" if there is none."""
    request = getattr(document.session_context, "request", None)
    names = request.arguments.get(CONTROLS, [b""])[-1].decode(errors="replace") if request else ""
    return f"{CONTROLS}={names}" if re.fullmatch(r"[\w,]+", names) else ""


def put_walk(walk: Any) -> None:
    """Note the way of the current page's reader through lessons."""
    document = pn.state.curdoc
    if document is not None and document.session_context is not None:
        key = id(document)
        _walks[key] = walk
        document.on_session_destroyed(lambda _context: _walks.pop(key, None))  # type: ignore[arg-type]  # as above


def walk_on(document: Document) -> Any:
    """Return the way of a page's reader through lessons (`labkit.views.lessons.Walk`), None if it has none."""
    return _walks.get(id(document))
