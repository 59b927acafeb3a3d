"""Headers of every response, also to HEAD: a page loads nothing from other sites, and they cannot frame it."""

from tornado.httputil import HTTPHeaders
from tornado.web import Application, OutputTransform, RequestHandler

from labkit.private.tornado import handlers

# Bokeh compiles its callbacks in the browser (unsafe-eval) and starts from an inline script. Panel loads components
# from blobs. Everything else comes from this server.
POLICY = "; ".join(
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
        "frame-ancestors 'self'",
    ]
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class Secure(OutputTransform):
    """Adds HEADERS to each response of a tornado application."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        for name, value in HEADERS.items():
            headers[name] = value
        return status_code, headers, chunk


def answer_head(application: Application) -> None:
    """Make every route respond to HEAD as to GET; tornado leaves out the body."""
    for handler in handlers(application):
        if handler.head is RequestHandler.head:
            handler.head = handler.get
