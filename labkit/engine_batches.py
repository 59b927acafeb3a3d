"""Runs of equal shape and settings take their steps together: one step of thirty runs costs little more than of one.

In a class all start with the same settings. A run says by its key what it may be stepped with, see `Steps`.
"""

import time
from collections.abc import Hashable, Sequence
from typing import Any, Protocol, runtime_checkable

FEWEST = 2  # runs in a batch
MOST = 8  # steps of a batch at once


@runtime_checkable
class Steps(Protocol):
    """How a run can be stepped with others."""

    def key(self, state: Any) -> Hashable | None:
        """Return what must be equal for a step together; None if this state must step alone."""

    def step(self, states: Sequence[Any], most: int = 1) -> list[list[Any]]:
        """Return the states after each of the next steps, from 1 to `most` steps, as a list for each step.

        All states have the same key. A kept state must not keep the memory of others.
        """


class Batched(Protocol):
    """A run, see `labkit.engine.Run`."""

    @property
    def steps(self) -> Steps | None:
        """How it can be stepped with others; None if it steps alone."""

    @property
    def speed(self) -> float:
        """Steps per second. Runs with the same speed owe about the same number of steps."""

    def due(self) -> Any:
        """Return the state to step from if a step is due, with no orders before it; None otherwise."""

    @property
    def owed(self) -> float:
        """How many steps are due, as of the last call of `due`."""

    def take(self, state: Any, seconds: float) -> None:
        """Take over the state one step later, and the processor seconds that it cost."""


Group = list[tuple[Batched, Any]]  # runs of one key, each with its state
Keys = dict[tuple[Hashable, float], list[Batched]]  # the runs of each key and speed


def step_together(runs: Sequence[Batched], within: float) -> set[int]:
    """Take the due steps of runs that may be stepped with others, for at most about `within` seconds.

    Returns:
        the ids of the runs that took a step. Other runs wait for their turn.
    """
    end, stepped, keys = time.perf_counter() + within, set[int](), _keys(runs)
    while keys and time.perf_counter() < end:
        for key, alike in list(keys.items()):
            group = _due(alike)
            again = id(alike[0]) in stepped
            # a part of a batch would be another batch, whose states must be put together first
            if len(group) < (len(alike) if again else FEWEST):
                del keys[key]
            elif not _step(key[0], group):
                return stepped
            else:
                stepped |= {id(run) for run, _ in group}
    return stepped


def _keys(runs: Sequence[Batched]) -> Keys:
    """Return the runs with due steps by their keys and speeds, read once a round."""
    keys: Keys = {}
    for run in runs:
        state = run.due() if run.steps is not None else None
        key = run.steps.key(state) if run.steps is not None and state is not None else None
        if key is not None:
            keys.setdefault((key, run.speed), []).append(run)
    return keys


def _due(runs: Sequence[Batched]) -> Group:
    return [(run, state) for run in runs if (state := run.due()) is not None]


def _step(key: Hashable, group: Group) -> bool:
    """Step the runs of a group, and return whether that worked. If not, each steps alone and shows its own error."""
    began, steps = time.thread_time(), group[0][0].steps
    assert steps is not None  # a group has only runs with a key
    most = min(MOST, *(int(run.owed) for run, _ in group))
    try:
        later = steps.step([state for _, state in group], max(1, most))
    except Exception:  # perhaps the states of a single run
        return False
    if steps.key(group[0][1]) != key:  # its visitor has just changed the settings, which the others did not choose
        return False
    each = (time.thread_time() - began) / len(group) / len(later)
    for i, (run, state) in enumerate(group):
        for states in later:
            if run.due() is not state:  # it has a new order, for example to pause
                break
            state = states[i]
            run.take(state, each)
    return True
