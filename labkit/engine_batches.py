"""Runs of equal shape and settings take their steps together: one step of thirty runs costs little more than of one.

In a class all start with the same settings. A run says by its key what it may be stepped with, see `Steps`.
"""

import time
from collections.abc import Hashable, Sequence
from typing import Any, Protocol, runtime_checkable

FEWEST = 2  # runs in a batch


@runtime_checkable
class Steps(Protocol):
    """How a run can be stepped with others."""

    def key(self, state: Any) -> Hashable | None:
        """Return what must be equal for a step together; None if this state must step alone."""

    def step(self, states: Sequence[Any]) -> list[Any]:
        """Return the states one step later. All have the same key. A kept state must not keep the memory of others."""


class Batched(Protocol):
    """A run, see `labkit.engine.Run`."""

    @property
    def steps(self) -> Steps | None:
        """How it can be stepped with others; None if it steps alone."""

    def due(self) -> Any:
        """Return the state to step from if a step is due, with no orders before it; None otherwise."""

    def take(self, state: Any, seconds: float) -> None:
        """Take over the state one step later, and the processor seconds that it cost."""


Group = list[tuple[Batched, Any]]  # runs of one key, each with its state
Keys = dict[Hashable, list[Batched]]  # the runs of each key


def step_together(runs: Sequence[Batched], within: float) -> set[int]:
    """Take the due steps of runs that may be stepped with others, for at most about `within` seconds.

    Returns:
        the ids of the runs that took a step. Other runs wait for their turn.
    """
    end, stepped, keys = time.perf_counter() + within, set[int](), _keys(runs)
    while time.perf_counter() < end:
        groups = {key: group for key, alike in keys.items() if len(group := _due(alike)) >= FEWEST}
        if not groups:
            break
        for key, group in groups.items():
            if not _step(key, group):
                return stepped
            stepped |= {id(run) for run, _ in group}
    return stepped


def _keys(runs: Sequence[Batched]) -> Keys:
    """Return the runs with due steps by their keys, read once a round."""
    keys: Keys = {}
    for run in runs:
        state = run.due() if run.steps is not None else None
        key = run.steps.key(state) if run.steps is not None and state is not None else None
        if key is not None:
            keys.setdefault(key, []).append(run)
    return keys


def _due(runs: Sequence[Batched]) -> Group:
    return [(run, state) for run in runs if (state := run.due()) is not None]


def _step(key: Hashable, group: Group) -> bool:
    """Step the runs of a group, and return whether that worked. If not, each steps alone and shows its own error."""
    began, steps = time.thread_time(), group[0][0].steps
    assert steps is not None  # a group has only runs with a key
    try:
        states = steps.step([state for _, state in group])
    except Exception:  # perhaps the states of a single run
        return False
    if steps.key(group[0][1]) != key:  # its visitor has just changed the settings, which the others did not choose
        return False
    each = (time.thread_time() - began) / len(group)
    for (run, _), state in zip(group, states, strict=True):
        run.take(state, each)
    return True
