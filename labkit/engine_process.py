"""A second process that computes for the engine.

Of the threads of a Python process, one computes at a time. With thirty runs and their pages, steps and pages would wait
for each other although another core is idle.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from importlib import import_module
from typing import IO, Any

PATIENCE = 2.0  # seconds of use until the process starts: it needs the time and memory of another labkit
IDLE = 60.0  # seconds without a call until the process ends

Started = subprocess.Popen[bytes]


class EndedError(RuntimeError):
    """The second process ended before it could answer."""


class Process:
    """Calls functions in a second process, which starts when calls have come for `PATIENCE` seconds.

    There is none on a machine with one core, and none after a failed start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = self._last = -float("inf")  # times of the first and the last call without a pause between
        self._process: Started | None = None
        self._answers: deque[Future[Any]] = deque()  # still to come, in the order of the calls
        self._ready, self._useless = False, (os.cpu_count() or 1) < 2

    def call(self, function: str, *arguments: Any) -> Future[Any] | None:
        """Return the future result of function(*arguments), or None if there is no process.

        Args:
            function: "module:name".

        Raises (by the result):
            RuntimeError: the function raised an exception, and this is its text.
            EndedError: the process has ended.
        """
        with self._lock:
            if self._useless or not self._stands(function.split(":")[0]):
                return None
            assert self._process is not None
            answer: Future[Any] = Future()
            self._answers.append(answer)
            try:
                _send(self._process.stdin, (function, arguments))
            except OSError:  # it has ended; the thread that reads its answers will know
                return None
        return answer

    def _stands(self, module: str) -> bool:
        """Return whether the process is ready for a call; start it when it is time."""
        now = time.monotonic()
        if now - self._last > PATIENCE:
            self._first = now
        self._last = now
        if self._process is None and now - self._first >= PATIENCE:
            self._start(module)
        return self._ready

    def _start(self, module: str) -> None:
        command = [sys.executable, "-m", __name__, module, str(IDLE)]
        paths = os.pathsep.join(filter(None, sys.path))  # so it finds labkit in the same place
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        try:
            self._process = subprocess.Popen(command, **pipes, env={**os.environ, "PYTHONPATH": paths})
        except OSError:  # there is no memory for it
            self._useless = True
            return
        threading.Thread(target=self._listen, args=(self._process,), name="labkit-process", daemon=True).start()

    def _listen(self, process: Started) -> None:
        """Pass on what the process returns, until it ends."""
        begun = False
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError, ValueError):
            begun = self._ready = _receive(process.stdout)  # it has imported what it needs
            while True:
                worked, answer = _receive(process.stdout)
                one = self._answers.popleft()
                one.set_result(answer) if worked else one.set_exception(RuntimeError(answer))
        process.wait()
        with self._lock:
            self._process, self._ready, self._useless = None, False, not begun  # the log has the reason
            while self._answers:
                self._answers.popleft().set_exception(EndedError("the second process has ended"))
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

    def close(self) -> None:
        """End the process. Later calls may start another."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()


def _send(pipe: IO[bytes] | None, message: Any) -> None:
    assert pipe is not None
    pickle.dump(message, pipe, protocol=5)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None
    return pickle.load(pipe)


# in the second process


def main(module: str, idle: float) -> None:
    """Answer calls from standard input. What functions print goes to standard error."""
    import torch

    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    torch.set_num_threads(1)  # both as on the engine's threads
    torch.set_flush_denormal(True)
    import_module(module)
    called = [time.monotonic()]
    threading.Thread(target=_leave, args=(called, idle), daemon=True).start()
    _send(sink, True)
    with contextlib.suppress(EOFError, BrokenPipeError):  # the first process has ended
        while True:
            function, arguments = _receive(source)
            called[0] = float("inf")
            answer = _answer(function, arguments)
            called[0] = time.monotonic()
            _send(sink, answer)


def _answer(function: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    module, name = function.split(":")
    try:
        return True, getattr(import_module(module), name)(*arguments)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"


def _leave(called: list[float], idle: float) -> None:
    while time.monotonic() - called[0] < idle:
        time.sleep(min(1.0, idle))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
