"""The websocket of a page."""

import logging
from urllib.parse import urlsplit

from labkit.private.panel import SocketHandler

_log = logging.getLogger(__name__)


class Prompt(SocketHandler):
    """A websocket that sends small messages at once, without waiting for the browser to acknowledge earlier ones.

    Each wait would take 40 ms.
    """

    def check_origin(self, origin: str) -> bool:
        """Return whether a page of another origin may open a websocket here; if not, the log names the option."""
        allowed = super().check_origin(origin)
        if not allowed:
            name = urlsplit(origin).hostname
            _log.warning(
                "refused the websocket of a page at %s; allow it by labkit serve --allow-host %s", origin, name
            )
        return allowed

    def open(self, *args: str, **kwargs: str) -> None:
        if self.ws_connection is not None:  # otherwise the browser has already disconnected
            self.set_nodelay(True)
        return super().open(*args, **kwargs)
