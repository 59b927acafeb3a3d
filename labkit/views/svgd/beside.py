"""Two runs side by side: views of the halves of a `Pair`."""

from operator import attrgetter

from labkit.views.view import Part, View

SIDES = "left", "right"


def half(view: View, side: str) -> Part:
    """Return a view of the left or the right half of a `Pair`."""
    return Part(view, attrgetter(side), side)


def whole(view: View) -> tuple[str, View]:
    """Return the side of a view, and the view itself; a run that is alone counts as the left one."""
    return (view.name, view.view) if isinstance(view, Part) else ("left", view)
