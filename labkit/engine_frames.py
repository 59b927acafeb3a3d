"""What a run shows at one moment."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

S = TypeVar("S")  # a state
C = TypeVar("C")  # the content that shows a state

FINE = "", ""  # `error` and `failed` of a frame without an error


@dataclass(frozen=True)
class Frame(Generic[S, C]):
    """What a run shows: the newest state, its content from `render`, its position and the speed of the run.

    `failed` says what raised the error. "run": it played, and stopped. "edit": it keeps its state. "start": it has no
    state. "order": a paused run could not do something else, for example take a step.
    """

    number: int
    state: S | None = None
    content: C | None = None
    position: int = 0  # index among the kept states
    kept: int = 1
    stride: int = 1  # steps between kept states
    rate: float = 0.0  # steps per second
    playing: bool = False
    error: str = ""
    failed: str = ""

    def stopped(self, error: str, failed: str) -> "Frame[S, C]":
        """Return the next frame, of the same state, after an error."""
        return replace(self, number=self.number + 1, rate=0.0, playing=False, error=error, failed=failed)
