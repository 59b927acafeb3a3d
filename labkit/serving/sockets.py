"""The websocket of a page."""

import json
import logging
from urllib.parse import urlsplit

from tornado.websocket import WebSocketHandler

from labkit.private.bokeh import may_connect
from labkit.private.panel import SocketHandler
from labkit.serving import gate, limits, network
from labkit.serving.settings import Limits

_log = logging.getLogger(__name__)

TOO_BIG = 1009  # the code of a websocket that is closed because of a large message


class OwnPages(WebSocketHandler):
    """A websocket that only pages of this server and of the allowed sites may open."""

    def check_origin(self, origin: str) -> bool:
        """Return whether a page of another origin may open a websocket here; if not, the log names the option."""
        known = may_connect(self.application, origin)
        allowed = known or self._network.allows(origin) or self._is_forwarded(origin)
        if not allowed:
            _log.warning(
                "refused the websocket of a page at %s; allow it by labkit serve --allow-origin %s", origin, origin
            )
        return allowed

    def _is_forwarded(self, origin: str) -> bool:
        """Whether the page came from this server through a proxy, which reports the host that the browser used."""
        named = gate.forwarded_host(self.request)  # the gate has checked it
        return self._network.forwarded and bool(named) and urlsplit(origin).netloc.lower() == named.lower()

    @property
    def _network(self) -> network.Network:
        return self.settings.get(network.SETTING, network.ALONE)


class Prompt(OwnPages, SocketHandler):
    """A websocket that sends small messages at once, without waiting for the browser to acknowledge earlier ones.

    Each wait would take 40 ms.
    """

    _left = _size = 0  # parts that the message still has, and its bytes so far

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a part of a message from the browser; close the connection if the message is too long."""
        visitors = self.settings.get(limits.SETTING)
        reason = self._excess(fragment, visitors.limits) if visitors else ""
        if reason:
            self.close(TOO_BIG, reason)
            return
        await super().on_message(fragment)

    def _excess(self, fragment: str | bytes, most: Limits) -> str:
        """Return which limit the message exceeds with this part, "" if none.

        A message has a head, facts about it, its content, and two parts for each array.
        """
        if not self._left:
            arrays = _arrays(fragment)
            if arrays > most.parts:
                return f"A message with {arrays:,} binary parts; the limit is {most.parts:,} (--max-message-parts)."
            self._left, self._size = 3 + 2 * arrays, 0
        self._left -= 1
        self._size += len(fragment if isinstance(fragment, bytes) else fragment.encode())
        if self._size > most.message:
            return f"A message of {self._size:,} bytes; the limit is {most.message:,} (--max-message-bytes)."
        return ""

    def open(self, *args: str, **kwargs: str) -> None:
        if self.ws_connection is not None:  # otherwise the browser has already disconnected
            self.set_nodelay(True)
        return super().open(*args, **kwargs)


def _arrays(head: str | bytes) -> int:
    """Return the number of arrays that the head of a message announces. Bokeh refuses a head that cannot be read."""
    try:
        found = json.loads(head).get("num_buffers", 0)
    except (ValueError, AttributeError, RecursionError):
        return 0
    return found if isinstance(found, int) and found > 0 else 0
