"""What is done before it is asked for: sessions that stand, documents that are written. Answers that never wait.

Building a page takes this process a quarter of a second, during which the visitor's browser, often on the same two
cores, reads its scripts, and putting up what follows the first picture as long again. A page file that says
`AHEAD = True` has sessions built while nobody waits, as many as visitors are expected; whoever asks next for the plain
page gets one. What such a page shows must not depend on when it was built.

Writing any document as text takes another tenth of a second: that is done while its browser still reads scripts.
"""

import asyncio
from collections.abc import Callable

from tornado.ioloop import IOLoop

from labkit.private.bokeh import (
    ApplicationContext,
    ServerSession,
    build_session,
    greet,
    release,
    replace_handlers,
    write,
)
from labkit.private.panel import PageHandler, SocketHandler, serve_style_sheets
from labkit.serving.sockets import Prompt

QUIET = 4.0  # seconds after a visitor until the next session is built: his browser is done with its own work
PAUSE = 2.0  # seconds between two that are built while somebody looks at a page: all pages stop for each
FILLED = 0.3  # seconds until a session that was built has its first picture
SETTLES = 1.2  # seconds until one that was then told of a browser has put up all that follows
STILL = 6.0  # seconds until a page that nobody looks at does not change any more: a second more than `engine.AWAY`
CLAIMED = 60.0  # seconds that a visitor's browser may take to connect
READS = 0.15  # seconds after a page was sent: its pictures have been filled, and its browser has yet to ask for them


class Stock:
    """Sessions that stand for the next visitors of a page.

    Of one, a browser gets the first picture soonest, and what follows later. Of several, each has all that follows as
    well: a class comes at once, and the server would put that up for thirty while they wait.

    Args:
        size: of the visitors that are expected, so many; whoever has come is not waited for any more.
        present: says how many look at any page.
    """

    def __init__(self, context: ApplicationContext, size: int, present: Callable[[], int]):
        self._context, self._size, self._present = context, size, present
        self._standing: list[ServerSession] = []
        self._next: object | None = None

    def take(self) -> ServerSession | None:
        """A session that stands, and the next will be built when this visitor's browser is done with its work."""
        self._later(QUIET)
        return self._standing.pop(0) if self._standing else None

    def _later(self, seconds: float) -> None:
        loop = IOLoop.current()
        if self._next is not None:
            loop.remove_timeout(self._next)
        self._next = loop.call_later(seconds, self.fill)

    async def fill(self) -> None:
        """Build a session if one is wanting, and see to the next."""
        self._next = None
        if len(self._standing) < max(1, self._size - self._present()):
            await self._build()
        if len(self._standing) < self._size and self._next is None:
            self._later(PAUSE if self._present() else 0.0)

    async def _build(self) -> None:
        session = await build_session(self._context)
        self._standing.append(session)
        if self._size > 1:
            await asyncio.sleep(FILLED)
            await greet(session)
            await asyncio.sleep(SETTLES)
            IOLoop.current().call_later(STILL, self._finish, session)

    def _finish(self, session: ServerSession) -> None:
        if session in self._standing:
            serve_style_sheets(session.document)
            write(session)


_stocks: dict[ApplicationContext, Stock] = {}


async def stock(context: ApplicationContext, size: int, present: Callable[[], int]) -> None:
    """Have sessions of a page stand from now on; the first does when this is done."""
    _stocks[context] = Stock(context, size, present)
    await _stocks[context].fill()


class Ready(PageHandler):
    """The page of a session that stands already, where there is one and the address asks for nothing particular."""

    def head(self, *_args: str, **_kwargs: str) -> None:
        """Return the headers of the page without building a session for it."""
        self.set_header("Content-Type", "text/html")

    async def get_session(self) -> ServerSession:
        session = await self._stands()
        IOLoop.current().call_later(READS, write, session)
        return session

    async def _stands(self) -> ServerSession:
        stock = _stocks.get(self.application_context)
        session = stock.take() if stock and not self.request.query else None
        if session is None:
            return await super().get_session()
        IOLoop.current().call_later(CLAIMED, release, session)
        return session


def install() -> None:
    """Have the servers of this process answer so."""
    replace_handlers({PageHandler: Ready, SocketHandler: Prompt})
