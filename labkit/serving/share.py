"""What the button *Share* of a page asks for: the QR code of its link, Python that repeats its run, and the recording.

A page identifies itself by its session, which only its own browser knows.
"""

import asyncio
from typing import Any

from bokeh.document import Document
from tornado.web import RequestHandler

from labkit.private.bokeh import document_of
from labkit.serving import codes, messages
from labkit.views import shown
from labkit.views.downloads import FILES, content
from labkit.views.live import Live

KIND = "html"


class Share(RequestHandler):
    """POST /share with the session of a page, and its link: sends the QR code, the Python and whether a recording can
    be saved."""

    def post(self) -> None:
        """Send the parts of the dialog."""
        asked = messages.read(self.request.body)
        document = self.document(asked)
        if document is None:
            return
        link = str(asked.get("link", ""))
        code = codes.svg(link) if link.startswith(("http://", "https://")) else ""
        self.write({"code": code, "python": shown.code_on(document), "records": isinstance(shown.on(document), Live)})

    def document(self, asked: dict[str, Any]) -> Document | None:
        """Return the document of the page that asks; without one, send the reason."""
        found = document_of(self.application, asked.get("session"))
        if found is None:
            self.refuse(409, "This page has lost its server. Reload the page, then share it.")
        return found[1] if found else None

    def refuse(self, status: int, words: str) -> None:
        """Send a reason."""
        self.set_status(status)
        self.write({"error": words})


class Recording(Share):
    """POST /share/labkit-run.html with the session of a page: sends its run as a recording."""

    async def post(self) -> None:
        """Send the file. A thread makes it, while the run and all pages continue."""
        document = self.document(messages.read(self.request.body))
        if document is None:
            return
        live = shown.on(document)
        try:
            if not isinstance(live, Live):
                raise RuntimeError("this page has no run that plays")
            views, past = list(live.views), live.run.past(lambda past: past.copy())
            made = asyncio.to_thread(content, KIND, views, past, live.run.position, live.dark, None, live.status)
            self.set_header("Content-Type", FILES[KIND][1])
            self.write(await made)
        except Exception as error:  # the dialog shows it
            self.refuse(409, f"Nothing can be saved: {error}")


def patterns() -> list[tuple[Any, ...]]:
    """Return the routes of the dialog."""
    return [("/share", Share), (f"/share/{FILES[KIND][0]}", Recording)]
