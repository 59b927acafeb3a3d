"""A run is a stream of states. The caller stops it, thins it or plays it.

from itertools import islice
for state in islice(iterate(step, state), 0, 1000, 100): ...   # every hundredth of a thousand
"""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

S = TypeVar("S")


@runtime_checkable
class Counted(Protocol):
    """A state that counts the steps from the start."""

    @property
    def t(self) -> int:
        """How many there were."""


def iterate(step: Callable[[S], S], state: S) -> Iterator[S]:
    """Yield `state`, `step(state)`, `step(step(state))` and so on, forever.

    The next state is computed only when the caller requests it, so stopping costs nothing.
    """
    while True:
        yield state
        state = step(state)
