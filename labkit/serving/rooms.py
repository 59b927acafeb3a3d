"""Rooms: a class follows what its teacher sees, in any browser, without separate sessions.

A teacher opens a room on the open tab of a page. The room has a channel, which sends the pictures to all who follow.
The name, the page with its settings and the question of each room are kept in a file, so a room survives a restart of
the server. Its run does not: it starts again when the teacher's page is back.
"""

import json
import logging
import math
import random
import secrets
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import ReferenceType, ref

from bokeh.document import Document
from tornado.ioloop import PeriodicCallback

from labkit import atomic
from labkit.serving import room_lessons
from labkit.serving.channel import Channel
from labkit.serving.settings import LIMITS, Limits
from labkit.serving.stills import Still
from labkit.serving.votes import Vote
from labkit.views import shown
from labkit.views.lessons import Walk
from labkit.views.live import Live

_log = logging.getLogger(__name__)

TICK = 33  # milliseconds between two checks of all rooms
JOINING = 1.0, 60.0  # seconds after the last student came, between which a room prepares its still pictures
KEPT = 3600.0  # seconds for which a room stays after the last one has left
ORDERS: dict[Any, Callable[[Live], None]] = {
    "play": Live.play, "pause": Live.pause, "step": lambda live: live.run.once(), "reset": Live.reset,
}  # fmt: skip
COLOURS = "amber blue coral dusty fresh green ivory jade lilac mint navy olive pearl rosy ruby silver sunny teal"
ANIMALS = "badger beaver crane dolphin eagle falcon gecko heron ibis jaguar koala lark lynx otter owl panda robin seal"
KEY = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters and digits that look alike


@dataclass(eq=False)
class Student:
    """One who follows. `id` is a random word of the browser; `name` is "" unless the student types one."""

    socket: Any
    id: str
    name: str = ""
    hand: bool = False


@dataclass(eq=False)
class Room:
    """A room of a class.

    Attributes:
        page: the route of the teacher's page, for example "svgd", and search: its settings, "?n=50".
        vote: the question, None before the first.
        driver: the student who may play and pause the run; None if only the teacher may.
    """

    name: str
    page: str = ""
    search: str = ""
    vote: Vote | None = None
    channel: Channel = field(default_factory=Channel)
    driver: Student | None = None
    students: list[Student] = field(default_factory=list)
    teachers: list[Any] = field(default_factory=list)  # their sockets
    earlier: list[Vote] = field(default_factory=list)  # the questions before
    left: float = field(default_factory=time.monotonic)  # when the last one left
    stills: tuple[Still, Still] = field(default_factory=lambda: (Still(dark=False), Still(dark=True)))
    _came: float = -math.inf  # when the last student came
    _seen: tuple[Any, ...] = ()
    _document: "ReferenceType[Document] | None" = None

    def show(self, document: Document, page: str) -> None:
        """Follow the page of this document from now on."""
        self._document, self.page = ref(document), page
        self.expect()
        self.search = shown.settings_on(document)

    def expect(self) -> None:
        """Prepare the still pictures for a while, because the class is joining."""
        self._came = time.monotonic()

    @property
    def live(self) -> Live | None:
        """What the teacher sees, None while the teacher's page is closed."""
        document = self._document() if self._document else None
        if document is None or document.session_context is None or document.session_context.destroyed:
            return None
        return shown.on(document)

    def gone(self) -> bool:
        """Whether an hour has passed since the last one left."""
        if self.students or self.teachers:
            self.left = time.monotonic()
        return time.monotonic() - self.left > KEPT

    def tick(self) -> bool:
        """Send the newest frame; return whether the page, its settings, its lesson, the vote or the presence of its
        teacher changed."""
        live, document = self.live, self._document() if self._document else None
        if live is not None and document is not None:
            self.search = shown.settings_on(document)
            if self.teachers:
                live.run.watched()  # also while the teacher's browser shows slides
            if JOINING[0] < time.monotonic() - self._came < JOINING[1]:  # at first, the student's browser asks for much
                self._prepare(live)
        self.channel.tick(live)
        judged = room_lessons.judge(self.vote, self.walk)
        seen = live is not None, self.page, self.search, room_lessons.told(self.walk)
        changed, self._seen = seen != self._seen, seen
        return changed or judged

    def _prepare(self, live: Live) -> None:
        """Paint one still picture if it is time."""
        for still in self.stills:
            if still.prepare(live):
                return

    @property
    def walk(self) -> Walk | None:
        """The teacher's way through a lesson."""
        document = self._document() if self._document else None
        return None if document is None else shown.walk_on(document)

    def state(self) -> dict[str, Any]:
        """Return what students must know, as a message."""
        return {
            "kind": "room", "page": self.page, "search": self.search, "teacher": self.live is not None,
            "vote": self.vote.shown() if self.vote else None, "lesson": room_lessons.told(self.walk),
        }  # fmt: skip

    def tell_teachers(self) -> None:
        """Send the teacher what has changed: who follows, who raises a hand, how many have voted."""
        driver = self.driver
        told = {
            "kind": "class", "followers": len(self.students),
            "hands": [{"id": each.id, "name": each.name} for each in self.students if each.hand],
            "driver": None if driver is None else {"id": driver.id, "name": driver.name},
            "vote": self.vote.shown() if self.vote else None,
            "questions": room_lessons.questions(self.page, self.search) if self.teachers else [],
        }  # fmt: skip
        for socket in self.teachers:
            socket.write_message(told)

    def ask(self, vote: Vote) -> None:
        """Ask a question; the votes on the one before are kept for the table."""
        if self.vote is not None:
            self.earlier.append(self.vote)
        self.vote = vote

    def reveal(self) -> None:
        """Close the vote and show its counts. The run judges a question that needs no further steps."""
        vote, walk = self.vote, self.walk
        if vote is None:
            return
        vote.open, vote.revealed = False, True
        if walk is not None and room_lessons.asks(vote, walk):
            walk.judge()  # `tick` takes the verdict from there

    def order(self, order: Hashable) -> None:
        """Play, pause, step or reset the teacher's run."""
        live = self.live
        if live is not None and order in ORDERS:
            ORDERS[order](live)


