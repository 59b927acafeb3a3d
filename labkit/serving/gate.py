"""Refuses requests that name a host which is not this server, or that cannot be read.

A page of another site can point its own name at this machine ("DNS rebinding"). The browser then takes both for one
site, so the page can read what this server sends. Such a request still has the other site's name in its Host header.
"""

import ipaddress
import re
from collections.abc import Iterable

from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest, split_host_and_port
from tornado.routing import Matcher, Rule
from tornado.web import Application, HTTPError, RequestHandler

from labkit.private.tornado import ask_first, reached

_PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded")  # a proxy writes one of these headers


class Stranger(Matcher):
    """Matches a request for a host that is neither a known name nor the address to which the client connected.

    Args:
        forwarded: whether a proxy reports, in the header X-Forwarded-Host, the name that the browser used. Then both
            names must be known, because a page of another site can write the header itself.
    """

    def __init__(self, names: Iterable[str], forwarded: bool = False):
        self.names, self.forwarded = frozenset(map(plain, names)), forwarded

    def match(self, request: HTTPServerRequest) -> dict | None:
        for name in self._named(request):
            if not (name in self.names or name.endswith(".localhost") or name == _reached(request)):
                return {"path_kwargs": {"name": name}}
        return None

    def _named(self, request: HTTPServerRequest) -> list[str]:
        other = forwarded_host(request) if self.forwarded else ""
        return [plain(request.host_name), *([plain(split_host_and_port(other)[0])] if other else [])]


def is_direct(request: HTTPServerRequest) -> bool:
    """Return whether a request comes from this machine, without a proxy."""
    return not any(name in request.headers for name in _PROXIED) and _is_loopback(request.remote_ip)


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def forwarded_host(request: HTTPServerRequest) -> str:
    """Return the host and port that the browser used, as the nearest proxy reports them; "" without a report."""
    return request.headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()


class Refusal(RequestHandler):
    """Returns status 403 and a line that names the option which allows the host."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        name = self.path_kwargs["name"]
        self.finish(f"labkit: this server is not called {name}. If it should be, start it with --allow-host {name}\n")


class Unreadable(Matcher):
    """Matches a request on which Bokeh or tornado would fail: a zero byte in the path, or an invalid token."""

    def match(self, request: HTTPServerRequest) -> dict | None:
        tokens = request.arguments.get("bokeh-token", [])
        return {} if "%00" in request.path or not all(map(_is_token, tokens)) else None


class Mistake(RequestHandler):
    """Returns status 400."""

    def prepare(self) -> None:
        raise HTTPError(400)


def guard(application: Application, names: Iterable[str], forwarded: bool = False) -> None:
    """Serve only requests that name one of these hosts and can be read. This covers pages and websockets."""
    ask_first(application, [Rule(Stranger(names, forwarded), Refusal), Rule(Unreadable(), Mistake)])


def checked(name: str) -> str:
    """Return the plain spelling of a host name or address that a user wrote.

    Raises:
        ValueError: the name is not valid, or has a port.
    """
    found = plain(name)
    if not (_is_address(found) or re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", found)):
        raise ValueError(f"--allow-host takes a name such as class.example or an address, no port, got {name!r}")
    return found


def plain(name: str) -> str:
    """Return a host name in a standard spelling: lower case, no brackets, no final dot, addresses in short form."""
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
    except Exception:  # the client chose it, so anything may be wrong with it
        return False


def _reached(request: HTTPServerRequest) -> str | None:
    """Return the address to which the browser connected. A machine may have more addresses than it can list."""
    address = reached(request)
    return None if address is None else plain(address.partition("%")[0])
