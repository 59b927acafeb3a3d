"""The addresses of rooms: the students' page, the websocket behind it, and what the teacher's page asks for."""

import logging
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from labkit.private.bokeh import document_of
from labkit.recordings import files
from labkit.serving import messages, room_files, votes
from labkit.serving.room_files import NAME, RoomHandler
from labkit.serving.rooms import Room, Rooms, Student
from labkit.serving.sockets import OwnPages
from labkit.views.strip import PLACES

_log = logging.getLogger(__name__)
_HERE = Path(__file__).parent


class Opened(RoomHandler):
    """POST /room with the key, the session of a page and perhaps a name: opens a room on that page."""

    def post(self) -> None:
        """Open the room and send its name."""
        asked = messages.read(self.request.body)
        if not self.rooms.is_key(asked.get("key")):
            self._refuse(403, "This is not the teacher's key. The terminal in which labkit serve runs shows it.")
            return
        found = document_of(self.application, asked.get("session"))
        if found is None:
            self._refuse(409, "This page has lost its server. Reload the page, then open the room again.")
            return
        page, document = found
        try:
            room = self.rooms.open(str(asked.get("name", "")))
        except ValueError as error:
            self._refuse(409, f"{error}.")
            return
        room.show(document, page.strip("/"))
        self.rooms.write()
        self.write({"name": room.name, "followers": len(room.students)})

    def _refuse(self, status: int, words: str) -> None:
        self.set_status(status)
        self.write({"error": words})


class RoomPage(RoomHandler):
    """GET /room/NAME: the page of a student."""

    def get(self, name: str) -> None:
        """Send the page; one that explains what to do if there is no such room."""
        found = self.rooms.get(name)
        if found is None:
            self.set_status(404)
        else:
            found.expect()
        self.write(_page(name, found is not None))


class RoomSocket(OwnPages):
    """The websocket of a student, or of the teacher with the key.

    A student sends {"kind": "hello", "id"}, {"kind": "hand", "up", "name"}, {"kind": "answer", "answer"}, and as the
    driver {"kind": "order", "order"}. A teacher sends {"kind": "ask" | "stop" | "reveal" | "again" | "drive" | "end"}.
    """

    def initialize(self, rooms: Rooms) -> None:
        """Take the rooms of the server."""
        self.rooms = rooms
        self._room: Room | None = None
        self._student: Student | None = None

    def get_compression_options(self) -> None:
        """Return None: a frame would be compressed again for each follower."""

    def open(self, name: str) -> None:
        """Let the browser follow. If the room has ended, the browser gets "end"."""
        self.set_nodelay(True)
        self._room = room = self.rooms.get(name)
        if room is None:
            self.write_message({"kind": "end"})
            self.close()
            return
        self.rooms.watch()
        if self.rooms.is_key(self.get_query_argument("key", "")):
            room.teachers.append(self)
            room.tell_teachers()
            return
        if refusal := self.rooms.refusal():
            self._room = None
            self.write_message({"kind": "full", "text": refusal})
            self.close()
            return
        self._student = Student(self, secrets.token_hex(8))
        room.students.append(self._student)
        self.write_message(room.state())
        room.channel.join(self)
        room.tell_teachers()

    def on_close(self) -> None:
        """Forget the browser."""
        room, student = self._room, self._student
        if room is None:
            return
        room.channel.leave(self)
        room.students = [each for each in room.students if each is not student]
        room.teachers = [each for each in room.teachers if each is not self]
        if student is not None and room.driver is student:
            room.driver = None
        room.tell_teachers()

    def on_message(self, message: str | bytes) -> None:
        """Do what a student or the teacher asks for. Anything else is ignored."""
        room, asked = self._room, messages.read(message)
        if room is None:
            return
        if self._student is not None:
            _of_student(room, self._student, asked)
        elif self in room.teachers:
            self._of_teacher(room, asked)
        room.tell_teachers()

    def _of_teacher(self, room: Room, asked: dict[str, Any]) -> None:
        kind = asked.get("kind")
        if kind == "end":
            self.rooms.close(room)
            return
        if kind == "drive":
            _hand_over(room, asked.get("id"))
            return
        try:
            room.ask(votes.asked(asked)) if kind == "ask" else _vote(room, kind)
        except ValueError as error:
            self.write_message({"kind": "wrong", "text": str(error)})
            return
        room.channel.tell(room.state())
        self.rooms.write()


def _of_student(room: Room, student: Student, asked: dict[str, Any]) -> None:
    kind = asked.get("kind")
    if kind == "hello" and isinstance(asked.get("id"), str):
        student.id = asked["id"][:40]
    elif kind == "hand":
        student.hand, student.name = bool(asked.get("up")), str(asked.get("name", "")).strip()[:40]
    elif kind == "answer" and room.vote is not None:
        taken = room.vote.answer(student.id, asked.get("answer"))
        student.socket.write_message({"kind": "answered", "answer": asked.get("answer") if taken else None})
    elif kind == "order" and room.driver is student:
        room.order(asked.get("order"))


def _vote(room: Room, kind: Any) -> None:
    vote = room.vote
    if vote is None:
        return
    if kind == "stop":
        vote.open = False
    elif kind == "reveal":
        room.reveal()
    elif kind == "again":
        vote.again()


def _hand_over(room: Room, student_id: Any) -> None:
    """Let one student drive, or take back if no student has this id."""
    before, room.driver = room.driver, next((each for each in room.students if each.id == student_id), None)
    for student in filter(None, {before, room.driver}):
        student.hand = False
        student.socket.write_message({"kind": "drive", "drive": student is room.driver})


def patterns(rooms: Rooms) -> list[tuple[Any, ...]]:
    """Return the routes of rooms."""
    told = {"rooms": rooms}
    return [
        ("/room", Opened, told), (f"/room/{NAME}", RoomPage, told), (f"/room/{NAME}/socket", RoomSocket, told),
        *room_files.patterns(rooms),
    ]  # fmt: skip


def _page(name: str, exists: bool) -> str:
    player = files.player() + PLACES
    parts = {"scheme": _read("scheme.html"), "player": player, "script": _read("room.js")}
    return _template().render(name=name, exists=exists, bokeh=room_files.BOKEH, **parts)


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(autoescape=True).from_string(_read("room.html"))


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
