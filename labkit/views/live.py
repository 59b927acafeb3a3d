"""The player: a run that is played, paused, stepped and rewound in a notebook cell or on a served page.

    Live(start, step, view)

`start() -> State` and `step: State -> State` are read anew at each tick, so that a control acts on the next step
without a restart. A view (`labkit.views.view.View`) says what a state looks like. The steps are taken on the engine's
thread; here only the newest frame is shown.
"""

import html
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from labkit import engine
from labkit.private.panel import listen_in_turn, push_changes
from labkit.views import pulse
from labkit.views.readout import Readout
from labkit.views.remote import Remote
from labkit.views.stage import Stage
from labkit.views.view import View, checked

TICK_NOTEBOOK = 66  # milliseconds between two looks at a frame in a notebook: more only makes a queue on its long way
TICK_WIDGET = 200  # the same where the notebook shows it as an ipywidget (VS Code), with a message for every array
SPEEDS = [1, 3, 10, 30, 100, 300, 1000]
READOUT = 0.2  # seconds between two changes of the text and the scrub slider while playing
SELDOM = 3  # frames between two of these at least, where few frames come
CURVES = 0.3  # seconds between two changes of a picture whose axes follow its data; such pictures take turns
ECHO = 60  # ticks within which a notebook's slider may send back a position that it was sent
BUSY = 1.0  # seconds between two ticks, from which the loop was busy with something else
_cells: dict[str, tuple[int, list["Live"]]] = {}  # what each cell of a notebook started when it last ran


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
        drawn: Callable[[Any, Any], None] | None = None,
        pinned: tuple[int, ...] = (),
        **params,
    ):
        super().__init__(**params)
        self.served = bool(pn.state.curdoc and pn.state.curdoc.session_context)
        self._play_at_hello = self.served if play is None else play
        self._status, self._drawn = status or (lambda state: ""), drawn
        self._shown, self._read, self._unread, self._following, self._dark = 0, 0.0, SELDOM, False, False
        self._turned, self._turns = 0.0, 0
        self._ticks, self._ticked, self._sent = 0, time.monotonic(), {}
        self._thread, self._greeted = threading.get_ident(), self.served
        self._tasks: list[Callable] = []
        self._waiting: list[Callable] = []  # pictures to put up, one a tick, once the browser has said hello
        self._met = False
        self._declared: list | None = None  # the views whose pictures are up
        self.views = checked(view)
        self.stages: list[Stage] = []
        self.run = engine.Run(start, step, self._render, self._record, pinned)
        self.run.speed = speed
        self.remote = Remote(self._heard, keys=self.served, tips=dict(TIPS), width=0, height=0, margin=0)
        self.pictures = pn.Column(sizing_mode="stretch_width", stylesheets=[GRID])
        self._make_controls(speed)
        self.show(*self.views)
        self._begin()

    # what is computed, on the engine's thread

    def _render(self, state: Any, past: engine.Past) -> tuple[list, list[dict]]:
        """The views and the columns of each, copies all."""
        views = self.views
        return views, [view.columns(state, past) for view in views]

    def _record(self, state: Any) -> dict[str, float]:
        row: dict[str, float] = {}
        for view in self.views:
            row |= view.record(state)
        return row

    # what is shown, on the event loop

    def show(self, *views: View) -> None:
        """Reset the run and declare the pictures anew, of other views if given: after a change of target."""
        if self._elsewhere:
            self.later(lambda: self.show(*views))
            return
        self.views = checked(views or self.views)
        self.run.reset()
        self.redeclare()

    def redeclare(self) -> None:
        """Declare the pictures anew from where the run stands, and leave the run alone."""
        if self._elsewhere:
            self.later(self.redeclare)
            return
        try:
            state = self.run.past(lambda past: past.states[self.run.position])
        except RuntimeError:  # it could not start: the frame says why
            return
        if len(self.stages) != len(self.views):
            self.stages = [Stage(order) for order, _ in enumerate(self.views)]
            self.pictures.objects = [stage.pane for stage in self.stages]
            beside = sum(view.leading for view in self.views) > 1
            self.pictures.stylesheets = [GRID_BESIDE if beside else GRID]
        self._waiting = []
        for stage, view in zip(self.stages, self.views, strict=True):
            if stage.holds(view):
                continue
            if not self.served or view.leading or view is self.views[0]:
                self._put_up(stage, view, state)
            else:  # the large picture stands sooner where the small ones wait until the browser has it
                stage.retire()
                self._waiting.append(lambda stage=stage, view=view: self._put_up(stage, view, state))
        self._declared = self.views
        self.run.redraw()

    def _put_up(self, stage: Stage, view: View, state: Any) -> None:
        stage.dark = self._dark
        stage.show(view, state, lambda figure: self._drawn(view, figure) if self._drawn else None)

    def fail(self, text: str) -> None:
        """Stop, and say why on screen."""

        def stop(_state: Any) -> None:
            raise ValueError(text)

        self.run.edit(stop)

    def reset(self) -> None:
        """Begin anew; the pictures stay."""
        self.run.reset()

    def play(self) -> None:
        self.run.play()

    def pause(self) -> None:
        self.run.pause()

    def toggle(self, *_: Any) -> None:
        """Play or pause."""
        self.pause() if self.run.frame.playing else self.play()

    @property
    def dark(self) -> bool:
        """Whether the page is dark, as far as its browser has said."""
        return self._dark

    def later(self, task: Callable[[], None]) -> None:
        """Do something on the event loop at the next tick; may be called from any thread."""
        self._tasks.append(task)

    @property
    def _elsewhere(self) -> bool:
        """Whether this is not the notebook's own thread: ipywidgets of JupyterLab 4.4 and later speak from another."""
        return not self.served and threading.get_ident() != self._thread

    def _make_controls(self, speed: int) -> None:
        button = {"width": 84, "margin": (4, 4)}
        self._button = pn.widgets.Button(label="Play", color="primary", description="Play or pause (space)", **button)
        self._once = pn.widgets.Button(label="Step", description="Pause and take one step (right arrow)", **button)
        self._anew = pn.widgets.Button(label="Reset", description="Back to the start (r)", **button)
        self._button.on_click(self.toggle)
        self._once.on_click(lambda _: self.run.once())
        self._anew.on_click(lambda _: self.reset())
        speeds = sorted({*SPEEDS, speed})
        self._speed = pn.widgets.DiscreteSlider(
            label="Speed, steps a second", options=speeds, value=speed, width=190, margin=(0, 12)
        )
        self._speed.param.watch(lambda event: setattr(self.run, "speed", float(event.new)), "value")
        self._scrub = pn.widgets.IntSlider(
            label="Look back, kept states", start=0, end=1, value=0, width=230, margin=(0, 12), show_value=False
        )
        self._scrub.param.watch(self._scrubbed, "value")
        self._text = Readout(margin=(8, 12))
        self._error = pn.widgets.StaticText(value="", visible=False, sizing_mode="stretch_width", styles=ALERT)
        self._controls = [self._button, self._once, self._anew, self._speed, self._scrub, self._text]
        shown = [] if self.served else self._controls  # on a page they follow the picture, which stands sooner so
        self._bar = pn.FlexBox(*shown, align_items="center", min_height=58)
        self.player = pn.Column(self.remote, self._bar, sizing_mode="stretch_width")

    @property
    def error(self) -> pn.viewable.Viewable:
        """The text of what went wrong in the last step, hidden while nothing did."""
        return self._error

    def __panel__(self) -> pn.viewable.Viewable:
        self._greeted = self.served  # a view in a notebook must be up before it is sent anything, or Panel loses count
        return pn.Column(self.player, self._error, self.pictures, sizing_mode="stretch_width")

    def _begin(self) -> None:
        if self.served:
            document = pn.state.curdoc
            document.on_session_destroyed(self._destroyed)
            document.on_event("document_ready", self._has_page)
            pulse.watch(self, document)
            return
        cell, turn = _cell()
        last, lives = _cells.get(cell, (turn, []))
        if last != turn:  # the cell runs again
            for live in lives:
                live.close()
            lives = []
        _cells[cell] = (turn, [*lives, self])
        listen_in_turn()
        try:
            tick = TICK_WIDGET if pn.config.comms in ("vscode", "ipywidgets") else TICK_NOTEBOOK
            self._callback = pn.state.add_periodic_callback(self._tick, period=tick)
        except RuntimeError:  # a script without an event loop: there is nobody to show anything to
            self._callback = None

    def _has_page(self, _event: Any) -> None:
        """The browser has the document: what follows the first picture may come."""
        self._met = True

    def _destroyed(self, _context: Any) -> None:
        self.run.close()

    def close(self) -> None:
        """Stop for good and give everything back."""
        self.run.close()
        if not self.served and self._callback is not None:
            self._callback.stop()

    def _tick(self) -> None:
        """The look of a notebook."""
        frame, now = self.run.frame, time.monotonic()
        if now - self._ticked > BUSY:  # a long cell ran, and no sign of a watcher came through
            self.run.watched()
        self._ticks, self._ticked = self._ticks + 1, now
        if frame.playing and self.run.unwatched:
            self.pause()  # the notebook was closed, or its browser went to sleep
        if self.has_news() or self.has_more():
            self.show_news(more=True)

    def has_news(self) -> bool:
        """Whether there is a frame or a task that the screen has not seen."""
        new = self._greeted and self.run.frame.number != self._shown
        return bool(new or self._tasks) and not self._asleep

    def has_more(self) -> bool:
        """Whether there is something to put up that takes long."""
        return self._met and bool(self._waiting or not self._bar.objects) and not self._asleep

    @property
    def _asleep(self) -> bool:
        """Whether nobody looks at the page."""
        return bool(self.served and self.run.unwatched and self._shown)

    def show_news(self, more: bool) -> None:
        """Show the newest frame, and do what waited; frames that were missed are dropped."""
        if more and not self._bar.objects:
            self.later(lambda: self._bar.extend(self._controls))
        elif more and self._waiting:
            self._tasks += [self._waiting.pop(0), self.run.redraw]
        frame, (tasks, self._tasks) = self.run.frame, (self._tasks, [])
        self._shown = frame.number
        with pn.io.hold():
            for task in tasks:
                task()
            self._show_frame(frame)

    def _push(self) -> None:
        """Send a notebook what has changed in the pictures."""
        push_changes(stage.pane for stage in self.stages)

    def _show_frame(self, frame: engine.Frame) -> None:
        views, columns = frame.content or (None, ())
        if views is self.views and views is not self._declared:  # it could not start when they were to be declared
            self.redeclare()
        moving = frame.playing and not frame.error
        if views is self.views:  # not those of the pictures before
            resting = self._resting() if moving else []
            for stage, arrays in zip(self.stages, columns, strict=True):
                if stage not in resting:
                    stage.patch(arrays)
        self._push()
        self._unread += 1
        if moving and (time.monotonic() - self._read < READOUT or self._unread < SELDOM):
            return
        self._read, self._unread = time.monotonic(), 0 if moving else SELDOM
        self._button.label = "Pause" if frame.playing else "Play"
        self._error.visible = bool(frame.error)
        self._error.value = f"<b>The run has stopped.</b> {html.escape(frame.error)}" if frame.error else ""
        self._text.value = self._line(frame)
        self._following, self._sent[frame.position] = True, self._ticks
        self._scrub.param.update(end=max(1, frame.kept - 1), value=frame.position)
        self._following = False

    def _resting(self) -> list[Stage]:
        """The pictures that wait for their turn: axes drawn anew cost the browser more than all that moves in them."""
        following = [stage for stage in self.stages if stage.automatic]
        if following and time.monotonic() - self._turned >= CURVES / len(following):
            self._turned, self._turns = time.monotonic(), self._turns + 1
            following.pop(self._turns % len(following))
        return following

    def _line(self, frame: engine.Frame) -> str:
        rate = f"{frame.rate:,.0f} steps/s" if frame.playing else "paused"
        if frame.stride > 1 and not frame.playing:
            rate += f" · states kept: every {frame.stride} steps"
        words = self._status(frame.state) if frame.state is not None else ""
        return f"step <b>{getattr(frame.state, 't', 0)}</b> · {rate}" + (f" · {html.escape(words)}" if words else "")

    def _scrubbed(self, event: Any) -> None:
        echo = not self.served and self._ticks - self._sent.get(event.new, -ECHO) < ECHO
        if not self._following and not echo:
            self.run.seek(event.new)

    def _heard(self, message: dict) -> None:
        """A word from the browser."""
        kind = message.get("kind")
        if kind == "bye":
            self.run.leave()
            return
        self.run.watched()
        self._greeted = self._met = True  # of a tab that was opened later the document was ready before
        if kind in ("hello", "scheme") or message.get("dark", self._dark) != self._dark:
            self._dark = bool(message.get("dark"))
            if self.served:  # a message may come while the document is written to
                self.later(self._recolour)
            else:
                self._recolour()
                self._push()
        if self._play_at_hello and not message.get("reduced", True):  # a busy notebook may lose the first hello
            self._play_at_hello = False
            self.play()
        if kind == "key":
            self._key(message.get("name"))

    def _recolour(self) -> None:
        for stage in self.stages:
            stage.recolour(self._dark)

    def _key(self, name: str | None) -> None:
        if name == "space":
            self.toggle()
        elif name == "right":
            self.run.once()
        elif name == "left":
            self.run.seek(self.run.frame.position - 1)
        elif name == "r":
            self.reset()


