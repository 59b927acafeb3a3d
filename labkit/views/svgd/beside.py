"""Two runs side by side in one: a state that is a pair, and views of one half of it."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True, eq=False)
class Pair:
    """Two states that are stepped together."""

    left: Any
    right: Any
    t: int = 0


class Side:
    """A view of the left or the right half of a `Pair`."""

    def __init__(self, view: Any, side: str):
        self.view, self.side = view, side
        self.automatic, self.follows, self.leading = (
            getattr(view, kind, False) for kind in ("automatic", "follows", "leading")
        )

    @property
    def declaration(self) -> tuple | None:
        """What the picture depends on but the columns, if the view says."""
        said = getattr(self.view, "declaration", None)
        return None if said is None else (type(self.view), *said)

    def picture(self, pair: Pair):
        """The view's picture of its half."""
        return self.view.picture(getattr(pair, self.side))

    def record(self, pair: Pair) -> dict[str, float]:
        """The view's row, marked with the side."""
        row = self.view.record(getattr(pair, self.side)) if hasattr(self.view, "record") else {}
        return {f"{self.side} {name}": number for name, number in row.items()}

    def columns(self, pair: Pair, past: Any = None) -> dict[str, dict]:
        """The view's columns of its half."""
        state = getattr(pair, self.side)
        return self.view.columns(state, self._past(past)) if self.follows else self.view.columns(state)

    def _past(self, past: Any) -> SimpleNamespace:
        """The past of one half, in the shape of `engine.Past`."""
        mark = f"{self.side} "
        return SimpleNamespace(
            marks=past.marks,
            states=[getattr(s, self.side) for s in past.states],
            pinned={t: getattr(s, self.side) for t, s in past.pinned.items()},
            names=[name.removeprefix(mark) for name in past.names if name.startswith(mark)],
            drawn=lambda name: past.drawn(mark + name),
        )
