"""The websocket of a page."""

import logging
from urllib.parse import urlsplit

from tornado.websocket import WebSocketHandler

from labkit.private.bokeh import may_connect
from labkit.private.panel import SocketHandler
from labkit.serving import gate, limits, network

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

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a part of a message from the browser; close the connection if it is too long."""
        visitors = self.settings.get(limits.SETTING)
        size = len(fragment if isinstance(fragment, bytes) else fragment.encode())
        if visitors and size > visitors.limits.message:
            most = visitors.limits.message
            self.close(TOO_BIG, f"A message of {size:,} bytes; the limit is {most:,} (--max-message-bytes).")
            return
        await super().on_message(fragment)

    def open(self, *args: str, **kwargs: str) -> None:
        if self.ws_connection is not None:  # otherwise the browser has already disconnected
            self.set_nodelay(True)
        return super().open(*args, **kwargs)
