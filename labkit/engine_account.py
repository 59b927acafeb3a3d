"""Counts what runs compute: an account for the runs of one session, and totals for the process."""

import threading
from dataclasses import dataclass, field


@dataclass
class Account:
    """Counts the steps of the runs that share it. Any thread may use it.

    Args:
        most: number of steps that the runs may take in all; None for no limit.
        away: seconds without a signal from a viewer until they pause; None for the usual time.
    """

    most: int | None = None
    away: float | None = None
    steps: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> None:
        """Count one step that a run is about to take.

        Raises:
            ValueError: the runs have taken all steps that they may.
        """
        with self._lock:
            if self.most is not None and self.steps >= self.most:
                raise ValueError(
                    f"this session has taken {self.most:,} steps, the most that the server allows (--max-steps); "
                    "reload the page to start a new session"
                )
            self.steps += 1


@dataclass
class Totals:
    """The steps and frames of all runs since the process began, and the seconds that the steps took."""

    steps: int = 0
    seconds: float = 0.0
    frames: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, steps: int = 0, seconds: float = 0.0, frames: int = 0) -> None:
        """Add what a run has just done."""
        with self._lock:
            self.steps += steps
            self.seconds += seconds
            self.frames += frames
