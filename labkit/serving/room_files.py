"""What the pages of rooms load: BokehJS, a still picture, a QR code and the table of answers."""

import csv
import gzip
import io
import re
from functools import cache
from typing import Any

import bokeh
from bokeh.resources import Resources
from tornado.web import HTTPError, RequestHandler

from labkit.serving import codes
from labkit.serving.rooms import Room, Rooms

NAME = r"([a-z]+-[a-z]+)"
BOKEH = f"bokeh-{bokeh.__version__}.js"  # the name of BokehJS on the page of a student


class RoomHandler(RequestHandler):
    """What all addresses of rooms share."""

    def initialize(self, rooms: Rooms) -> None:
        """Take the rooms of the server."""
        self.rooms = rooms

    def room(self, name: str) -> Room:
        """Return the room of this name, or answer 404."""
        found = self.rooms.get(name)
        if found is None:
            raise HTTPError(404)
        return found


class Script(RequestHandler):
    """GET /room/bokeh-VERSION.js: BokehJS, compressed to a quarter. A browser keeps it, as the name has the version."""

    def get(self) -> None:
        """Send the script."""
        self.set_header("Content-Type", "text/javascript; charset=UTF-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("Vary", "Accept-Encoding")
        text, packed = _bokeh()
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            text = packed
        self.finish(text)


class Picture(RoomHandler):
    """GET /room/NAME/still.png?dark=1: the main picture of the teacher's page as it is now."""

    def get(self, name: str) -> None:
        """Send the picture; nothing if the teacher's page is not open."""
        room = self.room(name)
        still = room.stills[self.get_query_argument("dark", "") == "1"]
        picture = b"" if room.live is None else still.png(room.live)
        self.set_header("Cache-Control", "no-store")
        if not picture:
            self.set_status(204)
            return
        self.set_header("Content-Type", "image/png")
        self.write(picture)


class Code(RoomHandler):
    """GET /room/NAME/qr.svg?at=ADDRESS: the address as a QR code, dark on light."""

    def get(self, name: str) -> None:
        """Send the picture."""
        self.room(name)
        self.set_header("Content-Type", "image/svg+xml")
        address = self.get_query_argument("at", "")
        if not re.match(r"https?://", address) or len(address) > 500:
            raise HTTPError(400)
        self.write(codes.svg(address))


class Answers(RoomHandler):
    """GET /room/NAME/answers.csv?key=KEY: all answers, without names and addresses."""

    def get(self, name: str) -> None:
        """Send the table."""
        room = self.room(name)
        if not self.rooms.is_key(self.get_query_argument("key", "")):
            raise HTTPError(403)
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(["question", "round", "answer"])
        writer.writerows([row for vote in (*room.earlier, room.vote) if vote for row in vote.table()])
        self.set_header("Content-Type", "text/csv; charset=UTF-8")
        self.set_header("Content-Disposition", f'attachment; filename="labkit-{room.name}.csv"')
        self.write(file.getvalue())


def patterns(rooms: Rooms) -> list[tuple[Any, ...]]:
    """Return the routes of these files."""
    told = {"rooms": rooms}
    return [
        (f"/room/{re.escape(BOKEH)}", Script), (f"/room/{NAME}/still.png", Picture, told),
        (f"/room/{NAME}/qr.svg", Code, told), (f"/room/{NAME}/answers.csv", Answers, told),
    ]  # fmt: skip


@cache
def _bokeh() -> tuple[bytes, bytes]:
    """Return BokehJS, and the same compressed."""
    text = "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw).encode()
    return text, gzip.compress(text, 6, mtime=0)
