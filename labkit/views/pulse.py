"""One timer for all pages of a server; only pages with changes take the lock of their document.

With one timer per page, thirty pages spend a quarter of a processor on ticks that show nothing. Slow work, such as a
new picture, is done by one page per tick, so that playing pages continue to play.
"""

from contextvars import Context
from functools import partial
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from bokeh.document import Document
from tornado.ioloop import IOLoop, PeriodicCallback

from labkit.private.panel import current

TICK = 33  # milliseconds between two checks of all pages


@runtime_checkable
class Refreshable(Protocol):
    """What a timer checks and refreshes on the event loop."""

    def has_news(self) -> bool:
        """Return whether there is anything to show."""

    def has_more(self) -> bool:
        """Return whether something that takes long waits to be shown."""

    def show_news(self, more: bool) -> None:
        """Show the changes, with the lock of the document; if `more`, also show one thing that takes long."""


class Pulse:
    """The pages of one event loop."""

    def __init__(self):
        self._pages: dict[Refreshable, Document] = {}
        self._called: set[Refreshable] = set()  # these pages wait for the lock
        self._builds: Refreshable | None = None  # the one of these that may do slow work
        self._timer = PeriodicCallback(self._beat, TICK)

    def add(self, page: Refreshable, document: Document) -> None:
        """Refresh a page until its session ends."""
        self._pages[page] = document
        document.on_session_destroyed(lambda _context: self._drop(page))
        if not self._timer.is_running():
            Context().run(self._timer.start)  # in the context of this page, the timer would keep its document alive

    def _drop(self, page: Refreshable) -> None:
        self._pages.pop(page, None)
        self._answered(page)
        if not self._pages:
            self._timer.stop()

    def _beat(self) -> None:
        for page, document in self._pages.items():
            if page in self._called:
                continue
            if self._builds is None and page.has_more():
                self._builds = page
            if self._builds is page or page.has_news():
                self._called.add(page)
                document.add_next_tick_callback(partial(self._show, page, document))

    def _show(self, page: Refreshable, document: Document) -> None:
        if page not in self._called:  # its session has ended
            return
        more = self._builds is page
        self._answered(page)
        with current(document):  # the timer started in the context of another page
            page.show_news(more)

    def _answered(self, page: Refreshable) -> None:
        self._called.discard(page)
        if self._builds is page:
            self._builds = None


_pulses: WeakKeyDictionary[IOLoop, Pulse] = WeakKeyDictionary()


def watch(page: Refreshable, document: Document) -> None:
    """Let the timer of the current event loop refresh a page."""
    _pulses.setdefault(IOLoop.current(), Pulse()).add(page, document)
