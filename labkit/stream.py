"""A run is a stream of states. The caller stops it, thins it or plays it.

from itertools import islice
for state in islice(iterate(step, state), 0, 1000, 100): ...   # every hundredth of a thousand
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

S = TypeVar("S")


def iterate(step: Callable[[S], S], state: S) -> Iterator[S]:
    """Yield `state`, `step(state)`, `step(step(state))` and so on, forever.

    The next state is computed only when the caller requests it, so stopping costs nothing.
    """
    while True:
        yield state
        state = step(state)


def steps_of(state: object) -> int | None:
    """Return how many steps a state has taken since the start, None if it does not count them."""
    t = getattr(state, "t", None)
    return t if isinstance(t, int) else None