class Rooms:
    """All rooms of a server.

    Args:
        file: where names and questions are kept; None for nowhere.
        limits: how many rooms there may be, and how many followers of all.

    Attributes:
        key: what a teacher types to open a room.
    """

    def __init__(self, file: Path | None = None, limits: Limits = LIMITS):
        self.limits = limits
        self._file, self._rooms, self._timer = file, dict[str, Room](), PeriodicCallback(self._tick, TICK)
        self._written = ""
        kept = self._read()
        self.key = str(kept.get("key") or "".join(secrets.choice(KEY) for _ in range(8)))
        for name, facts in kept.get("rooms", {}).items():
            with suppress(LookupError, TypeError):  # an edited file
                vote = Vote(**facts["vote"]) if facts["vote"] else None
                self._rooms[name] = Room(name, facts["page"], facts["search"], vote)

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, name: str) -> Room | None:
        """Return the room of this name, None if there is none."""
        return self._rooms.get(name)

    def is_key(self, key: Any) -> bool:
        """Return whether this is the teacher's key."""
        return isinstance(key, str) and secrets.compare_digest(key.strip().lower().encode(), self.key.encode())

    def open(self, name: str = "") -> Room:
        """Return the room of this name, or a new one.

        Raises:
            ValueError: there are too many rooms.
        """
        room = self._rooms.get(name)
        if room is None:
            most = self.limits.rooms
            if len(self._rooms) >= most:
                raise ValueError(
                    f"this server has {most} classes, the most that it allows (--max-rooms); end one of them first"
                )
            names = {f"{colour}-{animal}" for colour in COLOURS.split() for animal in ANIMALS.split()}
            room = Room(random.SystemRandom().choice(sorted(names - self._rooms.keys())))
            self._rooms[room.name] = room
        self.watch()
        return room

    def refusal(self) -> str:
        """Return why no further browser may follow a room, "" if one may."""
        most = self.limits.watchers
        if sum(len(room.students) for room in self) < most:
            return ""
        return f"{most} browsers follow the classes of this server, the most that it allows (--max-watchers)."

    def watch(self) -> None:
        """Send frames from now on. Call this on the event loop."""
        if not self._timer.is_running():
            self._timer.start()

    def close(self, room: Room) -> None:
        """Close a room; those who follow see that it has ended."""
        room.channel.tell({"kind": "end"})
        self._rooms.pop(room.name, None)
        self.write()

    def _tick(self) -> None:
        for room in self:
            try:
                if room.tick():
                    room.channel.tell(room.state())
                    room.tell_teachers()
                    self.write()
            except Exception:  # one room must not stop the others
                _log.exception("room %s cannot send its picture", room.name)
            if room.gone():
                self.close(room)
        if not self._rooms:
            self._timer.stop()

    # the file

    def write(self) -> None:
        """Write names, pages and questions to the file, if they have changed."""
        if self._file is None:
            return
        rooms = {
            room.name: {"page": room.page, "search": room.search, "vote": room.vote and room.vote.kept()}
            for room in self
        }
        text = json.dumps({"key": self.key, "rooms": rooms})
        if text != self._written:
            self._written = text
            with suppress(OSError):  # a full disk must not stop the class
                self._file.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(self._file, text.encode())

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8")) if self._file else {}
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
