"""Pages prepared in advance: sessions that are built, and documents that are written, before a browser needs them.

Building a page takes a quarter of a second, and the controls and further pictures take as long again. In that time
the visitor's browser, often on the same two cores, reads its scripts. A page file with `AHEAD` therefore gets
sessions in advance, one per expected visitor. The next visitor who opens the page without settings in its address
gets one. If several visitors are expected, one link with settings gets sessions, too (`expect`).

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
KEPT = 7200.0  # seconds for which a link is prepared
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
        self._end: object | None = None

    def take(self) -> ServerSession | None:
        """Return a waiting session, if there is one. The next is built when this visitor's browser is ready."""
        self._later(QUIET)
        self._discard()
        return self._standing.pop(0)[0] if self._standing else None

    def __len__(self) -> int:
        return len(self._standing)

    @property
    def class_size(self) -> int:
        """For how many visitors a link of the page is prepared: 0 if no class is expected."""
        return self._size if self._size > 1 else 0

    def linked(self, query: str) -> "Stock":
        """Return a new stock of the page with these settings, for a class whose visitors are all still to come."""
        before = self._present()
        return Stock(
            self._context, self._size, lambda: max(0, self._present() - before), self._prefix, self._basis, query
        )

    def expect(self, ended: Callable[[], None]) -> None:
        """Begin to build sessions soon. Call `ended` after the time for which a link is prepared."""
        loop = IOLoop.current()
        if self._end is not None:
            loop.remove_timeout(self._end)
        self._end = loop.call_later(KEPT, ended)
        self._later(QUIET)

    def close(self) -> None:
        """Discard all sessions and build no more."""
        self._size = 0
        for timeout in (self._next, self._end):
            if timeout is not None:
                IOLoop.current().remove_timeout(timeout)
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
        if self._next is None and self._size:
            self._later(0.0 if self._lacks() else CHECKS)

    def _lacks(self) -> bool:
        return self._size > 0 and len(self._standing) < max(1, self._size - self._present())

    async def _build(self) -> None:
        basis = self._basis()
        session = await build_session(self._context, self._prefix, self._query)
        if not self._size:  # closed meanwhile
            release(session)
            return
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
_links: dict[tuple[ApplicationContext, str], Stock] = {}  # the link that is prepared, by its page and query
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


def offer(route: str, query: str) -> int:
    """Return for how many visitors `expect` prepares a link: 0 without settings, or if no class is expected."""
    stock = _stock(route)
    return stock[1].class_size if stock and query else 0


def expect(route: str, query: str) -> int:
    """Prepare a page with the settings of a link, instead of the link before. Return for how many visitors, or 0."""
    offered, found = offer(route, query), _stock(route)
    if found is None or not offered:
        return 0
    context, stock = found
    place = context, query
    if place not in _links:
        _forget(*_links)
        _links[place] = stock.linked(query)
    _links[place].expect(lambda: _forget(place))
    return offered


def _stock(route: str) -> tuple[ApplicationContext, Stock] | None:
    return next(((context, stock) for context, stock in _stocks.items() if context.url == route), None)


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
