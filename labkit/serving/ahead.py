"""What is done before it is asked for: sessions that stand, documents that are written. Answers that never wait.

Building a page takes this process a quarter of a second, during which the visitor's browser, often on the same two
cores, reads its scripts. A page file that says `AHEAD = True` has one session built while nobody waits; whoever asks
next for the plain page gets it. What such a page shows must not depend on when it was built.

Writing any document as text takes another tenth of a second: that is done while its browser still reads scripts.
"""

from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.document.events import DocumentChangedEvent
from bokeh.document.json import DocJson
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from bokeh.server.urls import per_app_patterns
from bokeh.util.token import generate_session_id
from panel.io.server import DocHandler, WSHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop

QUIET = 4.0  # seconds after a visitor until the next session is built: his browser is done with its own work
CLAIMED = 60.0  # seconds that a visitor's browser may take to connect
READS = 0.15  # seconds after a page was sent: its pictures have been filled, and its browser has yet to ask for them

_spare: dict[ApplicationContext, ServerSession | None] = {}  # None: nobody has come since one was taken


async def build(context: ApplicationContext) -> None:
    """Build a session for the next visitor of a page, unless there is one."""
    if _spare.get(context) is None:
        plain = HTTPServerRequest("GET", context.url, headers=HTTPHeaders())
        session = await context.create_session_if_needed(generate_session_id(), plain)
        session.block_expiration()  # Bokeh throws away what nobody connects to
        _spare[context] = session


class Written:
    """A document as text, for the browser that asks first; the document is as before once it has, or has changed."""

    def __init__(self, document: Document):
        self._document, self._write, self._found = document, document.to_json, document.to_json()
        document.on_change(self._changed)
        document.to_json = self

    def _changed(self, _event: DocumentChangedEvent) -> None:
        self._leave()

    def _leave(self) -> Serialized | None:
        found, self._found = self._found, None
        if found is not None:
            self._document.remove_on_change(self._changed)
            self._document.to_json = self._write
        return found

    def __call__(self, *, deferred: bool = True) -> Serialized | DocJson:
        found = self._leave()
        return found if found and deferred else self._write(deferred=deferred)


def write(session: ServerSession) -> None:
    """Write the session's document unless it is gone already."""
    if not session.destroyed:
        Written(session.document)


class Ready(DocHandler):
    """The page of a session that stands already, where there is one and the address asks for nothing particular."""

    async def get_session(self) -> ServerSession:
        session = await self._stands()
        IOLoop.current().call_later(READS, write, session)
        return session

    async def _stands(self) -> ServerSession:
        context, loop = self.application_context, IOLoop.current()
        if context not in _spare or self.request.query:
            return await super().get_session()
        session, _spare[context] = _spare[context], None
        loop.call_later(QUIET, build, context)
        if session is None:
            return await super().get_session()
        loop.call_later(CLAIMED, session.unblock_expiration)
        return session


class Prompt(WSHandler):
    """A websocket whose small messages do not wait until the browser has acknowledged the ones before (40 ms each)."""

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        return super().open(*args, **kwargs)


def install() -> None:
    """Have the servers of this process answer so; as Panel itself does, by the list that Bokeh keeps for that."""
    ours = {DocHandler: Ready, WSHandler: Prompt}
    per_app_patterns[:] = [(route, ours.get(handler, handler)) for route, handler in per_app_patterns]
