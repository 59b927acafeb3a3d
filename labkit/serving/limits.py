"""Limits of what visitors may take from a server, and the plain page for a visitor who is over a limit.

A session begins when a browser requests a page, and ends about a minute after its last page is closed.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from bokeh.application.application import SessionContext
from bokeh.document import Document
from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, RequestHandler

from labkit.engine_account import Account
from labkit.private.bokeh import RETURN
from labkit.private.tornado import ask_first
from labkit.serving.settings import Limits
from labkit.views import accounts

SETTING = "labkit_visitors"  # the name under which a server's application keeps its visitors
AGAIN = 30  # seconds after which a refused browser tries again

_log = logging.getLogger(__name__)

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{again}"><title>labkit is full</title>
<body style="max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 18px/1.5 system-ui, sans-serif">
<h1 style="font-size: 1.4rem">labkit is full</h1><p>{text}</p>
<p>This page automatically tries again every {again} seconds.</p></body></html>
"""


class Refusal(NamedTuple):
    """A status of HTTP and a sentence with the limit."""

    status: int
    text: str


@dataclass
class Visit:
    """A session: its page, its account, and the address of its visitor. A prepared session has no address yet."""

    page: str
    account: Account
    address: str | None
    began: float = field(default_factory=time.monotonic)


class Visitors:
    """The sessions of a server, by their identifiers.

    Attributes:
        opened: number of visitors' sessions since the server began.
        counts: whether new sessions belong to visitors. The server's own first requests do not.
    """

    def __init__(self, limits: Limits):
        self.limits, self.opened, self.counts = limits, 0, False
        self._visits: dict[str, Visit] = {}

    def build(self, document: Document, page: str) -> None:
        """Note that a session is built on a document, and limit the steps of its runs."""
        context = document.session_context
        account = Account(self.limits.steps, self.limits.away)
        accounts.start(document, account)
        self._visits[context.id] = Visit(page, account, None)
        document.on_session_destroyed(self._end)
        if address := getattr(context.request, "remote_ip", None):  # otherwise it is prepared
            self.arrive(context.id, address)

    def arrive(self, session: str, address: str | None) -> None:
        """Note that a visitor at this address has the session from now on."""
        visit = self._visits.get(session)
        if self.counts and visit and visit.address is None:
            self.opened += 1
            visit.address, visit.began = address or "", time.monotonic()

    def has(self, session: str) -> bool:
        """Return whether a session exists."""
        return session in self._visits

    @property
    def present(self) -> int:
        """The number of visitors' open sessions."""
        return sum(visit.address is not None for visit in self._visits.values())

    def refusal(self, address: str | None) -> Refusal | None:
        """Return why a visitor at this address gets no further session, or None if one is allowed."""
        if self.present >= self.limits.sessions:
            return Refusal(
                503,
                f"This server has {self.limits.sessions} open sessions, its limit (--max-sessions). A session ends "
                "a minute after its page is closed. Ask the person who started the server for a higher limit.",
            )
        mine = sum(visit.address == (address or "") for visit in self._visits.values())
        if mine >= self.limits.per_address:
            return Refusal(
                429,
                f"Your network address has {self.limits.per_address} open sessions, its limit "
                "(--max-sessions-per-address). Close other pages of labkit; their sessions end a minute later.",
            )
        return None

    def _end(self, context: SessionContext) -> None:
        visit = self._visits.pop(context.id, None)
        if visit and visit.address is not None:
            seconds = time.monotonic() - visit.began
            _log.info("session ended: page=%s seconds=%.0f steps=%d", visit.page, seconds, visit.account.steps)


class Crowded(Matcher):
    """Matches a request that would open a session over a limit: of a page, or of a websocket without a session.

    Args:
        paths: the paths of all pages.
    """

    def __init__(self, paths: Iterable[str], visitors: Visitors):
        self.visitors, bare = visitors, [path.rstrip("/") for path in paths]
        self._pages = frozenset(path + end for path in bare for end in ("", "/", "/autoload.js"))
        self._sockets = frozenset(f"{path}/ws" for path in bare)

    def match(self, request: HTTPServerRequest) -> dict | None:
        if request.path in self._pages or (request.path in self._sockets and not self._has_session(request)):
            known = request.arguments.get(RETURN, [b""])[-1].decode(errors="replace")
            refusal = None if self.visitors.has(known) else self.visitors.refusal(request.remote_ip)
            return refusal and {"path_kwargs": {"status": str(refusal.status), "text": refusal.text}}
        return None

    def _has_session(self, request: HTTPServerRequest) -> bool:
        token = request.headers.get("Sec-WebSocket-Protocol", "").rpartition(",")[2].strip()
        try:
            return self.visitors.has(get_session_id(token))
        except Exception:  # the client chose it, so anything may be wrong with it
            return False


class Sorry(RequestHandler):
    """Returns the plain page with the limit."""

    def prepare(self) -> None:
        self.set_status(int(self.path_kwargs["status"]))
        self.set_header("Retry-After", str(AGAIN))
        self.finish(_PAGE.format(text=escape(self.path_kwargs["text"]), again=AGAIN))


def limit(application: Application, paths: Iterable[str], visitors: Visitors) -> None:
    """Refuse new sessions over the limits of a server.

    Args:
        paths: the paths of all pages.
    """
    application.settings[SETTING] = visitors
    ask_first(application, [Rule(Crowded(paths, visitors), Sorry)])
