"""A run on screen: played, paused, stepped and rewound in a notebook cell or on a served page.

    Live(start, step, view)

`start() -> State` and `step: State -> State` are read again at each tick, so that a control acts on the next step
without a restart. A view (`labkit.views.view.View`) says what a state looks like. The steps are taken on the engine's
thread; here only the newest frame is shown.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit import engine
from labkit.private.panel import push_changes
from labkit.views import pulse
from labkit.views.notebook import Clock
from labkit.views.pictures import Pictures
from labkit.views.player import TIPS, PlayerBar
from labkit.views.remote import Remote
from labkit.views.stage import Stage
from labkit.views.view import Columns, View, checked


class Live(pn.viewable.Viewer):
    """A run on screen: pictures, and below them play, step, reset, speed, a scrub slider and the step counter.

    Args:
        start, step: of the run.
        view: one view, or several that are shown one below the other.
        speed: steps a second, at most.
        play: start at once (never where the reader prefers reduced motion); default on a page, not in a notebook.
        status: state -> a few words for the line beside the step counter.
        drawn: called as drawn(view, figure) with each Bokeh figure made, for tools and events.
        pinned: steps whose states the run's history keeps.

    Attributes:
        bar: the controls. player: these with the invisible part that hears the browser.
        pictures: the pictures of the views, in one column.
    """

    def __init__(
        self,
        start: Callable,
        step: Callable,
        view: View | Sequence[View],
        *,
        speed: int = 300,
        play: bool | None = None,
        status: Callable[[Any], str] | None = None,
        drawn: Callable[[View, Any], None] | None = None,
        pinned: tuple[int, ...] = (),
        **params,
    ):
        super().__init__(**params)
        self.served = bool(pn.state.curdoc and pn.state.curdoc.session_context)
        self._play_at_hello = self.served if play is None else play
        self._thread, self._greeted = threading.get_ident(), self.served
        self._shown, self._met = 0, False
        self._tasks: list[Callable[[], None]] = []
        self.clock = None if self.served else Clock()
        self.views = checked(view)
        self._pictures = Pictures(drawn or (lambda view, figure: None), gradual=self.served)
        self.run = engine.Run(start, step, self._render, self._record, pinned)
        self.run.speed = speed
        self.remote = Remote(self._heard, keys=self.served, tips=dict(TIPS), width=0, height=0, margin=0)
        self.bar = PlayerBar(self.run, speed, status or (lambda state: ""), self.clock)
        self.player = pn.Column(self.remote, self.bar.row, sizing_mode="stretch_width")
        self.pictures = self._pictures.column
        self.show(*self.views)
        self._begin()

    # what is computed, on the engine's thread

    def _render(self, state: Any, past: engine.Past) -> tuple[list[View], list[Columns]]:
        """The views and the columns of each, copies all."""
        views = self.views
        return views, [view.columns(state, past) for view in views]

    def _record(self, state: Any) -> dict[str, float]:
        row: dict[str, float] = {}
        for view in self.views:
            row |= view.record(state)
        return row

    # what a page or a cell asks for

    def show(self, *views: View) -> None:
        """Reset the run and declare the pictures again, of other views if given: after a change of target."""
        if self._elsewhere:
            self.later(lambda: self.show(*views))
            return
        self.views = checked(views or self.views)
        self.run.reset()
        self.redeclare()

    def redeclare(self) -> None:
        """Declare the pictures again at the run's position, and leave the run alone."""
        if self._elsewhere:
            self.later(self.redeclare)
            return
        try:
            state = self.run.past(lambda past: past.states[self.run.position])
        except RuntimeError:  # it could not start: the frame says why
            return
        self._pictures.declare(self.views, state)
        self.run.redraw()

    def fail(self, text: str) -> None:
        """Stop, and say why on screen."""

        def stop(_state: Any) -> None:
            raise ValueError(text)

        self.run.edit(stop)

    def reset(self) -> None:
        """Begin the run again; the pictures stay."""
        self.run.reset()

    def play(self) -> None:
        """Play the run."""
        self.run.play()

    def pause(self) -> None:
        """Pause the run."""
        self.run.pause()

    def close(self) -> None:
        """Stop for good and give everything back."""
        self.run.close()
        if self.clock is not None:
            self.clock.stop()

    def later(self, task: Callable[[], None]) -> None:
        """Do something on the event loop at the next tick; may be called from any thread."""
        self._tasks.append(task)

    @property
    def stages(self) -> list[Stage]:
        """A stage for each view."""
        return self._pictures.stages

    @property
    def error(self) -> pn.viewable.Viewable:
        """The text of what went wrong in the last step, hidden while nothing did."""
        return self.bar.error

    @property
    def dark(self) -> bool:
        """Whether the page is dark, as far as its browser has said."""
        return self._pictures.dark

    @property
    def _elsewhere(self) -> bool:
        """Whether this is not the notebook's own thread: ipywidgets of JupyterLab 4.4 and later speak from another."""
        return not self.served and threading.get_ident() != self._thread

    def __panel__(self) -> pn.viewable.Viewable:
        self._greeted = self.served  # a view in a notebook must be up before it is sent anything, or Panel loses count
        return pn.Column(self.player, self.error, self.pictures, sizing_mode="stretch_width")

    # what is shown, on the event loop

    def _begin(self) -> None:
        if self.clock is not None:
            self.clock.start(self)
            return
        document = pn.state.curdoc
        document.on_session_destroyed(self._destroyed)
        document.on_event("document_ready", self._has_page)
        pulse.watch(self, document)

    def _has_page(self, _event: Any) -> None:
        """The browser has the document: what follows the first picture may come."""
        self._met = True

    def _destroyed(self, _context: Any) -> None:
        self.run.close()

    def has_news(self) -> bool:
        """Whether there is a frame or a task that the screen has not seen."""
        new = self._greeted and self.run.frame.number != self._shown
        return bool(new or self._tasks) and not self._asleep

    def has_more(self) -> bool:
        """Whether there is something to put up that takes long."""
        return self._met and (self._pictures.waiting or not self.bar.filled) and not self._asleep

    @property
    def _asleep(self) -> bool:
        """Whether nobody looks at the page."""
        return bool(self.served and self.run.unwatched and self._shown)

    def show_news(self, more: bool) -> None:
        """Show the newest frame, and do what waited; frames that were missed are dropped."""
        if more and not self.bar.filled:
            self.later(self.bar.fill)
        elif more and self._pictures.waiting:
            self._tasks += [self._pictures.put_up_next, self.run.redraw]
        frame, (tasks, self._tasks) = self.run.frame, (self._tasks, [])
        self._shown = frame.number
        with pn.io.hold():
            for task in tasks:
                task()
            self._show_frame(frame)

    def _show_frame(self, frame: engine.Frame) -> None:
        views, columns = frame.content or (None, ())
        if views is self.views and views is not self._pictures.declared:  # it could not start when they were to be
            self.redeclare()
        if views is self.views:  # not those of the pictures before
            self._pictures.patch(columns, moving=frame.playing and not frame.error)
        self._push()
        self.bar.show(frame)

    def _push(self) -> None:
        """Send a notebook what has changed in the pictures."""
        push_changes(stage.pane for stage in self.stages)

    # what the browser says

    def _heard(self, message: dict) -> None:
        kind = message.get("kind")
        if kind == "bye":
            self.run.leave()
            return
        self.run.watched()
        self._greeted = self._met = True  # of a tab that was opened later the document was ready before
        if kind in ("hello", "scheme") or message.get("dark", self.dark) != self.dark:
            self._pictures.dark = bool(message.get("dark"))
            if self.served:  # a message may come while the document is written to
                self.later(self._pictures.recolour)
            else:
                self._pictures.recolour()
                self._push()
        if self._play_at_hello and not message.get("reduced", True):  # a busy notebook may lose the first hello
            self._play_at_hello = False
            self.play()
        if kind == "key":
            self.bar.press(message.get("name"))
