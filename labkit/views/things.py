"""What a reader can edit on a picture: particles, modes or points. Pointer and keyboard use the same methods."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

import numpy as np

Place = tuple[float, float]
Told = Callable[[Hashable, Place], None]  # gets a thing and its place after an edit, on any thread
Box = tuple[tuple[float, float], tuple[float, float]]
S = TypeVar("S")


class Thing(NamedTuple):
    """One thing on a picture: how the methods below know it, its name, and its place."""

    key: Hashable
    name: str
    place: Place


class Things(ABC):
    """The things on one picture. Places are in the units of its axes.

    Attributes:
        noun: what a reader calls one of them.
        box: the ranges of the picture.
        hold: a `Live` that pauses while a thing is moved, and continues afterwards; None for a run that plays on.
    """

    noun = "point"
    box: Box = ((0.0, 1.0), (0.0, 1.0))
    hold: Any = None

    @abstractmethod
    def listed(self) -> list[Thing]:
        """Return all things of the newest frame, from left to right."""

    @abstractmethod
    def nearest(self, x: float, y: float) -> Hashable:
        """Return the thing at a place, None if there is none."""

    @property
    @abstractmethod
    def chosen(self) -> Hashable:
        """The chosen thing, None if there is none."""

    @abstractmethod
    def choose(self, key: Hashable) -> None:
        """Choose a thing and show it on the picture, None for no thing."""

    @abstractmethod
    def move(self, key: Hashable, to: Callable[[Place], Place], told: Told) -> None:
        """Move a thing: `to` maps its place to the new one."""

    @abstractmethod
    def add(self, place: Place, like: Hashable, told: Told) -> None:
        """Add a thing at a place, of the kind of another one, or of the usual kind for None."""

    @abstractmethod
    def remove(self, key: Hashable, done: Callable[[], None]) -> None:
        """Remove a thing, then call `done` on any thread."""

    def put(self, key: Hashable, x: float, y: float) -> None:
        """Move a thing to a place."""
        self.move(key, lambda _: (x, y), ignore)

    def make(self, x: float, y: float) -> None:
        """Add a thing of the usual kind at a place."""
        self.add((x, y), None, ignore)

    def words(self, key: Hashable, place: Place) -> str:
        """Return a place as words."""
        return "x {:.3g}, y {:.3g}".format(*place)

    def within(self, place: Place) -> Place:
        """Return the nearest place in the picture."""
        x, y = (float(np.clip(at, *ends)) for at, ends in zip(place, self.box, strict=True))
        return x, y

    def at(self, places: np.ndarray, x: float, y: float, near: float) -> int | None:
        """Return the index of the place (n, 2) that is nearest to (x, y), None if all are too far away.

        Args:
            near: the largest distance, as a fraction of the picture's width and height.
        """
        if not len(places):
            return None
        sides = [high - low for low, high in self.box]
        apart = np.linalg.norm((places - (x, y)) / sides, axis=1)
        i = int(apart.argmin())
        return i if apart[i] < near else None


def ignore(*_results: Any) -> None:
    """Do nothing with the results of an edit."""


def then(change: Callable[[S], S], done: Callable[[S], None]) -> Callable[[S], S]:
    """Return a change of a state that calls `done` with the changed state if it succeeds."""

    def both(state: S) -> S:
        changed = change(state)
        done(changed)
        return changed

    return both
