"""What labkit uses of tornado that tornado does not promise to keep."""

import struct
from collections.abc import Iterable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.routing import Rule
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


def ask_first(application: Application, rules: Iterable[Rule]) -> None:
    """Make an application check these rules before all others.

    The public `add_handlers` puts rules behind those of every host, where no page request arrives.
    """
    application.default_router.rules[:0] = rules


def handlers(application: Application) -> list[type[RequestHandler]]:
    """Return the handler classes of an application's routes. No public method lists them."""
    return [rule.target for rule in application.wildcard_router.rules]


def reached(request: HTTPServerRequest) -> str | None:
    """Return the address of this machine at which a request arrived, or None after the client has disconnected.

    A request has a public name for the client's address, but not for ours.
    """
    stream: Any = getattr(request.connection, "stream", None)
    try:
        return stream.socket.getsockname()[0]
    except (AttributeError, OSError):
        return None


def on_the_wire(message: bytes) -> bytes:
    """Return a binary message as a websocket frame of a server (RFC 6455, section 5.2), ready for many sockets.

    The public `write_message` makes the frame again, and a task, for every socket.
    """
    n = len(message)
    if n < 126:
        return struct.pack("!BB", 0x82, n) + message
    return (struct.pack("!BBH", 0x82, 126, n) if n < 1 << 16 else struct.pack("!BBQ", 0x82, 127, n)) + message


def is_writing(socket: WebSocketHandler) -> bool:
    """Return whether a websocket has not sent all of its earlier messages. A closed socket writes forever."""
    stream: Any = getattr(socket.ws_connection, "stream", None)
    return stream is None or stream.closed() or stream.writing()


def write_wire(socket: WebSocketHandler, frame: bytes) -> None:
    """Write a frame of `on_the_wire` to a websocket without compression. A closed socket takes nothing."""
    stream: Any = getattr(socket.ws_connection, "stream", None)
    if stream is not None and not stream.closed():
        try:
            stream.write(frame).add_done_callback(lambda done: done.exception())  # a client may leave at any time
        except StreamClosedError:
            return
