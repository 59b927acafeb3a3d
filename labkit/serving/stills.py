"""A still picture of what a teacher sees: a student's browser shows it while it reads the code of the moving one."""

import io
import time
from typing import Any

from labkit.paint import Painter, save_png
from labkit.views.live import Live
from labkit.views.save import opened
from labkit.views.view import Columns, leading

SIZE = 960, 540  # pixels
SHARE = 0.05  # largest part of the event loop's time, even if many browsers ask


class Still:
    """The main picture of a live view as a PNG file, on light or on dark paper."""

    def __init__(self, dark: bool):
        self.dark = dark
        self._views: Any = None  # those of the painter
        self._painter: Painter | None = None
        self._number, self._file = -1, b""
        self._next = 0.0  # when it may be painted again

    def png(self, live: Live) -> bytes:
        """Return the file, which may be some seconds old; b"" if the run has not started.

        Call this on the event loop.
        """
        frame = live.run.frame
        if not frame.content:
            return b""
        views, columns = frame.content
        if views is self._views and (frame.number == self._number or time.monotonic() < self._next):
            return self._file
        began, view = time.monotonic(), leading(views)[0]
        if views is not self._views:
            self._views, self._painter = views, Painter(opened(view, view.picture(frame.state)), SIZE, self.dark)
        self._number, self._file = frame.number, self._paint(columns[views.index(view)])
        self._next = time.monotonic() + (time.monotonic() - began) / SHARE
        return self._file

    def _paint(self, columns: Columns) -> bytes:
        target = io.BytesIO()
        save_png(self._painter.frame(columns), target)
        return target.getvalue()
