"""The two threads of the engine. Every run gets its turn, and a slow run does not delay the others.

One thread steps all runs of the process in turn. One thread per page is slower for thirty pages (measured). A run with
slow steps moves to the second thread.
"""

import atexit
import threading
import time
from typing import Protocol

import torch

from labkit.engine_account import Totals
from labkit.engine_batches import Batched, step_together
from labkit.engine_process import Process
from labkit.ration import Ration

FRAMES = 60  # per second and run, at most: twice as many as are shown, so each of 30 reads per second finds a new one
IN_ALL = 720  # frames per second of all runs together, at most: of thirty runs, each gets 24
SLICE = 0.008  # seconds of stepping before the next run gets its turn
ROUND = 0.024  # seconds of stepping that all runs share; if they need more, their slices are shorter
REST = 0.1  # share of the stepping time that is left to the threads that serve pages
VALUES, SPARE = 0.02, 0.1  # shares of the engine's time, and of its idle time, for the numbers of curves


class TakesTurns(Batched, Protocol):
    """An object that takes turns on a thread: see `labkit.engine.Run`."""

    @property
    def wants(self) -> bool:
        """Whether there is anything to do."""

    @property
    def slow(self) -> bool:
        """Whether a step takes long enough to delay other runs."""

    def turn(self, within: float, pause: float) -> float:
        """Step for at most `within` seconds, not at all if it is 0; return the seconds until the next turn is due.

        Two frames of a playing run are at least `pause` seconds apart.
        """


class Worker(threading.Thread):
    """Gives every run of its list a turn, then sleeps until a run needs the next turn."""

    def __init__(self, engine: "Engine", name: str):
        super().__init__(name=name, daemon=True)
        self.engine, self.bell, self.leaving = engine, threading.Event(), False
        self.runs: list[TakesTurns] = []

    def run(self) -> None:
        torch.set_num_threads(1)  # the problems are small: more threads cost more than they gain
        torch.set_flush_denormal(True)  # far particles have subnormal kernels, twelve times slower
        while True:
            self.bell.clear()
            if self.leaving:
                return
            began, used = time.perf_counter(), time.thread_time()
            wait = self._round()
            worked, used = time.perf_counter() - began, time.thread_time() - used
            if any(r.wants for r in self.runs):
                pause = max(REST * worked, min(wait, 1 / FRAMES), 0.0005)
                self.engine.ration.allow(VALUES * used + SPARE * max(0.0, pause - REST * worked))
                self.bell.wait(pause)
            else:
                self.bell.wait()

    def _round(self) -> float:
        """Give a turn to every run that needs one; return the seconds until the next turn is due.

        The local names disappear with the call, so the thread keeps no closed run alive while it sleeps.
        """
        wait, wanting = 1.0, [r for r in self.runs if r.wants]
        pause = max(1 / FRAMES, len(wanting) / IN_ALL)
        # many runs that step together have fewer frames, so each round can have more steps
        stepped = step_together(wanting, max(ROUND, pause)) if len(wanting) > 1 else set()
        for run in wanting:
            wait = min(wait, run.turn(0.0 if id(run) in stepped else min(SLICE, ROUND / len(wanting)), pause))
            if run.slow and self is self.engine.quick:
                self.engine.move(run)
        return wait


class Engine:
    """Two threads and the runs that they step. Any thread may add or remove a run, so a lock guards the lists."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.totals, self.ration, self.process = Totals(), Ration(), Process()
        self.quick, self.patient = Worker(self, "labkit-engine"), Worker(self, "labkit-engine-slow")
        self.quick.start()
        self.patient.start()
        atexit.register(self.leave)

    def add(self, run: TakesTurns) -> None:
        with self._lock:
            self.quick.runs = [*self.quick.runs, run]

    def move(self, run: TakesTurns) -> None:
        """Move a run from the quick thread, which calls this, to the patient one, unless it has just been closed."""
        with self._lock:
            if run not in self.quick.runs:
                return
            self.quick.runs = [r for r in self.quick.runs if r is not run]
            self.patient.runs = [*self.patient.runs, run]
        self.patient.bell.set()

    def remove(self, run: TakesTurns) -> None:
        with self._lock:
            for worker in (self.quick, self.patient):
                worker.runs = [r for r in worker.runs if r is not run]

    def leave(self) -> None:
        """End both threads when the process ends. A thread that stops inside torch aborts the process, so wait."""
        for worker in (self.quick, self.patient):
            worker.leaving = True
        self.wake()
        for worker in (self.quick, self.patient):
            worker.join(timeout=5)
        self.process.close()

    def wake(self) -> None:
        self.quick.bell.set()
        self.patient.bell.set()

    @property
    def runs(self) -> list[TakesTurns]:
        return [*self.quick.runs, *self.patient.runs]


_lock = threading.Lock()
_the_engine: Engine | None = None


def engine() -> Engine:
    """Return the engine of this process; the first call creates it."""
    global _the_engine
    with _lock:
        if _the_engine is None:
            _the_engine = Engine()
        return _the_engine
