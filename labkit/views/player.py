"""The controls of a live view: play, step, reset, speed, rewind and the step counter."""

import html
import time
from collections.abc import Callable
from typing import Any

import panel as pn
from bokeh.models import Tooltip

from labkit import engine
from labkit.stream import steps_of
from labkit.views.notebook import Clock
from labkit.views.readout import Readout

SPEEDS = [1, 3, 10, 30, 100, 300, 1000]
READOUT = 0.2  # seconds between two changes of the text and the rewind slider while playing
RARELY = 3.0  # the same where the text reaches the browser in another way
SELDOM = 3  # minimum number of frames between two such changes, for slow runs
PLAY, PAUSE = "Play", "Pause"  # the labels of one button
ECHO = 60  # ticks within which a notebook's slider may send back a position that it received
TIPS = {
    "Speed (steps per second)": "The most steps taken per second. A slow machine takes fewer.",
    "Rewind": "Shows an earlier step of this run (left arrow key). Play continues from there. When a run "
    "gets long, or if its states are large, Rewind goes in steps of 2, 4, 8 and so on. The run itself skips no step.",
}
FAILED = {  # what comes before the reason, by `engine.Frame.failed`
    "run": "The run has stopped:",
    "edit": "This change is not possible:",
    "start": "The run cannot start:",
    "order": "This does not work:",
}
ALERT = {"background": "#b3261e", "color": "#ffffff", "padding": "8px 12px", "border-radius": "6px"}


class PlayerBar:
    """Buttons, sliders and keys that control a run, and the texts that describe its position.

    Args:
        run: the controlled run.
        speed: maximum number of steps per second.
        status: returns a few words about a state, for the line with the step counter.
        clock: clock of the notebook cell that shows the run; None on a served page.
        say: gets an error message, for a screen reader.

    Attributes:
        row: the controls. On a page they are added after the picture, by `fill()`, so the picture appears sooner.
        error: the error message of the last step, hidden if there was no error.
    """

    def __init__(
        self,
        run: engine.Run,
        speed: int,
        status: Callable[[Any], str],
        clock: Clock | None,
        say: Callable[[str], None],
    ):
        self.run, self._status, self._clock, self._say, self._said = run, status, clock, say, ""
        self.pause = READOUT
        self._read, self._number, self._following = 0.0, -SELDOM, False
        self._sent: dict[int, int] = {}  # position of the rewind slider -> the tick at which it was sent
        self._make_buttons()
        self._make_sliders(speed)
        self.text = Readout(margin=(0, 12), css_classes=["line"])
        self.error = pn.widgets.StaticText(value="", visible=False, sizing_mode="stretch_width", styles=ALERT)
        self._controls = [self.button, self.once, self.reset, self.speed, self.scrub, self.text]
        self.row = pn.FlexBox(*self._controls if clock else [], align_items="center", min_height=58)

    def _make_buttons(self) -> None:
        button: dict[str, Any] = {"width": 84, "margin": (4, 4)}
        other = button | {"css_classes": ["secondary"]}

        def tip(words: str) -> Tooltip:
            return Tooltip(content=words, position="bottom")  # to the right it would cover the next button

        self.button = pn.widgets.Button(
            label=PLAY, color="primary", css_classes=["play"], description=tip("Play or pause (space bar)"), **button
        )
        self.once = pn.widgets.Button(
            label="Step", description=tip("Pause and take one step (right arrow key)"), **other
        )
        self.reset = pn.widgets.Button(label="Reset", description=tip("Go back to step 0 (R key)"), **other)
        self.button.on_click(lambda _: self.toggle())
        self.once.on_click(lambda _: self.run.once())
        self.reset.on_click(lambda _: self.run.reset())

    def _make_sliders(self, speed: int) -> None:
        self.speed = pn.widgets.DiscreteSlider(
            label="Speed (steps per second)",
            options=sorted({*SPEEDS, speed}),
            value=speed,
            width=215,
            margin=(0, 12),
            css_classes=["slim"],
        )
        self.speed.param.watch(lambda event: setattr(self.run, "speed", float(event.new)), "value")
        self.scrub = pn.widgets.IntSlider(
            label="Rewind",
            start=0,
            end=1,
            value=0,
            width=180,
            margin=(0, 12),
            show_value=False,
            css_classes=["slim"],
        )
        self.scrub.param.watch(self._scrubbed, "value")

    @property
    def filled(self) -> bool:
        """Whether the controls are in their row."""
        return bool(self.row.objects)

    def fill(self) -> None:
        """Put the controls into their row."""
        self.row.extend(self._controls)

    def toggle(self) -> None:
        """Play or pause."""
        self.run.pause() if self.run.frame.playing else self.run.play()

    def press(self, key: str | None) -> None:
        """Run the command of a key: space, right, left or r. Other keys do nothing."""
        if key == "space":
            self.toggle()
        elif key == "right":
            self.run.once()
        elif key == "left":
            self.run.seek(self.run.frame.position - 1)
        elif key == "r":
            self.run.reset()

    def is_due(self, frame: engine.Frame) -> bool:
        """Return whether the texts change with this frame: if the run starts or stops, and then a few times per
        second while it plays."""
        seldom = time.monotonic() - self._read < self.pause or frame.number - self._number < SELDOM
        return not (frame.playing and not frame.error and seldom and self.agrees(frame))

    def agrees(self, frame: engine.Frame) -> bool:
        """Return whether the label of the Play button is the one for this frame."""
        return self.button.label == _label(frame)

    def show(self, frame: engine.Frame) -> None:
        """Show the position of the run. While it plays, only a few times per second, because this costs as much as a
        picture."""
        if not self.is_due(frame):
            return
        moving = frame.playing and not frame.error
        self._read, self._number = time.monotonic(), frame.number - (0 if moving else SELDOM)
        self.button.label = _label(frame)
        words = frame.error.removeprefix("ValueError: ")  # its text is written for the reader
        self.error.visible = bool(words)
        before = FAILED.get(frame.failed, "")
        self.error.value = f"<b>{before}</b> {html.escape(words)}" if words else ""
        if words and frame.error is not self._said:  # another object for each error, also for one with the same words
            self._say(f"{before} {words}")
        self._said = frame.error
        self.text.value = self.line(frame)
        self._following, self._sent[frame.position] = True, self._clock.ticks if self._clock else 0
        self.scrub.param.update(end=max(1, frame.kept - 1), value=frame.position)
        self._following = False

    def line(self, frame: engine.Frame) -> str:
        """Return step, speed and status of a frame as HTML."""
        rate = f"{frame.rate:,.0f} {'step' if round(frame.rate) == 1 else 'steps'}/s" if frame.playing else "paused"
        if frame.stride > 1 and not frame.playing:
            rate += f'<span class="rewind"> · Rewind goes {frame.stride} steps at a time</span>'  # hidden with it
        words = self._status(frame.state) if frame.state is not None else ""
        return f"step <b>{steps_of(frame.state) or 0}</b> · {rate}" + (f" · {html.escape(words)}" if words else "")

    def _scrubbed(self, event: Any) -> None:
        echo = self._clock is not None and self._clock.ticks - self._sent.get(event.new, -ECHO) < ECHO
        if not self._following and not echo:
            self.run.seek(event.new)


def _label(frame: engine.Frame) -> str:
    """Return what the Play button says while this frame is shown."""
    return PAUSE if frame.playing else PLAY
