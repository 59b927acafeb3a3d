"""A process that has imported labkit, torch and Panel. Commands of tests run in its forks, which begin at once.

    server.py SOCKET

`python.py` connects, sends a command and its three streams, and gets two lines: the number of the process and its exit
code. If a client ends, its process is killed. The server ends with the process that is named by the socket's folder,
"labkit-NUMBER-...".
"""

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import struct
import sys
import threading
import types
from pathlib import Path
from typing import NamedTuple

# What reads an environment variable when it is imported is left to the forks.
LATER = ("labkit.cli", "labkit.bench")
OTHERS = (
    "labkit.private.jsonschema",
    "IPython",
    "holoviews.ipython",
    "holoviews.plotting.bokeh",
    "ipykernel.kernelapp",
    "ipywidgets",
    "lightning_fabric.fabric",
    "pandas",  # HoloViews imports it at the first picture
    "panel",
    "torch._dynamo",  # every optimiser of torch imports it, which takes a second
)


class Job(NamedTuple):
    """A command, and the descriptors of its input, output and errors."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    ignores: list[int]
    streams: list[int]


class Server:
    """Forks for each command.

    Args:
        listener: the socket that clients connect to.
        owner: the process with which the server ends.
    """

    def __init__(self, listener: socket.socket, owner: int):
        self.listener, self.owner = listener, owner
        self.clients: dict[int, socket.socket] = {}  # by process
        self.woken, self.wake = socket.socketpair()
        self.wake.setblocking(False)
        self.events = selectors.DefaultSelector()
        self.events.register(listener, selectors.EVENT_READ, self.fork)
        self.events.register(self.woken, selectors.EVENT_READ, self.reap)
        signal.set_wakeup_fd(self.wake.fileno())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def run(self) -> Job | None:
        """Return the command in its fork; in the server return None at the end of the owner."""
        while is_alive(self.owner):
            for key, _ in self.events.select(timeout=1):
                job = key.data()
                if job is not None:
                    return job
        for process in self.clients:
            os.kill(process, signal.SIGKILL)
        return None

    def fork(self) -> Job | None:
        client, _ = self.listener.accept()
        job = received(client)
        process = os.fork() if job else 0
        if job and process == 0:
            self.leave(client)
            return job
        if job is None:
            client.close()
            return None
        for stream in job.streams:
            os.close(stream)
        self.clients[process] = client
        self.events.register(client, selectors.EVENT_READ, lambda: self.end(process))
        tell(client, process)
        return None

    def leave(self, client: socket.socket) -> None:
        """Close in a fork what belongs to the server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.events.close()
        for each in (*self.clients.values(), client, self.listener, self.woken, self.wake):
            each.close()

    def end(self, process: int) -> None:
        """Kill the process of a client that has ended."""
        self.events.unregister(self.clients[process])
        os.kill(process, signal.SIGKILL)

    def reap(self) -> None:
        """Tell the clients which processes have ended."""
        self.woken.recv(4096)
        while self.clients:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            client = self.clients.pop(process)
            tell(client, os.waitstatus_to_exitcode(status))
            if client in self.events.get_map():
                self.events.unregister(client)
            client.close()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def received(client: socket.socket) -> Job | None:
    """Return the command of a client, None if it has ended."""
    head, streams, _, _ = socket.recv_fds(client, 4, 3)
    with client.makefile("rb") as file:
        body = file.read(struct.unpack("!I", head)[0]) if len(head) == 4 else b""
    return Job(**json.loads(body), streams=streams) if body else None


def tell(client: socket.socket, number: int) -> None:
    try:
        client.sendall(f"{number}\n".encode())
    except OSError:  # it has ended
        return


def load() -> None:
    """Import what commands need. A module that cannot be imported is left to the command, which shows the error."""
    import labkit

    found = [module.name for module in pkgutil.walk_packages(labkit.__path__, "labkit.", onerror=lambda name: None)]
    for name in [*OTHERS, *(name for name in found if not name.startswith(LATER))]:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    gc.collect()
    gc.freeze()  # so that the forks share the memory


def become(job: Job) -> None:
    """Do what Python does at its start, and run the command."""
    os.setsid()
    for number, stream in enumerate(job.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(job.environment)
    os.chdir(job.folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in job.ignores else usual)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = opened(number, mode, job.environment)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.modules["numpy"].random.seed()  # the module random does so at every fork
    try:
        run(job.words)
    except SystemExit as end:
        leave(end.code)
    leave(None)


def leave(code: object) -> None:
    """Do what Python does at its end, but leave the memory to the system: to free every object takes half a second."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def opened(number: int, mode: str, environment: dict[str, str]) -> io.TextIOWrapper:
    """Return a stream of text for a descriptor, as Python makes it at its start."""
    encoding, _, errors = environment.get("PYTHONIOENCODING", "utf-8").partition(":")
    errors = "backslashreplace" if number == 2 else errors or "strict"
    buffered = open(number, f"{mode}b", closefd=False)
    return io.TextIOWrapper(
        buffered,
        encoding,
        errors,
        line_buffering=number == 2 or buffered.isatty(),
        write_through="PYTHONUNBUFFERED" in environment,
    )


def run(words: list[str]) -> None:
    """Run `-c CODE`, `-m MODULE` or a file, with their arguments."""
    first, *rest = words
    if first == "-m":
        sys.path.insert(0, os.getcwd())
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    if first == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        code = compile(rest[0], "<string>", "exec")
    else:
        sys.path.insert(0, str(Path(first).resolve().parent))
        sys.argv = words
        main.__file__ = first
        code = compile(Path(first).read_bytes(), first, "exec")
    exec(code, vars(main))


def main() -> None:
    sys.path.pop(0)  # this folder
    path = Path(sys.argv[1])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        load()
        job = Server(listener, owner=int(path.parent.name.split("-")[1])).run()
    if job is not None:
        become(job)
    else:
        shutil.rmtree(path.parent, ignore_errors=True)  # an owner that was killed has left it


if __name__ == "__main__":
    main()
