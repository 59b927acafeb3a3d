"""A page of tabs: all that a file of dashboards/ needs besides its table of tabs."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit.serving import settings
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.tabs import Tab, Tabs


def page(title: str, summary: str, tabs: Sequence[Tab]) -> pn.Template:
    """Return a page with these tabs, whose settings stand in its address."""
    pn.extension()
    return frame(title, summary, lambda: live(tabs))


def live(tabs: Sequence[Tab]) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, each built when it is first opened, and () -> the controls of the open one."""
    address = Address()
    made = Tabs(tabs, address)
    return pn.Column(address.warning, made.buttons, made.room, sizing_mode="stretch_width"), made.finish


def on_device(kind: Callable[..., Any], *arguments: Callable[[], Any]) -> Callable[[], Any]:
    """Return a maker of settings that compute on the device of the server.

    Args:
        kind: class of settings with an argument `device`.
        arguments: () -> an argument before it, read for each visitor.
    """
    return lambda: kind(*(read() for read in arguments), device=settings.device)
