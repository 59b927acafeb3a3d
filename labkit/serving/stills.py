"""A still picture of what a teacher sees: a student's browser shows it while it reads the code of the moving one."""

import io
import math
import time
from typing import Any

from labkit.paint import Painter, save_png
from labkit.views.live import Live
from labkit.views.save import opened
from labkit.views.view import leading

SIZE = 960, 540  # pixels
SHARE = 0.01  # largest part of the event loop's time
FRESH = 30.0  # seconds; an older picture is painted again when a browser asks for it


class Still:
    """The main picture of a live view as a PNG file, on light or on dark paper.

    Call it on the event loop.
    """

    def __init__(self, dark: bool):
        self.dark = dark
        self._views: Any = None  # those of the painter
        self._painter: Painter | None = None
        self._number, self._file = -1, b""
        self._at, self._next = -math.inf, 0.0  # when it was painted, and when it may be painted again

    def png(self, live: Live) -> bytes:
        """Return the file, which may be some seconds old; b"" if the run has not started."""
        if self._differs(live) and (not self._shows(live) or time.monotonic() >= self._at + FRESH):
            self._paint(live)
        return self._file

    def prepare(self, live: Live) -> bool:
        """Paint the picture before a browser asks for it, if it is time; return whether it did."""
        if not self._differs(live) or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + FRESH  # also if it fails
        self._paint(live)
        return True

    def _differs(self, live: Live) -> bool:
        """Return whether the run has a frame that is not in the file."""
        frame = live.run.frame
        return bool(frame.content) and not (self._shows(live) and frame.number == self._number)

    def _shows(self, live: Live) -> bool:
        """Return whether the file has the views of the run."""
        return live.run.frame.content[0] is self._views

    def _paint(self, live: Live) -> None:
        frame, began = live.run.frame, time.monotonic()
        views, columns = frame.content
        view = leading(views)[0]
        if views is not self._views:
            self._views, self._painter = views, Painter(opened(view, view.picture(frame.state)), SIZE, self.dark)
        target = io.BytesIO()
        save_png(self._painter.frame(columns[views.index(view)]), target)
        self._number, self._file, self._at = frame.number, target.getvalue(), time.monotonic()
        self._next = self._at + (self._at - began) / SHARE
