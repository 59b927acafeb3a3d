"""The pointer on a picture: tap to choose, drag to move, double tap to add."""

from collections.abc import Callable
from typing import Any

from bokeh.events import DoubleTap, Pan, PanEnd, PanStart, Tap


class Pointer:
    """Turns the pointer's events on one figure into edits. Positions are in the units of its axes.

    Args:
        nearest: (x, y) -> the thing to drag from there, None for nothing.
        move: (thing, x, y) moves it there.
        add: (x, y) adds one.
        choose: (x, y) was tapped.
        hold: a `Live` that pauses during a drag, and continues afterwards.
    """

    def __init__(
        self,
        nearest: Callable[[float, float], Any],
        move: Callable[[Any, float, float], None],
        add: Callable[[float, float], None],
        *,
        choose: Callable[[float, float], None] | None = None,
        hold: Any = None,
    ):
        self._nearest, self._move, self._add, self._choose, self._hold = nearest, move, add, choose, hold
        self._dragged: Any = None
        self._played = False

    def listen(self, figure: Any) -> None:
        """Receive the events of a Bokeh figure."""
        figure.on_event(DoubleTap, lambda event: self.add(event.x, event.y))
        figure.on_event(PanStart, lambda event: self.grab(event.x, event.y))
        figure.on_event(Pan, lambda event: self.drag(event.x, event.y))
        figure.on_event(PanEnd, lambda _: self.drop())
        if self._choose:
            figure.on_event(Tap, lambda event: self.tap(event.x, event.y))

    def tap(self, x: float, y: float) -> None:
        """Choose the thing at this position."""
        if self._choose:
            self._choose(x, y)

    def add(self, x: float, y: float) -> None:
        """Add one at this position."""
        self._add(x, y)

    def grab(self, x: float, y: float) -> None:
        """Start to drag the thing at this position."""
        self._dragged = self._nearest(x, y)
        if self._dragged is not None and self._hold is not None:
            self._played = self._hold.run.frame.playing
            self._hold.pause()

    def drag(self, x: float, y: float) -> None:
        """Move the dragged thing."""
        if self._dragged is not None:
            self._move(self._dragged, x, y)

    def drop(self) -> None:
        """End the drag."""
        if self._dragged is not None and self._hold is not None and self._played:
            self._hold.play()
        self._dragged = None
