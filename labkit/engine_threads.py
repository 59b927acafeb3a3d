"""The two threads of the engine: every run has its turn, and one whose step takes long holds nobody up.

One thread serves all runs of the process in turn: threads of their own for thirty pages are slower than one
(measured). A run whose step takes long moves to the second thread.
"""

import atexit
import threading
import time
from typing import Protocol, runtime_checkable

import torch

FRAMES = 60  # a second and run, at most: twice those shown, so that every look at 30 a second finds a new one
SLICE = 0.008  # seconds of stepping before the next run has its turn
ROUND = 0.024  # seconds of stepping that all runs share, from which on their slices are shorter: else many wait long
REST = 0.3  # of the time stepped is given back to the threads that serve pages


@runtime_checkable
class TakesTurns(Protocol):
    """What takes turns on a thread: see `labkit.engine.Run`."""

    @property
    def wants(self) -> bool:
        """Whether there is anything to do."""

    @property
    def slow(self) -> bool:
        """Whether a step takes so long that other runs would wait."""

    def turn(self, within: float) -> float:
        """Step for so many seconds at most; return the seconds until the next turn is due."""


class Worker(threading.Thread):
    """Gives every run of its list a turn, then sleeps until one wants another."""

    def __init__(self, engine: "Engine", name: str):
        super().__init__(name=name, daemon=True)
        self.engine, self.bell, self.leaving = engine, threading.Event(), False
        self.runs: list[TakesTurns] = []

    def run(self) -> None:
        torch.set_num_threads(1)  # the problems are small: threads cost more than they bring
        torch.set_flush_denormal(True)  # far particles have subnormal kernels, twelve times slower
        while True:
            self.bell.clear()
            if self.leaving:
                return
            began = time.perf_counter()
            wait = self._round()
            worked = time.perf_counter() - began
            if any(r.wants for r in self.runs):
                self.bell.wait(max(REST * worked, min(wait, 1 / FRAMES), 0.0005))
            else:
                self.bell.wait()

    def _round(self) -> float:
        """A turn for every run that wants one, and the seconds until the next is due; keeps no run alive after."""
        wait, wanting = 1.0, [r for r in self.runs if r.wants]
        for run in wanting:
            wait = min(wait, run.turn(min(SLICE, ROUND / len(wanting))))
            if run.slow and self is self.engine.quick:
                self.engine.move(run)
        return wait


class Engine:
    """Two threads and the runs that they step; runs come and go on any thread, so their lists change under a lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.quick, self.patient = Worker(self, "labkit-engine"), Worker(self, "labkit-engine-slow")
        self.quick.start()
        self.patient.start()
        atexit.register(self.leave)

    def add(self, run: TakesTurns) -> None:
        with self._lock:
            self.quick.runs = [*self.quick.runs, run]

    def move(self, run: TakesTurns) -> None:
        """From the quick thread, which calls this, to the patient one; a run that was closed in its turn is gone."""
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
        """At the process's end: a thread that is cut off inside torch aborts the process, so wait for its step."""
        for worker in (self.quick, self.patient):
            worker.leaving = True
        self.wake()
        for worker in (self.quick, self.patient):
            worker.join(timeout=5)

    def wake(self) -> None:
        self.quick.bell.set()
        self.patient.bell.set()

    @property
    def runs(self) -> list[TakesTurns]:
        return [*self.quick.runs, *self.patient.runs]


_lock = threading.Lock()
_the_engine: Engine | None = None


def engine() -> Engine:
    """The engine of this process, made when it is first asked for."""
    global _the_engine
    with _lock:
        if _the_engine is None:
            _the_engine = Engine()
        return _the_engine
