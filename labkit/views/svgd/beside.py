"""Two runs side by side in one: a state that is a pair, and views of one half of it."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from labkit.views.view import Part, View


@dataclass(frozen=True, eq=False)
class Pair:
    """Two states that are stepped together."""

    left: Any
    right: Any
    t: int = 0


def half(view: View, name: str) -> Part:
    """A view of the left or the right half of a `Pair`."""
    return Part(view, attrgetter(name), name)


def whole(view: View) -> tuple[str, View]:
    """Return the side of a view, and the view itself; a run that is alone counts as the left one."""
    return (view.name, view.view) if isinstance(view, Part) else ("left", view)
