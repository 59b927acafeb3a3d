"""Which requests are answered: those that name a host of this server and that can be read.

A page of another site can point its own name at this machine ("DNS rebinding") and then read what this server sends:
its browser takes both for one site. Such a request still carries the other site's name in its Host header.
"""

import ipaddress
import re
from collections.abc import Iterable

from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, HTTPError, RequestHandler

from labkit.private.tornado import ask_first, reached


class Stranger(Matcher):
    """Matches a request whose Host is neither a known name nor the address at which its connection arrived."""

    def __init__(self, names: Iterable[str]):
        self.names = frozenset(map(plain, names))

    def match(self, request: HTTPServerRequest) -> dict | None:
        name = plain(request.host_name)
        known = name in self.names or name.endswith(".localhost") or name == _reached(request)
        return None if known else {}


class Refusal(RequestHandler):
    """Returns status 403 and a line that names the option which lets the host in."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        name = plain(self.request.host_name)
        self.finish(f"labkit: this server is not called {name}. If it should be, start it with --allow-host {name}\n")


class Unreadable(Matcher):
    """Matches a request on which Bokeh or tornado would fail: a path with a zero byte, a token that is none."""

    def match(self, request: HTTPServerRequest) -> dict | None:
        tokens = request.arguments.get("bokeh-token", [])
        return {} if "%00" in request.path or not all(map(_is_token, tokens)) else None


class Mistake(RequestHandler):
    """Returns status 400."""

    def prepare(self) -> None:
        raise HTTPError(400)


def guard(application: Application, names: Iterable[str]) -> None:
    """Answer only requests, of pages and of websockets, that name one of these hosts and can be read."""
    ask_first(application, [Rule(Stranger(names), Refusal), Rule(Unreadable(), Mistake)])


def checked(name: str) -> str:
    """Return the plain spelling of a host name or address that a user wrote.

    Raises:
        ValueError: it is none, or has a port.
    """
    found = plain(name)
    if not (_is_address(found) or re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", found)):
        raise ValueError(f"--allow-host takes a name such as class.example or an address, no port, got {name!r}")
    return found


def plain(name: str) -> str:
    """Return a host name in one spelling: small letters, no brackets, no dot at its end, addresses in short form."""
    name = name.lower().removesuffix(".").removeprefix("[").removesuffix("]")
    if not _is_address(name):
        return name
    address = ipaddress.ip_address(name)
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_token(token: bytes) -> bool:
    try:
        return bool(get_session_id(token.decode()))
    except Exception:  # it is the client's: whatever is wrong with it
        return False


def _reached(request: HTTPServerRequest) -> str | None:
    """Return this machine's address to which the browser connected: it may have more than it can list."""
    address = reached(request)
    return None if address is None else plain(address.partition("%")[0])
