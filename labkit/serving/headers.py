"""Headers of every response, also to HEAD: a page loads nothing from other sites. Only named ones can frame it."""

from collections.abc import Mapping, Sequence
from functools import partial

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application, OutputTransform, RequestHandler

from labkit.private.tornado import handlers

# Bokeh compiles its callbacks in the browser (unsafe-eval) and starts from an inline script. Panel loads components
# from blobs. Everything else comes from this server.
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline' blob:",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)


def sent(frames: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of every response.

    Args:
        frames: origins of other sites that may show the pages in a frame. X-Frame-Options cannot name them, so with
            them it is left out. Current browsers read frame-ancestors.
    """
    ancestors = " ".join(["'self'", *frames])
    found = {
        "Content-Security-Policy": f"{_POLICY}; frame-ancestors {ancestors}",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "same-origin",
    }
    if frames:
        del found["X-Frame-Options"]
    return found


def secure(application: Application, frames: Sequence[str] = ()) -> None:
    """Add the headers to each response of an application."""
    application.add_transform(partial(_Secure, sent(frames)))


class _Secure(OutputTransform):
    def __init__(self, sent: Mapping[str, str], request: HTTPServerRequest):
        super().__init__(request)
        self._sent = sent

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        for name, value in self._sent.items():
            headers[name] = value
        return status_code, headers, chunk


def answer_head(application: Application) -> None:
    """Make every route respond to HEAD as to GET; tornado leaves out the body."""
    for handler in handlers(application):
        if handler.head is RequestHandler.head:
            handler.head = handler.get
