"""The frame of a page: a heading, the settings at the side (below on a phone), the pictures; light and dark."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn


def frame(title: str, lead: str, sidebar: Callable[[], Any], main: Any) -> pn.Template:
    """A page that asks nothing of the network.

    Args:
        title, lead: plain text.
        sidebar: () -> what Panel can show; asked for once the browser has the rest, so that the picture stands sooner.
        main: what Panel can show.
    """
    template = pn.Template(Path(__file__).with_name("frame.html").read_text(encoding="utf-8"), location=True)
    template.add_variable("title", title)
    template.add_variable("lead", lead)
    side, middle = (pn.Column(sizing_mode="stretch_width") for _ in range(2))
    template.add_panel("sidebar", side)
    template.add_panel("main", middle)  # still empty: a template writes out all that it is given, at some expense
    middle.append(main)
    pn.state.onload(lambda: side.append(sidebar()))
    return template
