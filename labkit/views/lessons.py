"""A lesson on a page or in a cell: the strip above the picture, and what each step does to the run.

Every step sets all settings of its tab, so a link to a step needs no history. The run starts paused. It pauses again
after the steps that the lesson names; then the run itself gives the right answer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from labkit import lessons
from labkit.lessons import Lesson, Question, Step, Verdict
from labkit.views.desk import Desk
from labkit.views.live import Live
from labkit.views.strip import Strip

WAIT = 6.0  # seconds that the steps of one step of a lesson take at most, if the machine is fast enough


@runtime_checkable
class Decides(Protocol):
    """A state of a run that ends with a decision."""

    @property
    def decided(self) -> bool:
        """Whether it has ended."""


class Walk:
    """A reader's way through a lesson.

    Args:
        desk: what shows the run.
        moved: called when the address of the page changes.
        keys: whether the strip receives the keys of the page.

    Attributes:
        lesson: the lesson, None if there is none; step: its step, counted from 0.
        free: whether the reader explores, with a way back to the lesson.
        answer: what the reader predicts; None for nothing yet.
        verdict: what the run gives, once it has been played.
        moves: whether the run plays.
        strip: what the reader sees of all this.
    """

    def __init__(self, desk: Desk, moved: Callable[[], None] = lambda: None, keys: bool = True):
        self._desk, self._moved = desk, moved
        self.lesson: Lesson | None = None
        self.step, self.free = 0, False
        self.answer: Any = None
        self.verdict: Verdict | None = None
        self.strip = Strip(self._heard, keys=keys, visible=False)
        self._live: Live | None = None
        self._first, self._played, self._problem = 0, False, ""
        self._looked: Any = None  # the state of the last look
        self.moves = False

    # where the reader is

    @property
    def place(self) -> dict[str, Any]:
        """The place of the reader in an address; empty outside a lesson."""
        return {"lesson": self.lesson.name, "step": self.step + 1} if self.lesson and not self.free else {}

    def go(self, place: Mapping[str, Any], page: str) -> str:
        """Go to a place of an address; return one line that says why there is no such place, "" if there is.

        Args:
            page: the page of this desk; lessons of other pages are refused.
        """
        try:
            lesson = lessons.load(str(place.get("lesson")))
            if lesson.page != page:
                return f'the lesson "{lesson.name}" belongs to the page /{lesson.page}'
            i = lesson.index(place.get("step", 1))
        except (LookupError, ValueError) as error:
            return str(error.args[0] if error.args else error)
        self.enter(lesson, i)
        return ""

    def enter(self, lesson: Lesson, i: int) -> None:
        """Show step i of a lesson, counted from 0, paused on its first picture."""
        goes_on = lesson is self.lesson and i == self.step + 1 and not self.free and self._played
        if self._live is not None:
            self._live.hold()
        self.lesson, self.step, self.free, self.answer, self.verdict = lesson, i, False, None, None
        self._problem = "; ".join(self._desk.put(lesson.tab, lesson.settings(i)))
        self._live = self._desk.live
        if self._live is not None:
            self._begin(self._live, lesson, goes_on)
        self._tell()
        self._moved()

    def _begin(self, live: Live, lesson: Lesson, goes_on: bool) -> None:
        """Put the run into the first picture of this step.

        Args:
            goes_on: whether the run is where the step before has ended.
        """
        i, step = self.step, self._now
        live.hold()
        live.run.until = 0
        if not goes_on or step.restart:
            live.reset()
            if i > lesson.began(i) or step.at:
                live.run.edit(lambda _first: lessons.first(lesson, i))
        self._first, self._looked, self.moves, self._played = self._mark(), None, False, not step.play
        live.run.until = self._first + step.play if step.play else 0
        live.run.speed = max(float(live.bar.speed.value), step.play / WAIT)

    def leave(self) -> None:
        """Let the reader explore with the settings of this step; the strip has a way back."""
        if self._live is not None:
            self._free(self._live)
        self.free = True
        self._tell()
        self._moved()

    def end(self) -> None:
        """Show the page without a lesson."""
        if self.lesson is not None:
            self.leave()
        self.lesson = None
        self._tell()

    @property
    def question(self) -> Question | None:
        """The question of this step, if it has one."""
        return self._now.question if self.lesson else None

    # what the reader does

    def _heard(self, message: dict[str, Any]) -> None:
        kind, lesson = message.get("kind"), self.lesson
        if lesson is None:
            return
        if kind == "go" and message.get("step") in range(len(lesson.steps)):
            self.enter(lesson, message["step"])
        elif kind == "answer":
            self.predict(message.get("answer"))
        elif kind == "play":
            self.play()
        elif kind == "free":
            self.leave()

    def predict(self, answer: Any) -> None:
        """Take an answer, which replaces the one before, until the run has been played."""
        question = self._now.question
        if self.lesson is None or question is None or self.verdict is not None:
            return
        self._problem = question.refuses(answer)
        if not self._problem:
            self.answer = tuple(answer) if isinstance(answer, list) else answer
            if self._played:
                self.judge()
        self._tell()

    def play(self) -> None:
        """Play the steps of this step of the lesson."""
        if self._live is not None and not self.free:
            self._live.play()

    # what the run does; a timer calls these

    def has_news(self) -> bool:
        """Return whether the run plays or pauses since the last look, or another tab is open."""
        if self.lesson is None or self.free or self._live is None:
            return False
        frame = self._live.run.frame
        paused = not frame.playing and frame.state is not self._looked
        return self._desk.live is not self._live or frame.playing is not self.moves or (paused and not self._played)

    def has_more(self) -> bool:
        """Return False: nothing here takes long."""
        return False

    def show_news(self, more: bool) -> None:
        """Note that the run plays or pauses, or that the reader has left the tab of the lesson."""
        if self._live is None or self._desk.live is not self._live:
            self.leave()
            return
        frame = self._live.run.frame
        self.moves = frame.playing
        if not frame.playing and not self._played:
            self._looked = frame.state
            if self._ended(frame.state):
                self._played = True
                self._free(self._live)
                self.judge()
        self._tell()

    def _free(self, live: Live) -> None:
        """Let the run play on at the speed of its slider."""
        live.run.until, live.run.speed = 0, float(live.bar.speed.value)

    def _ended(self, state: Any) -> bool:
        """Return whether the paused run has taken the steps of this step, or has ended before, as a test does."""
        done = self._mark() - self._first
        return done >= self._now.play or (done > 0 and isinstance(state, Decides) and state.decided)

    def judge(self) -> None:
        """Let the run give the right answer, if it was played to the end of this step."""
        question, live = self._now.question, self._live
        if question is None or live is None or not self._played:
            return
        first = self._first

        def states(past: Any) -> list[Any]:
            kept = [state for state, mark in zip(past.states, past.marks, strict=True) if mark >= first]
            return kept or past.states[-1:]

        try:
            self.verdict = question.judge(self.answer, question.find(live.run.past(states)))
        except (RuntimeError, ValueError, LookupError) as error:  # a run that the reader has changed
            self._problem = f"The run has no answer: {error}"
        self._tell()

    @property
    def _now(self) -> Step:
        assert self.lesson is not None  # every caller has a lesson
        return self.lesson.steps[self.step]

    def _mark(self) -> int:
        """Return the step of the run, counted from its start."""
        try:
            return int(self._live.run.past(lambda past: past.marks[-1])) if self._live else 0
        except RuntimeError:  # it could not start, and its frame gives the reason
            return 0

    # what the strip shows

    def _tell(self) -> None:
        self.strip.told = self.told() if self.lesson else {}
        self.strip.visible = self.lesson is not None

    def told(self) -> dict[str, Any]:
        """Return what the strip shows, as a message to the browser."""
        lesson, step = self.lesson, self._now
        assert lesson is not None
        return {
            "lesson": lesson.name, "title": lesson.title, "step": self.step, "of": len(lesson.steps),
            "text": step.text, "question": asked(step.question), "answer": self.answer, "play": step.play,
            "played": self._played, "moves": self.moves, "verdict": said(step.question, self.verdict),
            "problem": self._problem, "free": self.free,
        }  # fmt: skip


def asked(question: Question | None) -> dict[str, Any] | None:
    """Return a question as a message to the browser."""
    if question is None:
        return None
    ends = {"low": question.low, "high": question.high}
    return {
        "text": question.text, "kind": question.kind, "choices": list(question.choices), "unit": question.unit,
        "axes": question.axes, "middle": list(question.middle),
        **{name: value if value == value else None for name, value in ends.items()},
    }  # fmt: skip


def said(question: Question | None, verdict: Verdict | None) -> dict[str, Any] | None:
    """Return a verdict as a message to the browser, with the place that the run gives."""
    if question is None or verdict is None:
        return None
    place = places(verdict.found) if question.kind == "place" else None
    return {"right": verdict.right, "text": verdict.text, "tell": question.tell, "place": place}


def places(found: Any) -> list[float]:
    """Return a place as a list of its coordinates."""
    return [*found] if isinstance(found, tuple | list) else [found]
