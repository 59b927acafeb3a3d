"""Keeps the log for what an operator can act on.

A tab that closes while a frame is on its way, and whatever a client sends that is no message of a page, is one line at
level DEBUG. A traceback stays where a page's own code fails. `BOKEH_PY_LOG_LEVEL=debug` shows all.
"""

import logging
import traceback
from types import TracebackType

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from labkit.private import bokeh, panel

LONGEST = 200  # characters of a line: a client chooses what stands in it

_SOCKET = (*bokeh.LOGGERS, *panel.LOGGERS)
_SERVER = "tornado.application"  # also logs what fails in a page


class Quiet(logging.Filter):
    """Turns a record about a client's message or its lost connection into one line at level DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not _is_about_a_client(record):
            return True
        record.msg, record.args = _line(record), ()
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def quiet(loop) -> None:
    """Quieten the loggers of Bokeh, Panel and tornado, and the exceptions that reach the event loop itself."""
    for name in (*_SOCKET, _SERVER):
        logger = logging.getLogger(name)
        if not any(isinstance(each, Quiet) for each in logger.filters):
            logger.addFilter(Quiet())

    def handle(loop, context):
        if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def _is_about_a_client(record: logging.LogRecord) -> bool:
    modules = _modules(record.exc_info[2]) if record.exc_info else []
    if any(_is_a_pages(module) for module in modules) or _pulls(record):
        return False
    return record.name in _SOCKET or bokeh.SOCKET in modules or "tornado.websocket" in modules


def _modules(trace: TracebackType | None) -> list[str]:
    return [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(trace)]


def _is_a_pages(module: str) -> bool:
    """Whether a module is one of labkit's that a page runs; the server's own pass on what clients send."""
    return module.startswith("labkit") and not module.startswith("labkit.serving.")


def _pulls(record: logging.LogRecord) -> bool:
    """Whether a browser asked for its document: that this fails is a page's fault."""
    return any(map(bokeh.is_pull, record.args or ()))


def _line(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    said = f"{type(error).__name__}: {error}" if error else _text(record)
    return " ".join(f"from a client: {said}".split())[:LONGEST]


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a message of a client that cannot be written as text
        return str(record.msg)
