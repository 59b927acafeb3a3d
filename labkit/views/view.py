"""The contract of a view: a picture that is declared once, and the arrays that each frame changes in it."""

from collections.abc import Callable, Sequence
from typing import Any

import holoviews as hv

from labkit.past import Past

NO_CURVE = "Press Play or Step: the curves start with the first steps."
NO_GLIMPSE = "Press Play or Step: bars and curves start with the first glimpse."

Columns = dict[str, dict[str, Any]]  # the moving arrays: layer -> column -> array


class View:
    """A picture of the states of a run. A subclass defines `picture` and `columns`; everything else has a default.

    A view never steps, does not recompute what the state contains, and reads no private name.

    Attributes:
        leading: whether it is the large picture of a page.
        wide: whether it has a row for itself.
        automatic: whether its axes follow the data.
        aspect: width divided by height of an image without a title; None for a plot.
        plane: whether both axes have the same scale, so that the picture is square.
        declaration: everything that `picture` depends on except the columns. Two views of one class with equal
            declarations share the picture on the page. None means that the picture is always made again.
    """

    leading: bool = False
    wide: bool = False
    automatic: bool = False
    plane: bool = False
    aspect: Any = None  # a number; a class may compute it in a property
    declaration: Any = None  # a tuple or None; likewise

    def picture(self, state: Any) -> hv.core.Dimensioned:
        """Return the fixed parts: axes, colours, and one labelled layer for everything that `columns` changes."""
        raise NotImplementedError(f"{type(self).__name__} must define picture(state)")

    def columns(self, state: Any, past: Past[Any] | None = None) -> Columns:
        """Return the moving arrays for the layers of `picture`.

        Args:
            past: the run up to this state; None if the picture is only declared.
        """
        raise NotImplementedError(f"{type(self).__name__} must define columns(state, past)")

    def record(self, state: Any) -> dict[str, float]:
        """Return the numbers of this state for the table of the run, by name.

        On a busy server, a run that plays calls this at some steps only, see `labkit.ration`.
        """
        return {}

    def still(self, picture: Any, state: Any) -> Any:
        """Return the picture for a file that shows only this state. Its axes may have other limits than a moving one.

        Args:
            picture: from `picture`; its axes serve all states.
        """
        return picture

    def describe(self, state: Any, past: Past[Any] | None = None) -> str:
        """Return one sentence that describes the picture, with numbers of the state; "" for none."""
        return ""

    def missing(self, state: Any, earlier: int) -> str:
        """Return how the reader can fill a picture that is empty in this state, as HTML; "" if it is not empty.

        Args:
            earlier: how many states of the run before this one are kept.
        """
        return ""


class Part(View):
    """Shows one part of a state with a view of that part.

    Args:
        view: the view of that part.
        part: state -> the part.
        name: name of the part; the columns of the run's table begin with it. "" for none.
    """

    def __init__(self, view: View, part: Callable[[Any], Any], name: str = ""):
        self.view, self.part, self.name = view, part, name
        self._mark = f"{name} " if name else ""
        self.leading, self.wide, self.automatic, self.plane = view.leading, view.wide, view.automatic, view.plane

    @property
    def aspect(self) -> float | None:
        """Width divided by height of the view."""
        return self.view.aspect

    @property
    def declaration(self) -> tuple[Any, ...] | None:
        """What the picture depends on, if the view defines it."""
        said = self.view.declaration
        return None if said is None else (type(self.view), *said)

    def picture(self, state: Any) -> hv.core.Dimensioned:
        return self.view.picture(self.part(state))

    def columns(self, state: Any, past: Past[Any] | None = None) -> Columns:
        return self.view.columns(self.part(state), self._past(past))

    def record(self, state: Any) -> dict[str, float]:
        return {self._mark + name: number for name, number in self.view.record(self.part(state)).items()}

    def still(self, picture: Any, state: Any) -> Any:
        return self.view.still(picture, self.part(state))

    def describe(self, state: Any, past: Past[Any] | None = None) -> str:
        return self.view.describe(self.part(state), self._past(past))

    def missing(self, state: Any, earlier: int) -> str:
        return self.view.missing(self.part(state), earlier)

    def _past(self, past: Past[Any] | None) -> Past[Any] | None:
        return None if past is None else past.of(self.part, self._mark)


def leading(views: Sequence[View]) -> list[View]:
    """Return the large pictures of a page; without one, the first picture."""
    return [view for view in views if view.leading] or list(views[:1])


def columns_of(views: Sequence[View], state: Any, past: Past[Any] | None) -> list[Columns]:
    """Return the columns of each view for a state, given the run up to it."""
    return [view.columns(state, past) for view in views]


def row_of(views: Sequence[View], state: Any) -> dict[str, float]:
    """Return the numbers that the views record of a state."""
    return {name: number for view in views for name, number in view.record(state).items()}


def checked(views: Any) -> list[View]:
    """Return one view or several as a list.

    Raises:
        TypeError: one of them is not a `View`.
    """
    found = list(views) if isinstance(views, list | tuple) else [views]
    for view in found:
        if not isinstance(view, View):
            raise TypeError(
                f"a view must be a labkit.views.view.View, got {type(view).__name__}; derive its class from View and "
                "define picture(state) and columns(state, past)"
            )
    return found
