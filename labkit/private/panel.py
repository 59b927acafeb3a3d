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
"""Loggers that report messages which a client sent and nobody could use."""

# Panel's classes of what answers a request for a page and of its websocket: labkit's own take the place of both, and
# need what these do for a session.
PageHandler = DocHandler
SocketHandler = WSHandler


def current(document: Document) -> AbstractContextManager[None]:
    """Make a document the current one, `pn.state.curdoc`, within a `with`.

    Panel does so for its own callbacks; a timer that all pages share starts in the context of another page.
    """
    return set_curdoc(document)


def serve_style_sheets(document: Document) -> None:
    """Have a document's style sheets come from this server.

    Panel does so when the page is asked for, and tells nobody: a document that was written before keeps a CDN's.
    """
    with set_curdoc(document):
        place = get_dist_path(cdn=False)
    for root in document.roots:
        patch_model_css(root, place)


def read_addresses(
    parts: Callable[[str | None, str | None, str | None], dict[str, str]], asked: Callable[[str], dict[str, Any]]
) -> None:
    """Have Panel read the addresses of pages by these functions; it offers no other way to replace its own.

    Args:
        parts: (protocol, host, uri) -> the parts of an address, by the names of Panel's Location.
        asked: the query with its question mark -> what it asks for, by name.
    """
    # both are called by position, so the names of their arguments may differ
    location._get_location_params = parts  # type: ignore[assignment]  # see above
    location.parse_query = asked  # type: ignore[assignment, attr-defined]  # and imported, so not exported


def push_changes(panes: Iterable[pn.viewable.Viewable]) -> None:
    """Send a notebook what has changed in the figures of these panes.

    As text, in three messages: the public `pn.io.push_notebook` sends every array as two messages more.
    """
    for ref in {ref for pane in panes for ref in pane._models} & set(pn.state._views):
        _, root, document, comm = pn.state._views[ref]
        if comm and "embedded" not in root.tags:
            push(document, comm, binary=False)


class Ear(JupyterCommJSBinary):
    """Hears the browser on the notebook's event loop, in turn with what is sent to it.

    JupyterLab 4.4 and later lets another thread of the kernel hear it; Panel's messages of several parts then mix.
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
    """Have views that are shown in a notebook from now on hear their browsers by `Ear`."""
    JupyterCommManagerBinary.client_comm = Ear


class Corrected:
    """A widget, mixed in before Panel's class, that corrects what the browser says before it is its value.

    Param's watchers hear of a value only when it has changed: of a refused one that leaves the value alone they do not.
    """

    def corrected(self, props: dict[str, Any]) -> dict[str, Any]:
        """Return what the browser says, properties by name, as the widget takes it."""
        raise NotImplementedError(f"{type(self).__name__} must define corrected(props)")

    def _process_property_change(self, props: dict[str, Any]) -> dict[str, Any]:
        return super()._process_property_change(self.corrected(props))  # type: ignore[misc]  # Panel's, after this one
