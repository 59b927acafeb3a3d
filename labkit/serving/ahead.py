"""Pages prepared in advance: sessions that are built, and documents that are written, before a browser needs them.

Building a page takes a quarter of a second, and the controls and further pictures take as long again. In that time
the visitor's browser, often on the same two cores, reads its scripts. A page file with `AHEAD` therefore gets
sessions in advance, one per expected visitor. The next visitor who opens the page without settings in its address
gets one. If several visitors are expected, the link that was shared last on this machine gets sessions, too
(`expect`).

`AHEAD = True` means that the page always shows the same. If AHEAD is a function, it returns what the page depends on,
for example the names in a folder. When this changes, the waiting sessions of the page are discarded.

Writing a document as text takes another tenth of a second. The server does it while the browser still reads scripts.
"""

import asyncio
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

from tornado.ioloop import IOLoop

from labkit.private.bokeh import (
    RETURN,
    ApplicationContext,
    ServerSession,
    build_session,
    greet,
    has_tasks,
    release,
    renew,
    replace_handlers,
    write,
)
from labkit.private.panel import PageHandler, SocketHandler, serve_style_sheets
from labkit.serving import limits
from labkit.serving.sockets import Prompt
from labkit.views import shown

QUIET = 4.0  # seconds from a visit until the next session is built: by then the visitor's browser has done its work
PAUSE = 2.0  # seconds between two builds while a page is open: all pages stop during a build
CHECKS = 20.0  # seconds between two checks of what a page depends on
LOOK = 0.1  # seconds between two looks at whether a new session is complete
LONGEST = 300.0  # seconds that a new session gets to be complete
STILL = 6.0  # seconds until a page without a viewer stops changing: one second more than `engine.AWAY`
CLAIMED = 60.0  # seconds that a visitor's browser may take to connect
KEPT = 7200.0  # seconds for which a shared link is prepared
READS = 0.15  # seconds after a page was sent: its pictures are ready, and the browser has not requested them yet


class Stock:
    """Sessions that wait for the next visitors of a page.

    If one visitor is expected, the session has only the first picture, which the browser then gets as early as
    possible. If several are expected, each session is complete: a class opens the page at the same moment, and
    completing thirty pages then would take too long.

    Args:
        size: number of expected visitors. Visitors who have already arrived are not counted.
        present: returns the number of visitors on all pages.
        prefix: the path under which the server has its pages.
        basis: returns what the page depends on.
        query: settings of the page, as in its address.
    """

    def __init__(
        self,
        context: ApplicationContext,
        size: int,
        present: Callable[[], int],
        prefix: str = "",
        basis: Callable[[], object] = lambda: None,
        query: str = "",
    ):
        self._context, self._size, self._present, self._prefix, self._basis = context, size, present, prefix, basis
        self._query = query
        self._standing: list[tuple[ServerSession, object]] = []  # each with what it depends on
        self._next: object | None = None

    def take(self) -> ServerSession | None:
        """Return a waiting session, if there is one. The next is built when this visitor's browser is ready."""
        self._later(QUIET)
        self._discard()
        return self._standing.pop(0)[0] if self._standing else None

    def __len__(self) -> int:
        return len(self._standing)

    def linked(self, query: str) -> "Stock | None":
        """Return a new stock of the page with these settings; None if a class is not expected."""
        few = self._size < 2
        return None if few else Stock(self._context, self._size, self._present, self._prefix, self._basis, query)

    def expect(self) -> int:
        """Begin to build sessions soon. Return for how many visitors."""
        self._later(QUIET)
        return self._size

    def close(self) -> None:
        """Discard all sessions and build no more."""
        self._size = 0
        if self._next is not None:
            IOLoop.current().remove_timeout(self._next)
        for session, _ in self._standing:
            release(session)
        self._standing = []

    def _discard(self) -> None:
        """Discard the sessions that would be built otherwise now."""
        basis = self._basis()
        for session, before in self._standing:
            if before != basis:
                release(session)
        self._standing = [(session, before) for session, before in self._standing if before == basis]

    def _later(self, seconds: float) -> None:
        loop = IOLoop.current()
        if self._next is not None:
            loop.remove_timeout(self._next)
        self._next = loop.call_later(seconds, self.fill)

    async def fill(self) -> None:
        """Build a session if one is missing, and schedule the next."""
        self._next = None
        self._discard()
        if self._lacks():
            async with _building.setdefault(IOLoop.current(), asyncio.Lock()):
                if self._lacks():  # no other call has built it meanwhile
                    await self._build()
                    await asyncio.sleep(PAUSE if self._present() else 0.0)
        if self._next is None:
            self._later(0.0 if self._lacks() else CHECKS)

    def _lacks(self) -> bool:
        return self._size > 0 and len(self._standing) < max(1, self._size - self._present())

    async def _build(self) -> None:
        basis = self._basis()
        session = await build_session(self._context, self._prefix, self._query)
        self._standing.append((session, basis))
        if self._size > 1:
            await complete(session)
            IOLoop.current().call_later(STILL, self._finish, session)

    def _finish(self, session: ServerSession) -> None:
        if any(session is each for each, _ in self._standing):
            serve_style_sheets(session.document)
            write(session)


