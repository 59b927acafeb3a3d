"""A run on screen, in a notebook cell or on a served page: play, pause, step and rewind.

    Live(start, step, view)

`start() -> State` and `step: State -> State` are read again at each tick, so a control acts on the next step without a
restart. A view (`labkit.views.view.View`) defines what a state looks like. The engine's thread takes the steps; this
module only shows the newest frame.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn

from labkit import engine
from labkit.private.panel import push_changes
from labkit.views import accounts, layout, pulse, still
from labkit.views.notebook import Clock
from labkit.views.pictures import CURVES, Pictures
from labkit.views.player import RARELY, READOUT, TIPS, PlayerBar
from labkit.views.remote import Remote
from labkit.views.stage import Stage
from labkit.views.view import Columns, View, checked, row_of


class Live(still.LiveCell):
    """A run on screen: play, step, reset, speed, rewind and the step counter, and below them the pictures.

    Args:
        start, step: functions of the run.
        view: one view, or several that are shown below each other.
        speed: maximum number of steps per second.
        play: whether to start immediately; default True on a page and False in a notebook. It never starts for a reader
            who prefers reduced motion.
        status: returns a few words about a state, for the line with the step counter.
        drawn: called as drawn(view, figure) with each new Bokeh figure, for tools and events.
        pinned: steps whose states the history of the run always keeps. past: the class of that history.
        steps: how the run can be stepped with others, as in `engine.Run`.

    Attributes:
        bar: the controls. player: the controls with the invisible part that receives messages of the browser.
        pictures: the pictures of the views, in one column.
        status: state -> the words after the step counter.
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
        steps: engine.Steps | None = None,
        past: type[engine.Past] = engine.Past,
        **params,
    ):
        super().__init__(**params)
        self.served = bool(pn.state.curdoc and pn.state.curdoc.session_context)
        self._play_at_hello = self.served if play is None else play
        self._thread, self._greeted = threading.get_ident(), self.served
        self._shown, self._met, self._passed_by = 0, False, False
        self._tasks: list[Callable[[], None]] = []
        self._curves: WeakKeyDictionary[View, tuple[float, Columns]] = WeakKeyDictionary()
        self._share = engine.engine().ration.share()
        self.clock, self.views = None if self.served else Clock(), checked(view)
        self.status = status or (lambda state: "")
        self.remote = Remote(self._heard, keys=self.served, tips=dict(TIPS))
        self._pictures = Pictures(drawn or (lambda view, figure: None), self.remote.tell, gradual=self.served)
        account = accounts.of(pn.state.curdoc if self.served else None)
        self.run = engine.Run(start, step, self._render, self._record, pinned, account, steps, past)
        self.run.speed = speed
        self.bar = PlayerBar(self.run, speed, self.status, self.clock, self.remote.say)
        self.player = pn.Column(self.remote, self.bar.row, sizing_mode="stretch_width", css_classes=["player"])
        self.pictures = self._pictures.column
        self.show(*self.views)
        self._begin()

    # computed on the engine's thread

    def _render(self, state: Any, past: engine.Past) -> tuple[list[View], list[Columns]]:
        """Return the views and the columns of each, all as copies."""
        views = self.views
        if not self._plays():
            self._curves.clear()
        return views, [
            self._seldom(view, state, past) if view.automatic else view.columns(state, past) for view in views
        ]

    def _seldom(self, view: View, state: Any, past: engine.Past) -> Columns:
        """Return the columns of a picture whose axes follow its data; while the run plays, those of a moment ago."""
        at, columns = self._curves.get(view, (float("-inf"), {}))
        if time.monotonic() - at >= CURVES * engine.FRAMES * self.run.apart:  # longer if many runs play
            at, columns = time.monotonic(), view.columns(state, past)
            self._curves[view] = at, columns
        return columns

    def _record(self, state: Any) -> dict[str, float]:
        if self._plays() and self.run.position:  # the first numbers after a reset are always found
            return self._share.take(lambda: row_of(self.views, state)) or {}
        return row_of(self.views, state)

    def _plays(self) -> bool:
        return "run" in vars(self) and self.run.playing  # the engine may call before the run is known here

    def show(self, *views: View) -> None:
        """Reset the run and declare the pictures again, of other views if given, for example after a new target."""
        if self._elsewhere:
            self.later(lambda: self.show(*views))
            return
        self.views = checked(views or self.views)
        self.run.reset()
        self.redeclare()

    def redeclare(self) -> None:
        """Declare the pictures again at the run's position. The run does not change."""
        if self._elsewhere:
            self.later(self.redeclare)
            return
        try:
            state = self.run.past(lambda past: past.states[self.run.position])
        except RuntimeError:  # it could not start, and the frame shows the reason
            return
        self._pictures.declare(self.views, state)
        self.run.redraw()

    def fail(self, text: str) -> None:
        """Stop, and show the reason on screen."""

        def stop(_state: Any) -> None:
            raise ValueError(text)

        self.run.edit(stop)

    def reset(self) -> None:
        """Start the run again; the pictures stay."""
        self.run.reset()

    def play(self) -> None:
        """Play the run."""
        self.run.play()

    def hold(self) -> None:
        """Pause, and do not play when the browser has the page."""
        self._play_at_hello = False
        self.pause()

    def pause(self) -> None:
        """Pause the run."""
        self.run.pause()

    def close(self) -> None:
        """Stop forever and release all resources."""
        self.run.close()
        if self.clock is not None:
            self.clock.stop()

    def later(self, task: Callable[[], None]) -> None:
        """Run a task on the event loop at the next tick. Any thread may call this."""
        self._tasks.append(task)

    # frames past the document, see `labkit.serving.frames`

    def pass_by(self, passing: bool) -> None:
        """Leave the columns of the pictures to another way to the browser, or take them back."""
        self._passed_by = passing
        self.bar.pause = RARELY if passing else READOUT
        if not passing:
            self._pictures.forget()
            self.run.redraw()

    @property
    def declared(self) -> list[View] | None:
        """The views whose pictures are on screen, None before the first."""
        return self._pictures.declared

    def in_turn(self, columns: Sequence[Columns], moving: bool) -> list[Columns]:
        """Return columns without those of pictures that wait for their turn while the run plays."""
        return self._pictures.in_turn(columns, moving)

    def sources(self) -> dict[str, list[str]]:
        """Return the ids of the Bokeh sources of each layer, by "number of the picture/layer"."""
        return self._pictures.sources()

    live = property(lambda self: self)  # for `still.LiveCell`

    @property
    def stages(self) -> list[Stage]:
        """One stage per view."""
        return self._pictures.stages

    @property
    def error(self) -> pn.viewable.Viewable:
        """The error message of the last step, hidden if there was no error."""
        return self.bar.error

    @property
    def dark(self) -> bool:
        """Whether the page is dark, as reported by its browser."""
        return self._pictures.dark

    @property
    def _elsewhere(self) -> bool:
        """Whether this is not the notebook's own thread: ipywidgets of JupyterLab 4.4 and later use another one."""
        return not self.served and threading.get_ident() != self._thread

    def __panel__(self) -> pn.viewable.Viewable:
        self._greeted = self.served  # a notebook must show a view before it sends changes, or Panel loses count
        return layout.column(self.player, self.error, self.pictures)

    # shown on the event loop

    def _begin(self) -> None:
        if self.clock is not None:
            self.clock.start(self)
            return
        document = pn.state.curdoc
        document.on_session_destroyed(self._destroyed)
        document.on_event("document_ready", self._has_page)
        pulse.watch(self, document)

    def _has_page(self, _event: Any) -> None:
        """Note that the browser has the document, so what follows the first picture may be sent."""
        self._met = True

    def _destroyed(self, _context: Any) -> None:
        self.run.close()

    def has_news(self) -> bool:
        """Return whether there is a frame or a task that is not shown yet."""
        return bool(self._has_frame() or self._tasks) and not self._asleep

    def _has_frame(self) -> bool:
        frame = self.run.frame
        if not self._greeted or frame.number == self._shown:
            return False
        views = frame.content[0] if frame.content else None
        return not self._passed_by or views is not self.declared or self.bar.is_due(frame)

    def has_more(self) -> bool:
        """Return whether something that takes long waits to be shown."""
        return self._met and (self._pictures.waiting or not self.bar.filled) and not self._asleep

    @property
    def _asleep(self) -> bool:
        """Whether no visitor looks at the page."""
        return bool(self.served and self.run.unwatched and self._shown)

    def show_news(self, more: bool) -> None:
        """Show the newest frame and run the waiting tasks. Older frames are dropped."""
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
        if views is self.views and views is not self._pictures.declared:  # the run did not start at first
            self.redeclare()
        if views is self.views and not self._passed_by:  # not the columns of earlier pictures
            self._pictures.patch(columns, moving=frame.playing and not frame.error)
        self._pictures.see(frame.state, views, frame.playing, frame.position)
        self._push()
        self.bar.show(frame)

    def _push(self) -> None:
        """Send a notebook the changes in the pictures."""
        push_changes(stage.pane for stage in self.stages)

    def _heard(self, message: dict) -> None:
        kind = message.get("kind")
        if kind == "bye":
            self.run.leave()
            return
        self.run.watched()
        self._greeted = self._met = True  # in a tab that opens later, the document was already ready
        if kind in ("hello", "scheme", "faded") or message.get("dark", self.dark) != self.dark:
            self._pictures.dark = bool(message.get("dark"))
            if self.served:  # the document may be changing when a message arrives
                self.later(lambda: self._pictures.recolour(kind == "faded"))
            else:
                self._pictures.recolour(kind == "faded")
                self._push()
        if self._play_at_hello and not message.get("reduced", True):  # a busy notebook may lose the first message
            self._play_at_hello = False
            self.play()
        if kind == "key":
            self.bar.press(message.get("name"))