# As many columns as there is room for; the picture of the method itself takes two by two where it can.
GRID = """
.scroll-button { display: none; }
:host { display: grid !important; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 10px; }
.leading { grid-column: span 2; grid-row: span 2; }
.wide { grid-column: 1 / -1; }
@media (max-width: 700px) { .leading { grid-column: auto; grid-row: auto; } }
"""
# Two runs: one column each.
GRID_BESIDE = """
.scroll-button { display: none; }
:host { display: grid !important; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
@media (max-width: 700px) { :host { grid-template-columns: minmax(0, 1fr); } }
"""
TIPS = {
    "Speed, steps a second": "How many steps a second are taken at most; a slow machine takes fewer",
    "Look back, kept states": "Shows an earlier state of this run; Play goes on from there",
}
ALERT = {"background": "#b3261e", "color": "#ffffff", "padding": "8px 12px", "border-radius": "6px"}


def _cell() -> tuple[str, int]:
    """What names the notebook cell that runs now, and its turn, so that running it again stops what it started."""
    try:
        from IPython import get_ipython

        shell = get_ipython()
        parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
        name = str(parent.get("metadata", {}).get("cellId") or hash(shell.user_ns.get("In", [""])[-1]))
        return name, shell.execution_count
    except (ImportError, AttributeError):
        return "", 0
