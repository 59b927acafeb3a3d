"""What a run shows at one moment."""

from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")  # a state
C = TypeVar("C")  # the content that shows a state


@dataclass(frozen=True)
class Frame(Generic[S, C]):
    """What a run shows: the newest state, its content from `render`, its position and the speed of the run."""

    number: int
    state: S | None = None
    content: C | None = None
    position: int = 0  # index among the kept states
    kept: int = 1
    stride: int = 1  # steps between kept states
    rate: float = 0.0  # steps per second
    playing: bool = False
    error: str = ""
