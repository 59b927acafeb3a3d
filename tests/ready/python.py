"""Runs Python in a fork of a process that has already imported labkit, torch and Panel. See `server.py`.

    python.py SOCKET [-c CODE | -m MODULE | FILE] [ARGUMENT ...]

Output, input, folder, environment, exit code and signals are as in a usual process. The first such command starts
the server. If that fails, Python itself runs. This file imports little, so that it starts soon.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time

PASSED_ON = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


def main() -> None:
    path, *words = sys.argv[1:]
    try:
        answers, process = started(path, words)
    except (OSError, ValueError):
        os.execv(sys.executable, [sys.executable, *words])
    for number in PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: os.kill(process, number))
    status = int(answers.readline() or 1)
    if status < 0:  # a signal ended it
        if status != -signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def started(path: str, words: list[str]):
    """Return the answers of the server to this command, after the first: the number of the new process."""
    server = connected(path)
    ignores = [int(number) for number in PASSED_ON if signal.getsignal(number) is signal.SIG_IGN]
    wanted = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ), "ignores": ignores}
    body = json.dumps(wanted).encode()
    socket.send_fds(server, [struct.pack("!I", len(body))], [0, 1, 2])
    server.sendall(body)
    answers = server.makefile()
    return answers, int(answers.readline())


def connected(path: str) -> socket.socket:
    """Connect to the server. The first caller starts it."""
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return connect(path)
        except OSError:
            start(path)
        deadline = time.monotonic() + 20
        while True:
            try:
                return connect(path)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def connect(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    try:
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found


def start(path: str) -> None:
    """Start the server in the background. It binds its socket before it imports, so callers wait in its queue."""
    if os.fork() == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.closerange(3, 256)
        server = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")
        os.execv(sys.executable, [sys.executable, server, path])


if __name__ == "__main__":
    main()
