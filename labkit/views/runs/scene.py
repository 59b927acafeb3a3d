"""The page of runs: a table of all runs in a directory, and pictures of the chosen one that grow during training."""

import html
import time
from pathlib import Path
from typing import Any, NamedTuple

import panel as pn
import param

from labkit.experiments.runs import RunState, directory, with_samples
from labkit.views import layout
from labkit.views.layout import GRID_BESIDE
from labkit.views.runs import words
from labkit.views.runs.curves import BoundCurves, BoundTerms
from labkit.views.runs.followed import FollowedRun
from labkit.views.runs.heatmap import KLHeatmap
from labkit.views.runs.polling import Poller
from labkit.views.runs.samples import SampleSheet
from labkit.views.runs.train import TrainButton
from labkit.views.stage import Stage

NEWEST = -1  # show the newest epoch, unless the reader chooses another one


class FoundRuns(NamedTuple):
    """The result of one reading: the runs, and the run to show if it can be read; the shipped example without any."""

    runs: dict[str, RunState | str]
    name: str = ""
    state: RunState | None = None
    drawable: bool = False
    wrong: str = ""
    example: bool = False


class RunsScene(pn.viewable.Viewer):
    """The runs of a directory on screen.

    Args:
        place: the directory.
        chosen: the name of a run; "" shows the newest.
    """

    epoch = param.Integer(default=NEWEST, bounds=(NEWEST, None), doc="Epoch whose samples are shown; -1: the newest.")

    def __init__(self, place: Path, chosen: str = "", **params):
        super().__init__(**params)
        self.place, self.chosen = place, chosen
        self.stages: list[Stage] = []
        self.live = FollowedRun()
        self._state: RunState | None = None
        self._folder = place
        self._epochs: list[int] = []
        self._dark = self._following = False
        self._make()
        self.poller = Poller(self._find, self._show, self._fail, self._recolour)

    def __panel__(self) -> pn.viewable.Viewable:
        bar = pn.FlexBox(self.head, self.scrub, self.link, align_items="center")
        shown = [
            self.poller.remote,
            TrainButton(margin=(4, 8)),
            self.listing,
            self.wrong,
            bar,
            self.pictures,
            self.said,
        ]
        return pn.Column(*shown, sizing_mode="stretch_width")

    def _make(self) -> None:
        wide = {"sizing_mode": "stretch_width"}
        self.listing = pn.pane.HTML(html.escape(f"Looking for runs in {self.place} …"), margin=(4, 8), **wide)
        self.wrong = pn.pane.HTML("", visible=False, margin=(0, 8), **wide)
        self.head = pn.pane.HTML("", margin=(8, 8), min_width=200)
        self.scrub = pn.widgets.IntSlider(
            label="Samples of an earlier epoch", start=0, end=1, value=0, width=230, margin=(0, 12), show_value=False,
            visible=False,
        )  # fmt: skip
        self.scrub.param.watch(self._scrubbed, "value")
        self.link = pn.pane.HTML("", margin=(8, 8))
        self.pictures = pn.Column(stylesheets=[GRID_BESIDE], **wide)
        self.said = layout.said("")
        self.settings = pn.pane.HTML("", margin=(4, 8), **wide)

    def code(self) -> str:
        """Return Python that reads the run on screen, "" if there is none."""
        return "" if self._state is None else words.code(self._state, self._folder)

    # in the thread that reads files

    def _find(self) -> FoundRuns:
        runs = directory.states(self.place)
        if not runs and not self.chosen:
            return self._of(directory.states(directory.EXAMPLES), "")._replace(example=True)
        self.chosen = self.chosen or first(runs)
        return self._of(runs, self.chosen)

    def _of(self, runs: dict[str, RunState | str], name: str) -> FoundRuns:
        """Return what to show of these runs: the one of that name, or the first that can be read."""
        name = name or first(runs)
        state = runs.get(name)
        if not isinstance(state, RunState):
            return FoundRuns(runs, name)
        drawable = state.exported and directory.is_kind(self.place / name, "draw")
        try:
            return FoundRuns(runs, name, with_samples(state, self.epoch), drawable)
        except ValueError as error:
            return FoundRuns(runs, name, state, drawable, str(error))

    # on the event loop

    def _show(self, found: FoundRuns) -> None:
        now = time.time()
        nothing = words.none_in(str(self.place.absolute())) if found.example or not found.runs else ""
        table = words.example(found.runs) if found.example else words.listing(found.runs, self.chosen, now)
        self.listing.object = nothing + (table if found.runs else "")
        self._say(found.wrong or self._gone(found))
        if found.state is None:
            return
        self._folder = directory.EXAMPLES if found.example else self.place
        self.head.object = self._headline(found.name, found.state)
        self.link.object = words.opens(self.chosen) if found.drawable else ""
        self.settings.object = words.configuration(found.state)
        self.said.object = words.explained(found.state)
        self._follow(list(found.state.sheets))
        if self._state is None or not alike(found.state, self._state):
            self._draw(found.name, found.state)

    def _gone(self, found: FoundRuns) -> str:
        return (
            f"the run {self.chosen} is no longer there; choose another one"
            if self.chosen and self.chosen not in found.runs
            else ""
        )

    def _say(self, text: str) -> None:
        self.wrong.param.update(object=words.wrong(text) if text else "", visible=bool(text))

    def _fail(self, error: Exception) -> None:
        self._say(f"{self.chosen or self.place}: {directory.reason(error)}")

    def _headline(self, name: str, state: RunState) -> str:
        what = (
            f"samples of epoch {state.shown}"
            if state.shown
            else "no samples yet"
            if state.step
            else "nothing recorded yet"
        )
        return f"<b>{html.escape(name)}</b> · {what}"

    def _follow(self, epochs: list[int]) -> None:
        """Update the slider: one position per sheet. It stays at the newest, or at the one that the reader chose."""
        if epochs == self._epochs:
            return
        self._epochs, last = epochs, max(len(epochs) - 1, 0)
        at = epochs.index(self.epoch) if self.epoch in epochs else last
        self._following = True
        self.scrub.param.update(end=max(1, last), value=at, visible=last > 0)
        self._following = False

    def _scrubbed(self, event: Any) -> None:
        if self._following or event.new >= len(self._epochs):
            return
        self.epoch = NEWEST if event.new == len(self._epochs) - 1 else self._epochs[event.new]
        self.poller.again()

    def _draw(self, name: str, state: RunState) -> None:
        views = pictures(state)
        replaced = len(views) != len(self.stages)
        same = not replaced and all(stage.holds(view) for stage, view in zip(self.stages, views, strict=True))
        self.live.show(name, state, views, changed=not same)
        if replaced:
            self.stages = [Stage(order) for order, _ in enumerate(views)]
        for stage, view in zip(self.stages, views, strict=True):
            if stage.holds(view):
                stage.patch(view.columns(state))
            else:
                stage.dark = self._dark
                stage.show(view, state, unaligned)
        if replaced:  # last, so that the browser receives complete pictures
            self.pictures.objects = [stage.pane for stage in self.stages]
        self._state = state

    def _recolour(self, dark: bool) -> None:
        self._dark = dark
        for stage in self.stages:
            stage.recolour(dark)


def first(runs: dict[str, RunState | str]) -> str:
    """Return the name of the newest run that can be read, "" if there is none."""
    return next((name for name, run in runs.items() if isinstance(run, RunState)), "")


def pictures(state: RunState) -> list:
    """Return the views that have numbers in this run."""
    kl = state.kl()
    there = {
        BoundCurves: state.step,
        SampleSheet: state.sheet is not None,
        BoundTerms: "lx" in state.metrics and "lz" in state.metrics,
        KLHeatmap: len(kl) and kl.shape[1] > 1,
    }
    return [view(state) for view, has in there.items() if has]


def unaligned(figure: Any) -> None:
    """Turn off the alignment of frames, which would leave space for a colour bar next to every picture."""
    figure.frame_align = False


def alike(one: RunState, other: RunState) -> bool:
    """Return whether both states come from the same files and show the same sheet."""
    return one.metrics is other.metrics and one.epochs is other.epochs and one.sheet is other.sheet
