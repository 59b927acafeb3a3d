"""A page of tabs. A file of dashboards/ adds only its table of tabs."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit.serving import settings
from labkit.serving.ceilings import held
from labkit.serving.frame import frame
from labkit.serving.resume import resume
from labkit.views.address import Address
from labkit.views.tabs import Tab, Tabs


def page(title: str, summary: str, tabs: Sequence[Tab]) -> pn.Template:
    """Return a page with these tabs. The page's address holds their settings."""
    pn.extension()
    return frame(title, summary, lambda: live(tabs))


def live(tabs: Sequence[Tab]) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, and a function that returns the controls of the open tab.

    A tab is built when it is first opened.
    """
    address = Address()
    made = Tabs([tab._replace(settings=held(tab.settings)) for tab in tabs], address)
    resume(made.live)
    return pn.Column(address.warning, made.buttons, made.room, sizing_mode="stretch_width"), made.finish


def on_device(kind: Callable[..., Any], *arguments: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that creates settings which compute on the device of the server.

    Args:
        kind: class of settings with an argument `device`.
        arguments: functions that return the arguments before `device`; called for each visitor.
    """
    return lambda: kind(*(read() for read in arguments), device=settings.device)
