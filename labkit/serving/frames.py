"""The frames of each page, past its document: one more websocket, on which only the changed columns travel.

Bokeh's document takes 4 ms for a frame of all pictures, and this takes .2 ms. The document still has the controls and
the pictures themselves. Its own copies of the columns are brought up to date when this websocket closes.
"""

import json
import logging
from typing import Any
from weakref import ReferenceType, ref

from bokeh.document import Document
from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketHandler

from labkit.private.bokeh import document_of
from labkit.private.tornado import is_writing, on_the_wire, write_wire
from labkit.recordings.frames import Frame, Packer
from labkit.serving.sockets import OwnPages
from labkit.views import shown
from labkit.views.live import Live

_log = logging.getLogger(__name__)

TICK = 33  # milliseconds between two checks of all pages


class Follower:
    """A page that gets its frames past its document."""

    def __init__(self, socket: WebSocketHandler, document: Document):
        self._socket, self._document = socket, ref(document)
        self._live: ReferenceType[Live] | None = None
        self._views: Any = None
        self._packer, self._number, self._ids = Packer(), -1, dict[str, list[str]]()

    def tick(self) -> None:
        """Send the newest frame of the open tab, if it is new and the page has its pictures."""
        live = self._open
        before = self._live() if self._live else None
        if live is not before:
            self._turn(before, live)
        if live is None or is_writing(self._socket):  # what is missed now, the next frame has
            return
        frame = live.run.frame
        views, columns = frame.content or (None, ())
        if (
            views is None
            or views is not live.declared
            or not live.bar.agrees(frame)  # the document brings the label first, also to a slow browser
            or (frame.number == self._number and not self._new_sources(live))
        ):
            return
        if views is not self._views:
            self._views, self._packer = views, Packer()
        self._number = frame.number
        self._tell_sources(live)
        moving = live.in_turn(columns, frame.playing and not frame.error)
        packed = self._packer.pack(Frame(frame.number, 0, live.bar.line(frame), "", moving))
        write_wire(self._socket, on_the_wire(packed))

    def watched(self) -> None:
        """Let the run of the open tab continue: it has a viewer."""
        live = self._open
        if live is not None:
            live.run.watched()

    @property
    def _open(self) -> Live | None:
        """The live view of the open tab."""
        document = self._document()
        return shown.on(document) if document is not None else None

    def leave(self) -> None:
        """Let the document have the frames again."""
        self._turn(self._live() if self._live else None, None)

    def _turn(self, before: Live | None, live: Live | None) -> None:
        """Follow another live view, because another tab is open."""
        if before is not None:
            before.pass_by(False)
        if live is not None:
            live.pass_by(True)
        self._live, self._views, self._number = ref(live) if live else None, None, -1

    def _new_sources(self, live: Live) -> bool:
        return live.sources() != self._ids

    def _tell_sources(self, live: Live) -> None:
        """Say which models have the columns of each layer, if pictures were added or replaced."""
        if self._new_sources(live):
            self._ids = live.sources()
            self._socket.write_message(json.dumps({"kind": "sources", "layers": self._ids}))


_followers: dict[WebSocketHandler, Follower] = {}


def _tick() -> None:
    for follower in list(_followers.values()):
        try:
            follower.tick()
        except Exception:  # one page must not stop the others
            _log.exception("a page cannot send its picture")


class FramesSocket(OwnPages):
    """GET /frames?session=ID: the websocket of a page for its frames. Each second the browser sends "beat" on it.

    Through Bokeh's document, this signal of a viewer would take 2 ms.
    """

    _timer = PeriodicCallback(_tick, TICK)

    def get_compression_options(self) -> None:
        """Return None: arrays of numbers compress badly, and it takes longer than to send them."""

    def open(self) -> None:
        """Send the frames of a session from now on."""
        self.set_nodelay(True)
        found = document_of(self.application, self.get_query_argument("session", ""))
        if found is None:
            self.close()
            return
        _followers[self] = Follower(self, found[1])
        if not self._timer.is_running():
            self._timer.start()

    def on_close(self) -> None:
        """Let the document have the frames again."""
        follower = _followers.pop(self, None)
        if follower is not None:
            follower.leave()
        if not _followers:
            self._timer.stop()

    def on_message(self, message: str | bytes) -> None:
        """Note that a viewer looks at the page."""
        follower = _followers.get(self)
        if message == "beat" and follower is not None:
            follower.watched()
