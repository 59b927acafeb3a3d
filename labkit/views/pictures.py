"""The pictures of a run's views in one grid: which are shown, which wait, and which one changes next."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit.views.layout import DEVICES, GRID, GRID_ALONE, GRID_BESIDE, SAID
from labkit.views.narration import Narrator
from labkit.views.readout import Hint
from labkit.views.stage import Stage
from labkit.views.view import Columns, View, leading

CURVES = 0.3  # seconds between two changes of a picture whose axes follow its data; such pictures take turns


class Pictures:
    """One stage per view, in one grid.

    Args:
        drawn: called as drawn(view, figure) with each new Bokeh figure, for tools and events.
        tell: as in `Narrator`, with the texts by the id of the Bokeh figure.
        gradual: whether only the first picture and large ones are shown immediately and the others by `put_up_next`. On
            a page, the large picture then appears sooner.

    Attributes:
        declared: the views whose pictures are shown, None before the first.
    """

    def __init__(self, drawn: Callable[[View, Any], None], tell: Callable[[str, dict[str, str]], None], gradual: bool):
        self._drawn, self._gradual = drawn, gradual

        def tell_of_figures(sentence: str, texts: list[str]) -> None:
            pairs = zip(self.stages, texts, strict=True)
            tell(sentence, {figure.id: text for stage, text in pairs for figure in stage.figures if text})

        self._narrator = Narrator(tell_of_figures)
        self.column = pn.Column(sizing_mode="stretch_width", stylesheets=[GRID])
        self.hint = Hint(
            visible=False,
            margin=(5, 10),
            sizing_mode="stretch_width",
            styles={"font-size": SAID, "order": "50"},
            css_classes=["said"],
            stylesheets=[DEVICES],
        )
        self.stages: list[Stage] = []
        self.declared: list[View] | None = None
        self.dark = False
        self._waiting: list[tuple[Stage, View, Any]] = []
        self._views: list[View] = []
        self._missing: list[str] = []  # how the reader can fill each picture, as last shown
        self._turned, self._turns = 0.0, 0
        self._sources: tuple[list[Any], dict[str, list[str]]] = [], {}  # the last sources, and of which drawings

    def declare(self, views: list[View], state: Any) -> None:
        """Show the pictures of these views. A picture that already shows the same stays."""
        if len(self.stages) != len(views):
            self.stages = [Stage(order) for order, _ in enumerate(views)]
            self.column.objects = [*(stage.pane for stage in self.stages), self.hint]
        self.column.stylesheets = [grid(views)]
        self._waiting, self._views, self._missing = [], views, []
        for stage, view in zip(self.stages, views, strict=True):
            if stage.holds(view):
                continue
            if not self._gradual or view.leading or view is views[0]:
                self._put_up(stage, view, state)
            else:
                stage.retire()
                self._waiting.append((stage, view, state))
        self.declared = views

    @property
    def waiting(self) -> bool:
        """Whether a picture waits to be shown."""
        return bool(self._waiting)

    def put_up_next(self) -> None:
        """Show the first waiting picture."""
        waiting = self._waiting
        if not waiting:
            return
        try:
            self._put_up(*waiting[0])
        finally:
            del waiting[:1]  # only now: until it is there, it waits

    def _put_up(self, stage: Stage, view: View, state: Any) -> None:
        stage.dark, stage.main = self.dark, view in leading(self._views)
        stage.show(view, state, lambda figure: self._drawn(view, figure))

    def patch(self, columns: Sequence[Columns], moving: bool) -> None:
        """Write the arrays of a frame into the pictures.

        Args:
            columns: one per view.
            moving: whether the next frame comes soon; then pictures whose axes follow their data take turns.
        """
        for stage, arrays in zip(self.stages, self.in_turn(columns, moving), strict=True):
            if arrays:
                stage.patch(arrays)

    def in_turn(self, columns: Sequence[Columns], moving: bool) -> list[Columns]:
        """Return the columns of a frame without those of pictures that wait for their turn, see `patch`."""
        resting = self._resting() if moving else []
        return [{} if stage in resting else arrays for stage, arrays in zip(self.stages, columns, strict=True)]

    def see(self, state: Any, views: Any, playing: bool, earlier: int) -> None:
        """Describe a state of the declared views as text, and hide pictures that it leaves empty.

        Args:
            earlier: how many states of the run before this one are kept.
        """
        if state is None or self.declared is None or views is not self.declared:
            return
        self._hide_empty(state, self.declared, earlier)
        self._narrator.see(self.declared, state, playing)

    def _hide_empty(self, state: Any, views: Sequence[View], earlier: int) -> None:
        """Show what would fill the empty pictures instead of these."""
        words = [view.missing(state, earlier) for view in views]
        if words == self._missing:  # at every frame, and setting the same again costs half a millisecond
            return
        self._missing = words
        for stage, why in zip(self.stages, words, strict=True):
            stage.hide(bool(why) and "leading" not in stage.pane.css_classes)
        hint = "<br>".join(dict.fromkeys(filter(None, words)))
        self.hint.param.update(value=hint, visible=bool(hint))

    def sources(self) -> dict[str, list[str]]:
        """Return the ids of the Bokeh sources of each layer, by "number of the picture/layer"."""
        drawings = [(stage, stage.drawings) for stage in self.stages]
        if drawings != self._sources[0]:  # needed at every frame
            found = {
                f"{i}/{layer}": [source.id for source in sources]
                for i, stage in enumerate(self.stages)
                for layer, sources in stage.sources.items()
            }
            self._sources = drawings, found
        return self._sources[1]

    def forget(self) -> None:
        """Send all columns again with the next `patch`, because the browser got them in another way meanwhile."""
        for stage in self.stages:
            stage.forget()

    def _resting(self) -> list[Stage]:
        """Return the pictures that wait for their turn: new axes cost the browser more than all moving arrays."""
        following = [stage for stage in self.stages if stage.automatic]
        if following and time.monotonic() - self._turned >= CURVES / len(following):
            self._turned, self._turns = time.monotonic(), self._turns + 1
            following.pop(self._turns % len(following))
        return following

    def recolour(self, again: bool = False) -> None:
        """Give the pictures the colours of a dark or a light page, according to `dark`.

        Args:
            again: whether the browser lacks colours that the pictures have here. They are sent if they change.
        """
        for stage in self.stages:
            if again:
                stage.recolour(not self.dark)
            stage.recolour(self.dark)


def grid(views: Sequence[View]) -> str:
    """Return the style sheet for the pictures of these views."""
    if sum(view.leading for view in views) > 1:
        return GRID_BESIDE
    return GRID if any(not (view.leading or view.wide) for view in views) else GRID_ALONE
