"""Headers on every answer, HEAD included: a page loads nothing from other sites and cannot be framed by them."""

from tornado.httputil import HTTPHeaders
from tornado.web import Application, OutputTransform, RequestHandler

from labkit.private.tornado import handlers

# Bokeh compiles its callbacks in the browser (unsafe-eval), starts from an inline script, and Panel loads components
# from blobs; all else comes from this server.
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
    """Adds HEADERS to each answer of a tornado application."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        for name, value in HEADERS.items():
            headers[name] = value
        return status_code, headers, chunk


def answer_head(application: Application) -> None:
    """Have every route answer HEAD as it answers GET; tornado leaves the body out."""
    for handler in handlers(application):
        if handler.head is RequestHandler.head:
            handler.head = handler.get
