"""Gives values a small share of the time: while runs play, they are found at steps chosen at random.

Each run has its own `Share`, so a run with few steps per second also gets values.

Values at every tenth step could all be the same while a run alternates between two numbers. At random steps, both
numbers occur.
"""

import math
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

PERIOD = 0.5  # seconds between two changes of the probability
LONGEST = 3.0  # seconds in which every run that plays finds a value, however much time that takes

V = TypeVar("V")  # a value


class Ration:
    """Finds a value with a probability that keeps the time for all values within what they may take.

    Any thread may use it. `allow` adds seconds that values may take.

    Args:
        now: () -> seconds that have passed.
        used: () -> seconds that this thread has computed.
        chance: () -> a random number from 0 to 1.

    Attributes:
        likely: the probability with which the next value is found.
        period: seconds in which every run that plays finds a value: at least `PERIOD`, and at most `LONGEST` if these
            values would take more than they may otherwise.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        used: Callable[[], float] = time.thread_time,
        chance: Callable[[], float] | None = None,
    ):
        self._now, self._used, self._chance = now, used, chance or random.Random().random
        self._lock = threading.Lock()
        self._since, self._allowed, self._spent, self._cost = now(), 0.0, 0.0, 0.0
        self._asked = self._found = self._sure = 0
        self._runs = set[int]()
        self.likely, self.period = 1.0, PERIOD

    def share(self) -> "Share":
        """Return the share of a new run."""
        return Share(self, self._now, self._chance)

    def allow(self, seconds: float) -> None:
        """Add seconds that values may take."""
        with self._lock:
            self._allowed += seconds
            if self._now() - self._since >= PERIOD:
                self._renew()

    def take(self, find: Callable[[], V], sure: bool = False, run: int = 0) -> V | None:
        """Return find(), or None without calling it; if `sure`, always find(). `run` is another number for each run."""
        with self._lock:
            self._asked += 1
            self._runs.add(run)
            self._sure += sure
            if not sure and self._chance() >= self.likely:
                return None
        began = self._used()
        value = find()
        with self._lock:
            self._found += 1
            self._spent += self._used() - began
        return value

    def _renew(self) -> None:
        """Set the probability by what all values since the last change would have cost, and what they might.

        It leaves room for the values that are found in any case, one of each run in `period`.
        """
        if self._found:
            self._cost = self._spent / self._found
        if self._allowed:
            once, passed = len(self._runs) * self._cost, self._now() - self._since
            self.period = min(max(PERIOD, passed * once / self._allowed), LONGEST)
        rest, every = self._allowed - self._sure * self._cost, (self._asked - self._sure) * self._cost
        self.likely = min(1.0, max(0.0, rest / every)) if every else 1.0
        self._since, self._allowed, self._spent = self._now(), 0.0, 0.0
        self._asked = self._found = self._sure = 0
        self._runs.clear()


class Share:
    """The values of one run: those that the ration allows, but at least one in each period.

    The moment of that one is random too: at an even rate, a slow run would always find the same one of two numbers.
    """

    def __init__(self, ration: Ration, now: Callable[[], float], chance: Callable[[], float]):
        self._ration, self._now, self._chance = ration, now, chance
        self._end = self._due = -math.inf  # end of the period; time from which a value must be found

    def take(self, find: Callable[[], V]) -> V | None:
        """Return find(), or None without calling it."""
        now = self._now()
        sure, over = now >= self._due, now >= self._end
        value, period = self._ration.take(find, sure, id(self)), self._ration.period
        if over:
            self._end, self._due = now + period, now + period * self._chance()
        elif value is not None:
            self._due = self._end + period
        return value
