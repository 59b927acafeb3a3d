"""What the button *Share* of a page asks for: the QR code of its link, Python that repeats its run, and the recording.

A page identifies itself by its session, which only its own browser knows.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from bokeh.document import Document
from tornado.web import RequestHandler

from labkit.private.bokeh import document_of
from labkit.serving import ahead, codes, messages
from labkit.serving.gate import is_direct
from labkit.views import shown
from labkit.views.downloads import FILES, content
from labkit.views.live import Live

KIND = "html"


class Share(RequestHandler):
    """POST /share with the session of a page, and its link: sends the parts of the dialog as an object.

    They are the QR code, the Python, whether a recording can be saved, and for how many visitors the server can
    prepare the link. It prepares links only for a browser on its own machine.
    """

    def post(self) -> None:
        """Send the parts of the dialog."""
        asked = messages.read(self.request.body)
        found = self.found(asked)
        if found is None:
            return
        (route, document), link = found, str(asked.get("link", ""))
        code = codes.svg(link) if link.startswith(("http://", "https://")) else ""
        offered = ahead.offer(route, urlsplit(link).query) if is_direct(self.request) else 0
        records = isinstance(shown.on(document), Live)
        self.write({"code": code, "python": shown.code_on(document), "records": records, "offered": offered})

    def found(self, asked: dict[str, Any]) -> tuple[str, Document] | None:
        """Return the route and the document of the page that asks; without one, send the reason."""
        found = document_of(self.application, asked.get("session"))
        if found is None:
            self.refuse(409, "This page has lost its server. Reload the page, then share it.")
        return found

    def refuse(self, status: int, words: str) -> None:
        """Send a reason."""
        self.set_status(status)
        self.write({"error": words})


class Preparation(Share):
    """POST /share/prepare with the session of a page, and its link: prepares the link for a class."""

    def post(self) -> None:
        """Send for how many visitors the link is now prepared, 0 if it is not."""
        asked = messages.read(self.request.body)
        if found := self.found(asked):
            query = urlsplit(str(asked.get("link", ""))).query
            self.write({"prepared": ahead.expect(found[0], query) if is_direct(self.request) else 0})


class Recording(Share):
    """POST /share/labkit-run.html with the session of a page: sends its run as a recording."""

    async def post(self) -> None:
        """Send the file. A thread makes it, while the run and all pages continue."""
        found = self.found(messages.read(self.request.body))
        if found is None:
            return
        live = shown.on(found[1])
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
    return [("/share", Share), ("/share/prepare", Preparation), (f"/share/{FILES[KIND][0]}", Recording)]
