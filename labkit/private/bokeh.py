"""What labkit uses of Bokeh's server that Bokeh does not promise to keep."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.document.events import DocumentChangedEvent
from bokeh.document.json import DocJson
from bokeh.events import DocumentReady
from bokeh.server.callbacks import PeriodicCallback
from bokeh.server.contexts import ApplicationContext
from bokeh.server.server import Server
from bokeh.server.session import ServerSession
from bokeh.server.urls import per_app_patterns
from bokeh.server.util import check_allowlist
from bokeh.util.token import generate_jwt_token, generate_session_id, get_token_payload
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

SOCKET = "bokeh.server.views.ws"
"""The module of a page's websocket, and the name of its logger."""

LOGGERS = (SOCKET, "bokeh.server.protocol_handler", "bokeh.protocol")
"""Loggers that report invalid messages from clients."""


def application(server: Server) -> Application:
    """Return the tornado application of a server, for headers and rules of every route.

    The public way builds a Server from an application, and leaves out everything that `pn.serve` does.
    """
    return server._tornado


def contexts(server: Server) -> Mapping[str, ApplicationContext]:
    """Return the contexts, which create the sessions of each page, by route."""
    return server._tornado.applications


def watchers(server: Server) -> int:
    """Return the number of browsers that show a page."""
    return sum(session.connection_count for context in contexts(server).values() for session in context.sessions)


def allow_origins(server: Server, origins: Iterable[str]) -> None:
    """Allow pages of these additional origins to open websockets.

    Bokeh's own argument refuses IPv6 and needs the port before it is bound. The set behind it has neither limit.
    """
    server._tornado.websocket_origins.update(origins)


def replace_handlers(ours: Mapping[type[RequestHandler], type[RequestHandler]]) -> None:
    """Replace request handlers, given as old class -> new class, for all servers that this process builds later.

    Panel itself replaces Bokeh's classes in this list. A server does not take handlers as arguments.
    """
    pairs: Iterable[tuple[str, type[RequestHandler]]] = per_app_patterns  # type: ignore[assignment]  # none has more
    per_app_patterns[:] = [(route, ours.get(handler, handler)) for route, handler in pairs]


async def build_session(context: ApplicationContext, prefix: str = "", query: str = "") -> ServerSession:
    """Return a session of a page with the settings of a query, before any browser requests it.

    It stays until `release`.

    Bokeh builds a session only for a request, and discards it if no browser connects.
    """
    address = f"{prefix}{context.url}" + (f"?{query}" if query else "")
    line = RequestStartLine("GET", address, "HTTP/1.1")
    plain = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost"}))
    session = await context.create_session_if_needed(generate_session_id(), plain)
    session.block_expiration()
    return session


RETURN = "bokeh-session-id"
"""The name in an address by which a browser requests the page of a session that exists."""


def renew(session: ServerSession) -> None:
    """Give a session a new token, so that another page can connect to it. A token expires after five minutes."""
    if session._token:
        payload = {name: value for name, value in get_token_payload(session._token).items() if name != "session_expiry"}
        session._token = generate_jwt_token(session.id, extra_payload=payload)


def release(session: ServerSession) -> None:
    """Allow Bokeh to discard a session when no browser is connected to it."""
    session.unblock_expiration()


def has_tasks(document: Document) -> bool:
    """Return whether a callback of the document still has to run once; periodic ones do not count."""
    return not all(isinstance(each, PeriodicCallback) for each in document.session_callbacks)


async def greet(session: ServerSession) -> None:
    """Notify a session that a browser has loaded its document, as a browser would."""
    if not session.destroyed:
        ready = session.document.callbacks.trigger_event, DocumentReady()
        await session.with_document_locked(*ready)  # type: ignore[misc]  # its decorator makes it a coroutine


class Written:
    """A document as text, prepared for the first browser that requests it.

    After that request, or after a change of the document, this has no more effect. Bokeh itself creates the text only
    when the browser requests it.
    """

    def __init__(self, document: Document):
        self._document, self._write = document, document.to_json
        self._found: Serialized[DocJson] | None = document.to_json()
        document.on_change(self._changed)
        document.to_json = self  # type: ignore[method-assign, assignment]  # replaced on purpose

    def _changed(self, _event: DocumentChangedEvent) -> None:
        self._leave()  # also when a callback is added or removed: Panel may not report changes under `hold`

    def _leave(self) -> Serialized[DocJson] | None:
        found, self._found = self._found, None
        if found is not None:
            self._document.remove_on_change(self._changed)
            self._document.to_json = self._write  # type: ignore[method-assign]  # and put back
        return found

    def __call__(self, *, deferred: bool = True) -> Serialized[DocJson] | DocJson:
        found = self._leave()
        if not deferred:
            return self._write(deferred=False)
        return found or self._write(deferred=True)


def write(session: ServerSession) -> None:
    """Write the session's document, unless the session has ended or its browser has the document."""
    if not session.destroyed and not session.connection_count:
        Written(session.document)


def is_pull(message: object) -> bool:
    """Return whether a logged message is a browser's request for its document."""
    return getattr(message, "msgtype", "") == "PULL-DOC-REQ"


def document_of(application: Application, session_id: object) -> tuple[str, Document] | None:
    """Return the route and the document of a session, None if it has ended. No public way finds both by its id."""
    contexts: Mapping[str, ApplicationContext] = getattr(application, "applications", {})
    for route, context in contexts.items():
        for session in context.sessions:
            if session.id == session_id and not session.destroyed:
                return route, session.document
    return None


def may_connect(application: Application, origin: str) -> bool:
    """Return whether a page of this origin may open a websocket here, by the list of `allow_origins`."""
    return check_allowlist(urlsplit(origin).netloc.lower(), list(getattr(application, "websocket_origins", ())))
