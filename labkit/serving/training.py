"""*Train one now* on the page of runs: the digits preset in a separate process, one at a time, which can be stopped.

GET /train reports; POST /train with {"order": "start" | "stop"} acts. Only a visitor on this machine, or one with the
teacher's key, may do so. The command is fixed: nothing of a request becomes part of it.
"""

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from labkit.serving import messages, settings
from labkit.serving.gate import is_direct
from labkit.serving.rooms import Rooms

LONGEST = 2_000  # bytes of a request
COMMAND = ("draw", "--data", "digits", "--preset", "digits", "--devices", "cpu")
POLITE = 10  # priority of the training on POSIX: pages go first
PATIENCE = 10.0  # seconds in which a stopped training saves


_trainers: "weakref.WeakSet[Trainer]" = weakref.WeakSet()


def stop_all() -> None:
    """End all trainings of this process; the server calls this when it stops. A training saves itself first."""
    for trainer in list(_trainers):
        trainer.stop()


class Trainer:
    """The training that a server runs, if any.

    Args:
        place: () -> the directory of runs.
    """

    def __init__(self, place: Callable[[], Path]):
        self._place, self._process, self.name = place, None, ""
        self._process: subprocess.Popen[bytes] | None
        _trainers.add(self)

    @property
    def is_running(self) -> bool:
        """Whether a training runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start a training, and return the name of its run.

        Raises:
            ValueError: one runs already.
            OSError: the process cannot start.
        """
        if self.is_running:
            raise ValueError(f"the training {self.name} runs already; stop it, or wait until it ends")
        place, number = self._place(), 1
        while (folder := place / (f"digits-{number}")).exists():
            number += 1
        command = [sys.executable, "-m", "labkit.cli", "train", *COMMAND, "--out", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **_alone())
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, POLITE)
        self.name = folder.name
        return self.name

    def stop(self) -> None:
        """End the training, which saves itself first."""
        if self._process is None or not self.is_running:
            return
        self.interrupt()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def interrupt(self) -> None:
        """Tell the training to save itself and to end, without waiting for it."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)


def _alone() -> dict[str, Any]:
    """Return the options of a process that does not get the Ctrl-C of the server's terminal."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    return {"start_new_session": True}


class Train(RequestHandler):
    """Responds at /train."""

    def initialize(self, trainer: Trainer, rooms: Rooms) -> None:
        """Take the trainer and the rooms of the server."""
        self.trainer, self.rooms = trainer, rooms

    def get(self) -> None:
        """Send whether a training runs, and whether this visitor may act without the key."""
        self.write(self._state() | {"allowed": is_direct(self.request)})

    def post(self) -> None:
        """Start or stop a training."""
        asked = messages.read(self.request.body, LONGEST)
        if not _is_own(self.request):
            self._refuse(403, "Only a page of this server may do this.")
        elif not (is_direct(self.request) or self.rooms.is_key(asked.get("key"))):
            self._refuse(403, "This needs the teacher's key. The terminal in which labkit serve runs shows it.")
        elif asked.get("order") == "stop":
            self.trainer.interrupt()
            self.write(self._state())
        elif asked.get("order") == "start":
            try:
                self.trainer.start()
            except (ValueError, OSError) as error:
                self._refuse(409, f"{error}.")
                return
            self.write(self._state())
        else:
            self._refuse(400, "The order must be start or stop.")

    def _state(self) -> dict[str, Any]:
        return {"running": self.trainer.is_running, "run": self.trainer.name}

    def _refuse(self, status: int, words: str) -> None:
        self.set_status(status)
        self.write({"error": words[:1].upper() + words[1:]})


def _is_own(request: HTTPServerRequest) -> bool:
    """Return whether a page of this server sent the request. Browsers send Origin with every POST."""
    origin = request.headers.get("Origin")
    named = {request.host, request.headers.get("X-Forwarded-Host", request.host)}
    return origin is not None and urlsplit(origin).netloc in named


def patterns(rooms: Rooms) -> list[tuple[Any, ...]]:
    """Return the route of the trainer."""
    return [("/train", Train, {"trainer": Trainer(lambda: settings.runs), "rooms": rooms})]
