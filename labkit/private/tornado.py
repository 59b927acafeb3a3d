"""What labkit uses of tornado that tornado does not promise to keep."""

from collections.abc import Iterable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application, RequestHandler


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
