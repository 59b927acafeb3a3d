"""A thread that reads files every few seconds while a visitor looks at the page."""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import panel as pn

from labkit.engine import AWAY
from labkit.views.remote import Remote

TICK = 100  # milliseconds between two checks of the thread's results
PAUSE = 2.0  # seconds between two readings of the files
_reader = ThreadPoolExecutor(1, "labkit-runs")  # one for all visitors: they share the readings


class Poller:
    """Calls `find()` in a thread every few seconds, and `show(found)` on the page's event loop.

    Args:
        fail: called with an exception of either of them, on the event loop.
        recolour: called with whether the page is dark.
    """

    def __init__(self, find: Callable, show: Callable, fail: Callable, recolour: Callable[[bool], None]):
        self._find, self._show, self._fail, self._recolour = find, show, fail, recolour
        self.remote = Remote(self._heard, width=0, height=0, margin=0)
        self._dark: bool | None = None
        self._met = False  # the browser has the page; earlier changes could arrive before their target
        self._seen, self._next = time.monotonic(), 0.0
        self._under_way: Future | None = None
        if pn.state.curdoc:
            pn.state.curdoc.add_periodic_callback(self.tick, TICK)

    def again(self, *_: Any) -> None:
        """Read the files again at the next tick."""
        self._next = 0.0

    def tick(self) -> None:
        """Show the result, and start the next reading if it is time and a visitor watches."""
        if self._met and self._under_way is not None and self._under_way.done():
            done, self._under_way = self._under_way, None
            self._tell(done)
        now = time.monotonic()
        if self._under_way is None and now >= self._next and now - self._seen < AWAY:
            self._next, self._under_way = now + PAUSE, _reader.submit(self._find)

    def _tell(self, done: Future) -> None:
        try:
            with pn.io.hold():
                self._show(done.result())
        except Exception as error:  # shown on the page; the next reading may succeed
            self._fail(error)

    def _heard(self, message: dict) -> None:
        """Handle a message from the browser."""
        self._met = True
        self._seen = -math.inf if message.get("kind") == "bye" else time.monotonic()
        dark = message.get("dark", self._dark)
        if dark is not None and dark != self._dark:
            self._dark = dark
            self._recolour(dark)
