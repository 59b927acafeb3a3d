"""The frame of a page: heading, settings at the side (below on a phone) and pictures, in light and dark colours."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn

from labkit.private.panel import current
from labkit.recordings import files
from labkit.serving import settings
from labkit.serving.cards import error_card
from labkit.serving.lessons import links
from labkit.views import layout

_log = logging.getLogger(__name__)

HEAD_START = 100  # ms in which the browser fetches its scripts; while it reads them, this process builds the page


def frame(title: str, lead: str, main: Callable[[], tuple[Any, Callable[[], Any]]], name: str = "") -> pn.Template:
    """Return a page that works offline. Its heading is visible before the rest is built.

    Args:
        title, lead: plain text.
        main: () -> the main part, and a function that returns the settings. That function is called after the browser
            has the main part, so that the picture comes first. A card shows any exception.
        name: the page whose lessons are listed, "" for none.
    """
    template = pn.Template(_beside("frame.html"), location=True)
    template.add_variable("title", title)
    template.add_variable("lead", lead)
    template.add_variable("lessons", links(name))
    template.add_variable("quick", _beside("quick.js"))
    template.add_variable("history", _beside("history.js"))
    template.add_variable("opening", _beside("opening.js"))
    template.add_variable("share", _beside("share.js"))
    template.add_variable("sharing", _beside("share.html"))
    dress(template)
    _connect(template)
    side, middle, wrong = layout.side(), layout.column(), layout.column()
    template.add_panel("sidebar", side)
    template.add_panel("main", layout.column(wrong, middle))
    document = pn.state.curdoc

    def failed(error: Exception) -> None:
        _log.error("page %s failed", title, exc_info=error)
        wrong.objects = [error_card(title, error)]

    def fill() -> None:
        with current(document):
            try:
                picture, settings = main()
                middle.append(picture)
                pn.state.onload(lambda: side.append(settings()))
            except Exception as error:
                failed(error)

    pn.config.exception_handler = failed  # for this session: errors of drawing and of controls
    document.add_timeout_callback(fill, HEAD_START)
    return template


def _connect(template: pn.Template) -> None:
    """Add the websocket of the frames, and the button that opens a class if other machines have access."""
    context = pn.state.curdoc.session_context
    template.add_variable("session", context.id if context else "")
    template.add_variable("player", files.player())
    template.add_variable("frames", _beside("frames.js"))
    template.add_variable("classes", bool(settings.addresses and context))
    template.add_variable("class_script", _beside("class.js"))
    template.add_variable("address", settings.addresses[0] if settings.addresses else "")


def dress(template: pn.Template) -> None:
    """Give a page light and dark colours. Make it show when its server stops, and reload when the server is back.

    The page's file needs {{ scheme }} and {{ connection }}.
    """
    template.add_variable("scheme", _beside("scheme.html"))
    template.add_variable("present", _beside("present.html"))
    template.add_variable("connection", _beside("connection.js"))
    # Bokeh would reconnect to a session of the new server, which is not the one on screen
    pn.state.curdoc.config.reconnect_session = False


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