def waiting() -> int:
    """Return the number of sessions that wait for visitors, of all pages."""
    return sum(len(each) for each in (*_stocks.values(), *_links.values()))


async def complete(session: ServerSession) -> None:
    """Return when a new session has all its pictures and controls, as for a browser that looks at it, or has ended."""
    if session.destroyed:
        return
    document, until = session.document, time.monotonic() + LONGEST

    def goes_on() -> bool:
        return not session.destroyed and time.monotonic() < until

    while goes_on() and has_tasks(document):  # its main part comes later
        await asyncio.sleep(LOOK)
    if session.destroyed:
        return
    await greet(session)
    live = shown.on(document)
    while live is not None and goes_on():
        live.run.watched()  # without a signal for some seconds, nothing more is built
        if not live.has_more() and not has_tasks(document):
            return
        await asyncio.sleep(LOOK)


_stocks: dict[ApplicationContext, Stock] = {}
_links: dict[tuple[ApplicationContext, str], Stock] = {}  # the link that was shared last, by its page and query
_building: WeakKeyDictionary[IOLoop, asyncio.Lock] = WeakKeyDictionary()  # one session is built at a time


async def stock(
    context: ApplicationContext,
    size: int,
    present: Callable[[], int],
    prefix: str = "",
    basis: Callable[[], object] = lambda: None,
) -> None:
    """Keep waiting sessions for a page from now on. When this returns, the first one exists."""
    _stocks[context] = Stock(context, size, present, prefix, basis)
    await _stocks[context].fill()


def expect(route: str, query: str) -> int:
    """Prepare a page with the settings of a link, instead of the link before. Return for how many visitors, or 0."""
    context, stock = next(((each, stock) for each, stock in _stocks.items() if each.url == route), (None, None))
    if context is None or not query:
        return 0
    place = context, query
    if place not in _links:
        found = stock.linked(query)
        if found is None:
            return 0
        _forget(*_links)
        _links[place] = found
        IOLoop.current().call_later(KEPT, _forget, place)
    return _links[place].expect()


def _forget(*places: tuple[ApplicationContext, str]) -> None:
    for place in places:
        if place in _links:
            _links.pop(place).close()


class Ready(PageHandler):
    """Sends the page of a waiting session, if there is one with the settings in the address."""

    def head(self, *_args: str, **_kwargs: str) -> None:
        """Return the headers of the page without building a session for it."""
        self.set_header("Content-Type", "text/html")

    async def get(self, *args: str, **kwargs: str) -> None:
        """Send a page. A browser that has lost its connection returns to its session, while that exists."""
        lost = self.get_query_argument(RETURN, "")
        if lost and all(session.id != lost for session in self.application_context.sessions):
            query = "&".join(part for part in self.request.query.split("&") if not part.startswith(f"{RETURN}="))
            here = self.request.path.rpartition("/")[2]  # relative: a proxy may serve labkit under another path
            self.redirect(f"./{here}" + (f"?{query}" if query else ""))
            return
        await super().get(*args, **kwargs)

    async def get_session(self) -> ServerSession:
        session = await self._stands()
        renew(session)
        if visitors := self.settings.get(limits.SETTING):
            visitors.arrive(session.id, self.request.remote_ip)
        IOLoop.current().call_later(READS, write, session)
        return session

    async def _stands(self) -> ServerSession:
        context, query = self.application_context, self.request.query
        stock = _links.get((context, query)) if query else _stocks.get(context)
        session = stock.take() if stock else None
        if session is None:
            return await super().get_session()
        IOLoop.current().call_later(CLAIMED, release, session)
        return session


def install() -> None:
    """Make the servers of this process use these handlers."""
    replace_handlers({PageHandler: Ready, SocketHandler: Prompt})
