"""A moving picture for many: each frame is packed once and written to every websocket that follows.

A follower gets the declaration of the pictures as text, then frames as binary messages: first a key frame, then what
changes. A follower whose socket is still busy misses frames and delays no other. Its next frame is a key frame.
"""

import json
import time
from collections import OrderedDict
from typing import Any

from labkit.past import size
from labkit.private.tornado import is_writing, on_the_wire, write_wire
from labkit.recordings.declaration import declaration, pictures
from labkit.recordings.frames import Frame, Packer
from labkit.views.live import Live
from labkit.views.narration import PAUSE, sentence

SETTLED = 0.5  # seconds without a change of the views, after which they are declared without a follower
RECENT_BYTES, RECENT = 32_000_000, 300  # limits on the states that a follower may continue from


class Channel:
    """The pictures of one live view at a time, for all who follow.

    Attributes:
        recent: frame number -> state, for the newest frames.
        frames: number of packed frames.
    """

    def __init__(self, title: str = "labkit"):
        self.title = title
        self.recent: OrderedDict[int, Any] = OrderedDict()
        self.frames = 0
        self._followers: dict[Any, bool] = {}  # socket -> whether it has the frame before
        self._live: Live | None = None
        self._views: Any = None  # those of the declaration
        self._shown, self._bytes = -1, 0
        self._declared, self._packer = "", Packer()
        self._sentence, self._describes = "", 0.0
        self._next: tuple[Any, float] = None, 0.0  # views that are not declared yet, and since when

    def join(self, socket: Any) -> None:
        """Let a websocket follow. It gets what the others see at the next `tick`."""
        self._followers[socket] = False
        if self._declared:
            socket.write_message(self._declared)
            self._write_key(socket)

    def leave(self, socket: Any) -> None:
        """Let a websocket follow no longer."""
        self._followers.pop(socket, None)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a text message to all followers."""
        text = json.dumps(message)
        for socket in self._followers:
            socket.write_message(text)

    def tick(self, live: Live | None) -> None:
        """Send the newest frame of a live view, if it is new. Call this on the event loop, many times per second."""
        if live is None:
            return
        frame = live.run.frame
        views, columns = frame.content or (None, ())
        if views is None or views is not live.views:  # the run has not started, or not with these views
            return
        if live is not self._live or views is not self._views:
            if not self._followers and not self._has_settled(views):
                return
            self._declare(live, views, frame.state)
        if self._followers and frame.number != self._shown:
            self._shown = frame.number
            self._send(live, frame, columns)

    def _has_settled(self, views: Any) -> bool:
        """Whether the views have been the same for a while: then they are declared before the first follower joins."""
        now = time.monotonic()
        if views is not self._next[0]:
            self._next = views, now
        return now - self._next[1] >= SETTLED

    def _declare(self, live: Live, views: Any, state: Any) -> None:
        self._live, self._views, self._packer, self._shown, self._describes = live, views, Packer(), -1, 0.0
        found = declaration(self.title, 0, pictures(views, state))
        self._declared = json.dumps({"kind": "declaration", **found})
        for socket in self._followers:
            socket.write_message(self._declared)
            self._followers[socket] = True  # the next frame is a key frame for all

    def _send(self, live: Live, frame: Any, columns: Any) -> None:
        if not frame.playing or time.monotonic() >= self._describes:  # a playing run is described every few seconds
            self._sentence, self._describes = sentence(live.views, frame.state), time.monotonic() + PAUSE
        t = getattr(frame.state, "t", getattr(frame.state, "step", 0))
        views = enumerate(live.views)
        empty = [i for i, view in views if not view.leading and view.missing(frame.state, frame.position)]
        packed = self._packer.pack(Frame(frame.number, t, live.status(frame.state), self._sentence, columns, empty))
        self._keep(frame.number, frame.state)
        self.frames += 1
        wire, key = on_the_wire(packed), b""
        for socket, complete in self._followers.items():
            if is_writing(socket):
                self._followers[socket] = False
                continue
            if not complete:
                key = key or on_the_wire(self._packer.key())
                self._followers[socket] = True
            write_wire(socket, wire if complete else key)

    def _write_key(self, socket: Any) -> None:
        if self._shown >= 0:
            write_wire(socket, on_the_wire(self._packer.key()))
            self._followers[socket] = True

    def _keep(self, number: int, state: Any) -> None:
        """Keep the state of a frame for a while, so that a follower can continue from what it saw."""
        self.recent[number] = state
        self._bytes += size(state)
        while len(self.recent) > RECENT or (self._bytes > RECENT_BYTES and len(self.recent) > 1):
            _, oldest = self.recent.popitem(last=False)
            self._bytes -= size(oldest)
