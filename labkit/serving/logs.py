"""Limits the log to records on which an operator can act.

A closed tab, or a client's message that is not valid, becomes a single line at level DEBUG. An error in the code of a
page keeps its traceback. `BOKEH_PY_LOG_LEVEL=debug` shows everything.
"""

import logging
import traceback
from types import TracebackType

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from labkit.private import bokeh, panel

LONGEST = 200  # characters of a line, because a client chooses its content

_SESSIONS = logging.getLogger("labkit.serving.limits")  # `limits.Visitors` writes one line per session
_SOCKET = (*bokeh.LOGGERS, *panel.LOGGERS)
_SERVER = "tornado.application"  # also logs errors of pages


class Quiet(logging.Filter):
    """Turns a record about a client's message or lost connection into a single line at level DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not _is_about_a_client(record):
            return True
        record.msg, record.args = _line(record), ()
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def quiet(loop) -> None:
    """Filter the loggers of Bokeh, Panel and tornado, and the exceptions that reach the event loop."""
    for name in (*_SOCKET, _SERVER):
        logger = logging.getLogger(name)
        if not any(isinstance(each, Quiet) for each in logger.filters):
            logger.addFilter(Quiet())

    def handle(loop, context):
        if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def show_sessions() -> None:
    """Print a line on the error stream at the end of each session."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _SESSIONS.addHandler(handler)
    _SESSIONS.setLevel(logging.INFO)
    _SESSIONS.propagate = False


def _is_about_a_client(record: logging.LogRecord) -> bool:
    modules = _modules(record.exc_info[2]) if record.exc_info else []
    if any(_is_a_pages(module) for module in modules) or _pulls(record):
        return False
    return record.name in _SOCKET or bokeh.SOCKET in modules or "tornado.websocket" in modules


def _modules(trace: TracebackType | None) -> list[str]:
    return [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(trace)]


def _is_a_pages(module: str) -> bool:
    """Whether a page runs this module of labkit. Those of the server only forward messages of clients."""
    return module.startswith("labkit") and not module.startswith("labkit.serving.")


def _pulls(record: logging.LogRecord) -> bool:
    """Whether a browser requested its document. If this fails, the error is in the page."""
    return any(map(bokeh.is_pull, record.args or ()))


def _line(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    said = f"{type(error).__name__}: {error}" if error else _text(record)
    return " ".join(f"from a client: {said}".split())[:LONGEST]


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a client's message that cannot be written as text
        return str(record.msg)
