"""What labkit uses of Panel that Panel does not promise to keep."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import panel as pn
from bokeh.document import Document
from panel.io import location
from panel.io.notebook import JupyterCommJSBinary, JupyterCommManagerBinary, push
from panel.io.resources import get_dist_path, patch_model_css
from panel.io.server import DocHandler, WSHandler
from panel.io.state import set_curdoc

LOGGERS = ("panel.io.document",)
"""Loggers that report invalid messages from clients."""

# Panel's classes for a page request and for its websocket. labkit's classes replace both and derive from them.
PageHandler = DocHandler
SocketHandler = WSHandler


def current(document: Document) -> AbstractContextManager[None]:
    """Make a document the current one, `pn.state.curdoc`, within a `with`.

    Panel does this for its own callbacks. But a timer that all pages share starts in the context of another page.
    """
    return set_curdoc(document)


def serve_style_sheets(document: Document) -> None:
    """Make a document load its style sheets from this server.

    Panel does this at the page request, without an event. A document that was written earlier would use a CDN.
    """
    with set_curdoc(document):
        place = get_dist_path(cdn=False)
    for root in document.roots:
        patch_model_css(root, place)


def read_addresses(
    parts: Callable[[str | None, str | None, str | None], dict[str, str]], asked: Callable[[str], dict[str, Any]]
) -> None:
    """Make Panel read the addresses of pages by these functions. It has no other way to replace its own.

    Args:
        parts: (protocol, host, uri) -> the parts of an address, by the names of Panel's Location.
        asked: the query with its question mark -> name -> value.
    """
    # both are called by position, so the names of their arguments may differ
    location._get_location_params = parts  # type: ignore[assignment]  # see above
    location.parse_query = asked  # type: ignore[assignment, attr-defined]  # and imported, so not exported


def push_changes(panes: Iterable[pn.viewable.Viewable]) -> None:
    """Send a notebook the changes in the figures of these panes, as text in three messages.

    The public `pn.io.push_notebook` sends two more messages for every array.
    """
    for ref in {ref for pane in panes for ref in pane._models} & set(pn.state._views):
        _, root, document, comm = pn.state._views[ref]
        if comm and "embedded" not in root.tags:
            push(document, comm, binary=False)


class Ear(JupyterCommJSBinary):
    """Receives the browser's messages on the notebook's event loop, between the messages to it.

    In JupyterLab 4.4 and later another thread of the kernel receives them. Panel's messages of several parts then mix.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._loop: asyncio.AbstractEventLoop | None
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        if self._loop is None:
            super()._handle_msg(msg)
        else:
            self._loop.call_soon_threadsafe(super()._handle_msg, msg)


def listen_in_turn() -> None:
    """Make all views that a notebook shows later receive messages by `Ear`."""
    JupyterCommManagerBinary.client_comm = Ear


class Corrected:
    """A mixin, placed before Panel's class, that corrects a value from the browser before the widget takes it.

    Param's watchers are called only if the value changes. A refused value changes nothing, so they would not notice it.
    """

    def corrected(self, props: dict[str, Any]) -> dict[str, Any]:
        """Return the properties from the browser, by name, as the widget should take them."""
        raise NotImplementedError(f"{type(self).__name__} must define corrected(props)")

    def _process_property_change(self, props: dict[str, Any]) -> dict[str, Any]:
        return super()._process_property_change(self.corrected(props))  # type: ignore[misc]  # Panel's, after this one
