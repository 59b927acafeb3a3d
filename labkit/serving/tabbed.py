"""A page of tabs. A file of dashboards/ adds only its table of tabs."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit.serving import lessons, settings
from labkit.serving.ceilings import held
from labkit.serving.frame import frame
from labkit.serving.resume import resume, seen
from labkit.views import layout
from labkit.views.address import Address
from labkit.views.tabs import Tab, Tabs


def page(title: str, summary: str, tabs: Sequence[Tab], name: str) -> pn.Template:
    """Return a page with these tabs. The page's address holds their settings.

    Args:
        name: the name by which lessons know the page, for example "svgd".
    """
    pn.extension()
    return frame(title, summary, lambda: live(tabs, name), name)


def live(tabs: Sequence[Tab], name: str) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, and a function that returns the controls of the open tab.

    A tab is built when it is first opened.
    """
    state, address = seen(), Address()
    made = Tabs([tab._replace(settings=held(tab.settings)) for tab in tabs], address)
    walk = lessons.begin(made, address, name)
    if walk.lesson is None:
        made.show()
    resume(made.live, walk, state)
    return layout.column(address.warning, walk.strip, made.buttons, made.room), made.finish


def on_device(kind: Callable[..., Any], *arguments: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that creates settings which compute on the device of the server.

    Args:
        kind: class of settings with an argument `device`.
        arguments: functions that return the arguments before `device`; called for each visitor.
    """
    return lambda: kind(*(read() for read in arguments), device=settings.device)
