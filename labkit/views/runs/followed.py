"""What a class follows of the page of runs: its pictures in the form of a live view without controls."""

from collections.abc import Sequence

from labkit.engine import Frame
from labkit.experiments.runs import RunState
from labkit.views.view import View, columns_of


class FollowedRun:
    """The pictures of a run's folder for those who follow a page. It has the parts of `labkit.views.live.Live` that a
    class uses, and those of its run.

    Attributes:
        views: of the pictures; the same list until other pictures are declared.
        frame: the newest state, as in `engine.Run`.
        declared: always None, because the page sends its pictures itself.
    """

    declared = None

    def __init__(self) -> None:
        self.views: list[View] = []
        self.frame: Frame = Frame(0)
        self._name = ""

    @property
    def run(self) -> "FollowedRun":
        """Itself."""
        return self

    def show(self, name: str, state: RunState, views: Sequence[View], changed: bool) -> None:
        """Show a state of the run of this name, with new pictures or in the present ones."""
        if changed:
            self.views = list(views)
        self._name = name
        self.frame = Frame(self.frame.number + 1, state, (self.views, columns_of(views, state, None)))

    def status(self, state: RunState) -> str:
        """Return a few words about a state."""
        return f"{self._name}, samples of epoch {state.shown}" if state.shown else self._name

    def watched(self) -> None:
        """Do nothing: a training does not wait for those who watch. The orders of a class do nothing either."""

    play = pause = once = reset = watched

    def pass_by(self, _passing: bool) -> None:
        """Do nothing."""
