"""One timer for all pages of a server; only those with news take their document's lock.

With a timer of its own for every page, thirty pages spend a quarter of a processor on ticks that show nothing. What
takes long, a new picture, one page after the other does, a page a tick, so that those that play go on playing.
"""

from contextvars import Context
from functools import partial
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from bokeh.document import Document
from tornado.ioloop import IOLoop, PeriodicCallback

from labkit.private.panel import current

TICK = 33  # milliseconds between two looks at all pages


@runtime_checkable
class Refreshable(Protocol):
    """What a timer looks at, on the event loop, and has show what is new."""

    def has_news(self) -> bool:
        """Whether there is anything to show."""

    def has_more(self) -> bool:
        """Whether there is something that takes long to put up."""

    def show_news(self, more: bool) -> None:
        """Show what there is, with the document's lock; and if `more`, put up one thing that takes long."""


class Pulse:
    """The pages of one event loop."""

    def __init__(self):
        self._pages: dict[Refreshable, Document] = {}
        self._called: set[Refreshable] = set()  # they will have the lock and have not yet
        self._builds: Refreshable | None = None  # the one of these whose turn it is
        self._timer = PeriodicCallback(self._beat, TICK)

    def add(self, page: Refreshable, document: Document) -> None:
        """Look at a page until its session ends."""
        self._pages[page] = document
        document.on_session_destroyed(lambda _context: self._drop(page))
        if not self._timer.is_running():
            Context().run(self._timer.start)  # in that of this page, the timer would keep its document

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
        with current(document):  # the timer began in the context of another page
            page.show_news(more)

    def _answered(self, page: Refreshable) -> None:
        self._called.discard(page)
        if self._builds is page:
            self._builds = None


_pulses: WeakKeyDictionary[IOLoop, Pulse] = WeakKeyDictionary()


def watch(page: Refreshable, document: Document) -> None:
    """Have a page looked at by the timer of the event loop that this is called on."""
    _pulses.setdefault(IOLoop.current(), Pulse()).add(page, document)
