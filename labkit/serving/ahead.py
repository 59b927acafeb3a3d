"""Pages prepared in advance: sessions that are built, and documents that are written, before a browser needs them.

Building a page takes a quarter of a second, and the controls and further pictures take as long again. In that time the
visitor's browser, often on the same two cores, reads its scripts. A page file with `AHEAD = True` therefore gets
sessions in advance, one per expected visitor. The next visitor who opens the page without settings in its address gets
one. The content of such a page must not depend on the time when it was built.

Writing a document as text takes another tenth of a second. The server does it while the browser still reads scripts.
"""

import asyncio
from collections.abc import Callable

from tornado.ioloop import IOLoop

from labkit.private.bokeh import (
    RETURN,
    ApplicationContext,
    ServerSession,
    build_session,
    greet,
    release,
    renew,
    replace_handlers,
    write,
)
from labkit.private.panel import PageHandler, SocketHandler, serve_style_sheets
from labkit.serving import limits
from labkit.serving.sockets import Prompt

QUIET = 4.0  # seconds from a visit until the next session is built: by then the visitor's browser has done its work
PAUSE = 2.0  # seconds between two builds while a page is open: all pages stop during a build
FILLED = 0.3  # seconds until a new session has its first picture
SETTLES = 1.2  # seconds until it then has all controls and further pictures
STILL = 6.0  # seconds until a page without a viewer stops changing: one second more than `engine.AWAY`
CLAIMED = 60.0  # seconds that a visitor's browser may take to connect
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
    """

    def __init__(self, context: ApplicationContext, size: int, present: Callable[[], int], prefix: str = ""):
        self._context, self._size, self._present, self._prefix = context, size, present, prefix
        self._standing: list[ServerSession] = []
        self._next: object | None = None

    def take(self) -> ServerSession | None:
        """Return a waiting session, if there is one. The next is built when this visitor's browser is ready."""
        self._later(QUIET)
        return self._standing.pop(0) if self._standing else None

    def _later(self, seconds: float) -> None:
        loop = IOLoop.current()
        if self._next is not None:
            loop.remove_timeout(self._next)
        self._next = loop.call_later(seconds, self.fill)

    async def fill(self) -> None:
        """Build a session if one is missing, and schedule the next."""
        self._next = None
        if len(self._standing) < max(1, self._size - self._present()):
            await self._build()
        if len(self._standing) < self._size and self._next is None:
            self._later(PAUSE if self._present() else 0.0)

    async def _build(self) -> None:
        session = await build_session(self._context, self._prefix)
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


async def stock(context: ApplicationContext, size: int, present: Callable[[], int], prefix: str = "") -> None:
    """Keep waiting sessions for a page from now on. When this returns, the first one exists."""
    _stocks[context] = Stock(context, size, present, prefix)
    await _stocks[context].fill()


class Ready(PageHandler):
    """Sends the page of a waiting session, if there is one and the address has no settings."""

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
        stock = _stocks.get(self.application_context)
        session = stock.take() if stock and not self.request.query else None
        if session is None:
            return await super().get_session()
        IOLoop.current().call_later(CLAIMED, release, session)
        return session


def install() -> None:
    """Make the servers of this process use these handlers."""
    replace_handlers({PageHandler: Ready, SocketHandler: Prompt})
