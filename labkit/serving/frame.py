"""The frame of a page: a heading, the settings at the side (below on a phone), the pictures; light and dark."""

from pathlib import Path
from typing import Any

import panel as pn


def frame(title: str, lead: str, sidebar: Any, main: Any) -> pn.Template:
    """A page that asks nothing of the network.

    Args:
        title, lead: plain text.
        sidebar, main: what Panel can show.
    """
    template = pn.Template(Path(__file__).with_name("frame.html").read_text(encoding="utf-8"), location=True)
    template.add_variable("title", title)
    template.add_variable("lead", lead)
    template.add_panel("sidebar", sidebar)
    template.add_panel("main", main)
    return template
