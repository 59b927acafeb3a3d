"""The websocket of a page."""

import logging
from urllib.parse import urlsplit

from labkit.private.panel import SocketHandler

_log = logging.getLogger(__name__)


class Prompt(SocketHandler):
    """A websocket whose small messages do not wait until the browser has acknowledged the ones before (40 ms each)."""

    def check_origin(self, origin: str) -> bool:
        """Return whether a page of another origin may open a websocket here; if not, the log names the option."""
        allowed = super().check_origin(origin)
        if not allowed:
            name = urlsplit(origin).hostname
            _log.warning("refused the websocket of a page at %s; labkit serve --allow-host %s lets it in", origin, name)
        return allowed

    def open(self, *args: str, **kwargs: str) -> None:
        if self.ws_connection is not None:  # else the browser has gone already
            self.set_nodelay(True)
        return super().open(*args, **kwargs)
