"""The frame of a page: a heading, the settings at the side (below on a phone), the pictures; light and dark."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn

from labkit.private.panel import current
from labkit.serving.cards import error_card

_log = logging.getLogger(__name__)

HEAD_START = 100  # ms for the browser to fetch its scripts; while it reads them, this process builds the page


def frame(title: str, lead: str, main: Callable[[], tuple[Any, Callable[[], Any]]]) -> pn.Template:
    """A page that asks nothing of the network, and whose heading stands before the rest of it is built.

    Args:
        title, lead: plain text.
        main: () -> what stands in the middle, and () -> the settings beside it. The second is asked for once the
            browser has the first, so that the picture stands sooner. What it raises is shown on a card.
    """
    template = pn.Template(_beside("frame.html"), location=True)
    template.add_variable("title", title)
    template.add_variable("lead", lead)
    dress(template)
    side, middle, wrong = (pn.Column(sizing_mode="stretch_width") for _ in range(3))
    template.add_panel("sidebar", side)
    template.add_panel("main", pn.Column(wrong, middle, sizing_mode="stretch_width"))
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

    pn.config.exception_handler = failed  # of this session: what fails when it is drawn, or when a control is used
    document.add_timeout_callback(fill, HEAD_START)
    return template


def dress(template: pn.Template) -> None:
    """Give a page its colours, light and dark, and have it notice a lost server and reload itself when it is back.

    The page's file takes {{ scheme }} and {{ connection }}.
    """
    template.add_variable("scheme", _beside("scheme.html"))
    template.add_variable("connection", _beside("connection.js"))
    # Bokeh would connect again, to a session that a new server builds in the place of the one on screen
    pn.state.curdoc.config.reconnect_session = False


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
