"""A tab of a page: a live view and its controls, which follow the settings."""

from typing import Any

import panel as pn
import param

from labkit.experiments.settings import ExperimentSettings, Linkable
from labkit.past import Past
from labkit.views import layout, recipe
from labkit.views.downloads import Downloads, TableWriter
from labkit.views.keyboard import Keyboard, tab_to
from labkit.views.live import Live
from labkit.views.pointer import Pointer
from labkit.views.still import LiveCell
from labkit.views.things import Things
from labkit.views.view import View

OUTSIDE_LESSONS = ":host { display: var(--outside-lessons, block) !important; }"  # the page hides it in a lesson


def fold(heading: str, words: str) -> str:
    """Return HTML words that the reader opens by their heading."""
    return f'<details><summary style="cursor: pointer"><b>{heading}</b></summary>{words}</details>'


class Scene(LiveCell):
    """A live view of some settings. `_changed` decides what a change of a setting does.

    Args:
        settings: what the tab runs; `edits` need its `evaluate(state)`.
        play: as in `Live`.

    Attributes:
        words: HTML below the pictures. guide: the page of the guide that says more. below: HTML at the end.
        speed: steps per second. pinned: steps whose states are kept. past: as in `Live`.
        saves: the kinds of downloads. table: writes the table of a state's particles, as in `Downloads`.
        basic: settings whose controls a new reader sees; all if it is empty.
        looks: settings of the pictures only. A change declares the pictures again, and the run stays.
        edits: settings that change the evaluation. A change evaluates the current state again.
        noun: what a reader can edit on a picture; "" for nothing.
        running: settings that act on the next step. A change of any other setting starts the run again.
        loads: Python that loads the network of the settings, "" without one.
    """

    words, guide, noun, below, speed, saves, pinned, past = "", "", "", (), 30, ("gif", "png"), (), Past
    table: TableWriter | None = None
    looks, edits, running, basic = (), (), (), ()
    loads = ""

    def __init__(self, settings: ExperimentSettings, play: bool | None = None, **params):
        super().__init__(**params)
        self.settings: Any = settings  # settings of the class that the scene shows
        self.live = Live(
            settings.start, settings.step, self.views(), speed=self.speed, status=self.status, drawn=self.drawn,
            play=play, pinned=self.pinned, steps=settings.steps, past=self.past,
        )  # fmt: skip
        self.remark = layout.said(self.remarks(), sheet=OUTSIDE_LESSONS)  # in a lesson it could say what a step asks
        self.live.remote.tips = self.live.remote.tips | self.tips()
        self.live.remote.basic = list(self.basic)
        for owner in settings.owners:
            owner.param.watch(self._changed, [name for name in owner.param if name != "name"])

    @property
    def owners(self) -> tuple[Linkable, ...]:
        return self.settings.owners

    # what a subclass defines

    def views(self) -> list[View]:
        """Return the views for the current settings."""
        raise NotImplementedError(f"{type(self).__name__} must define views()")

    def controls(self) -> list:
        """Return the widgets of the settings."""
        raise NotImplementedError(f"{type(self).__name__} must define controls()")

    def status(self, state: Any) -> str:
        """Return a few words about a state, for the line with the step counter."""
        return ""

    def drawn(self, view: View, figure: Any) -> None:
        """Add pointer events to a new Bokeh figure."""

    def edit_on(self, figure: Any, things: Things, pointer: Pointer) -> None:
        """Let pointer and keyboard edit the things on a new Bokeh figure."""
        pointer.listen(figure)
        shown = {each.id for stage in self.live.stages for each in stage.figures}
        remote = self.live.remote
        remote.listen(figure.id, Keyboard(things, self.live, remote.say), shown)

    def remarks(self) -> str:
        """Return remarks on these settings, as HTML."""
        return ""

    def tips(self) -> dict[str, str]:
        """Return the tooltip of each control by its label. The first box of a list names the list in the browser."""
        both = [p for owner in self.settings.owners for p in owner.param.objects().values()]
        lists = {
            next(iter(p.names or p.objects)): p.doc
            for p in both
            if isinstance(p, param.ListSelector) and p.doc and p.objects
        }
        return {p.label: p.doc for p in both if p.doc} | lists

    # what others repeat

    def repeated(self) -> ExperimentSettings:
        """Return the settings that repeat the run in Python."""
        settings: ExperimentSettings = self.settings
        return settings

    def code(self) -> str:
        """Return Python that repeats the run up to the step on screen, with these settings."""
        return recipe.of_run(type(self), self.repeated(), recipe.steps(self.live.run), self.loads)

    # what changes

    def _changed(self, *events: Any) -> None:
        names = {event.name for event in events}
        if names - {*self.looks, *self.edits, *self.running}:
            self.show()
        elif names & {*self.edits}:
            self.remark.object = self.remarks()
            self.live.run.edit(self.settings.evaluate)
        elif names & {*self.looks}:
            self.look()

    def show(self) -> None:
        """Start the run again, with the pictures for these settings."""
        self.remark.object = self.remarks()
        try:
            found = self.views()
        except (TypeError, ValueError) as error:  # settings that do not fit together
            self.live.fail(str(error))
            return
        self.live.show(*found)

    def look(self) -> None:
        """Declare the pictures again; the run does not change."""
        self.remark.object = self.remarks()
        self.live.views = self.views()
        self.live.redeclare()

    # layout

    def first(self) -> list:
        """Return what a page shows at once: the player and the pictures."""
        more = f' <a href="./guide/{self.guide}">More in the guide</a>' if self.guide and self.live.served else ""
        said = [layout.said(self.words + more, sheet=OUTSIDE_LESSONS)] if self.words else []
        keys = [layout.said(f"<b>By keyboard.</b> {tab_to(self.noun)}", sheet=layout.NO_KEYS)] if self.noun else []
        return [self.live.player, self.live.error, self.live.pictures, *said, *(keys if self.live.served else [])]

    def rest(self) -> list:
        """Return what follows below. It is added when the browser has the pictures, so these appear sooner."""
        below = [layout.said(words, **{"overflow-x": "auto"}) for words in self.below]  # a formula on a phone
        return [self.remark, *below, Downloads(self, self.saves, self.table)]

    def __panel__(self) -> pn.viewable.Viewable:
        return layout.column(*self.first(), *self.rest())
