"""Values that are computed once: those that runs with equal settings share, and the last one of a run."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from torch.nn import Module

from labkit.past import size

OF_NETWORK = 64_000_000  # bytes of the newest results of a network that runs share

V = TypeVar("V")  # a value
N = TypeVar("N", bound=Module)  # a network


class Shared(Generic[V]):
    """The values that were used last, up to a number of bytes. Any thread may use it.

    Args:
        limit: bytes of the tensors in all values; the newest value always stays.

    Attributes:
        bytes: bytes of the tensors in the values that it keeps.
    """

    def __init__(self, limit: int):
        self.limit, self.bytes = limit, 0
        self._lock, self._kept = threading.Lock(), OrderedDict[Hashable, tuple[V, int]]()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: Hashable, find: Callable[[], V]) -> V:
        """Return the value of a key; if it is not kept, it is find()."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = find()
        with self._lock:
            if key not in self._kept:  # another thread may have found it too
                self._kept[key] = value, size(value)
                self.bytes += self._kept[key][1]
            while self.bytes > self.limit and len(self._kept) > 1:
                self.bytes -= self._kept.popitem(last=False)[1][1]
            return self._kept[key][0] if key in self._kept else value


_of_networks: WeakKeyDictionary[Module, Shared[Any]] = WeakKeyDictionary()


def share(network: N) -> N:
    """Let all runs of this network in this process share equal results; its weights must no longer change."""
    _of_networks.setdefault(network, Shared(OF_NETWORK))
    return network


def once(network: Module, key: Hashable, find: Callable[[], V]) -> V:
    """Return find(), or what another run of a shared network found for the same key."""
    shared: Shared[V] | None = _of_networks.get(network)
    return find() if shared is None else shared.take(key, find)


class Same(Generic[V]):
    """Takes one step for all runs that are in the very same state, see `labkit.engine.Steps`.

    Args:
        step: state -> the state one step later. how: state -> what else this step depends on.
    """

    def __init__(self, step: Callable[[V], V], how: Callable[[V], Hashable]):
        self._step, self._how = step, how

    def key(self, state: V) -> Hashable:
        """Return the state itself and what its step depends on."""
        return state, self._how(state)

    def step(self, states: Sequence[V], most: int = 1) -> list[list[V]]:
        """Return the state one step later for each, as the only step."""
        return [[self._step(states[0])] * len(states)]


class Latest(Generic[V]):
    """The value that was made last. Any thread may use it: threads that ask for the same key get the same value."""

    def __init__(self, kept: tuple[object, V] | None = None):
        self._lock, self._kept = threading.RLock(), kept

    def take(self, key: object, make: Callable[[], V]) -> V:
        """Return the value of a key; if it is not the last one, it is make()."""
        with self._lock:
            if self._kept is None or self._kept[0] != key:
                self._kept = key, make()
            return self._kept[1]

    def copy(self) -> "Latest[V]":
        """Return another that begins with the same value."""
        return Latest(self._kept)
