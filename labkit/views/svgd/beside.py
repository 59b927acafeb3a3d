"""Two runs next to each other: views of the two halves of a `Pair`."""

from functools import partial

from labkit.experiments.svgd.comparison import Pair
from labkit.experiments.svgd.particles import Sample
from labkit.views.view import Part, View

SIDES = "left", "right"


def part(state: Sample | Pair, side: str) -> Sample:
    """Return the left or the right half of a `Pair`; a single run is both."""
    if not isinstance(state, Pair):
        return state
    return state.left if side == "left" else state.right


def half(view: View, side: str) -> Part:
    """Return a view of the left or the right half of a `Pair`."""
    return Part(view, partial(part, side=side), side)


def whole(view: View) -> tuple[str, View]:
    """Return the side of a view, and the view itself; a single run counts as left."""
    return (view.name, view.view) if isinstance(view, Part) else ("left", view)
