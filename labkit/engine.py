"""The engine steps every playing run and publishes its newest frame. It knows no method and no page.

One thread steps all runs of the process in turn; a second one steps the slow runs (see `labkit.engine_threads`). Orders
(play, seek, reset, ...) are carried out on the run's thread between two steps, so a run needs no lock.
"""

import queue
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

from labkit.engine_account import Account
from labkit.engine_batches import Steps
from labkit.engine_frames import FINE, C, Frame, S
from labkit.engine_threads import FRAMES, Engine, engine
from labkit.past import Past

__all__ = ["AWAY", "Account", "FRAMES", "SLOW", "Engine", "Frame", "Past", "Run", "Steps", "engine"]

SLOW = 0.020  # processor seconds per step; a slower run moves to the second thread
AWAY = 5.0  # seconds without a signal from a viewer, after which nothing is computed
A = TypeVar("A")  # a result


class Run(Generic[S, C]):
    """One run that can be played, paused, stepped and rewound. Any thread may read its newest `frame`.

    Args:
        start: () -> state. Looked up again at every reset.
        step: state -> a new state, which is never changed afterwards. Looked up again at every step.
        render: (state, past) -> the content of a frame. Called on the engine's thread, at most `FRAMES` times per
            second. It must return copies, because another thread shows them.
        record: state -> a row of numbers for the table of the past.
        pinned: steps whose states the past always keeps.
        account: counts and limits the steps of several runs; by default of this run only, without a limit.
        steps: how it can be stepped with other runs; None for a run that steps alone.
        past: the class of the past, which decides what a full one forgets.

    Attributes:
        until: step from the start at which it pauses automatically; 0 for none.
        owed: steps that are due, as of the last call of `due`. apart: seconds between two frames, at least.
    """

    def __init__(
        self,
        start: Callable[[], S],
        step: Callable[[S], S],
        render: Callable[[S, Past[S]], C],
        record: Callable[[S], dict[str, float]] | None = None,
        pinned: tuple[int, ...] = (),
        account: Account | None = None,
        steps: Steps | None = None,
        past: type[Past[S]] = Past,
    ):
        self.account, self.steps = account or Account(), steps
        self.start, self.step, self.render, self.record = start, step, render, record
        self.speed = 60.0  # steps per second
        self.frame: Frame[S, C] = Frame(0)
        self.playing, self.until, self.seen, self.apart = False, 0, time.monotonic(), 1 / FRAMES
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._new = partial(past, record, pins=pinned)
        self._past, self._position = self._new(), 0
        self.owed, self._cost, self._last, self._published = 0.0, 0.0, 0.0, 0.0
        self._steps, self._rate, self._since = 0, 0.0, 0.0
        self._closed, self._broken, self._edits, self._error = False, False, False, FINE  # broken: failed while playing
        self._engine = engine()
        self._engine.add(self)
        self.reset()

    # orders: from any thread

    def play(self) -> None:
        self._order(self._play)

    def pause(self) -> None:
        self._order(self._pause)

    def once(self) -> None:
        """Take a single step; a playing run pauses first."""

        def single() -> None:
            self._pause()
            self._advance(1)

        self._order(single)

    def reset(self) -> None:
        """Start again with `start()`. A run that plays, or that failed while playing, continues to play."""
        self._order(self._reset)

    def seek(self, position: int) -> None:
        """Pause and show a kept state."""
        self._order(lambda: self._seek(position))

    def edit(self, change: Callable[[S], S]) -> None:
        """Replace the state by change(state) and forget all later states."""
        self._order(lambda: self._edit(change))

    def redraw(self) -> None:
        """Render the state again, after a change of a setting that affects only the picture."""
        self._order(lambda: None)

    def past(self, use: Callable[[Past[S]], A], timeout: float = 60.0) -> A:
        """Call use(past) on the run's thread and return its result, or raise TimeoutError after `timeout` seconds.

        Raises:
            RuntimeError: the run is closed, or could not start and has no past; its frame gives the reason.
            Exception: the exception that `use` raised.
        """
        if self._closed:
            raise RuntimeError("the run is closed")
        answer: Future[tuple[A, ...]] = Future()  # a tuple with the result, empty if there is no past

        def asked() -> None:
            try:
                answer.set_result((use(self._past),) if self._past.states else ())
            except Exception as error:  # it belongs to the caller, not to the run
                answer.set_exception(error)

        self._order(asked)
        if found := answer.result(timeout):
            return found[0]
        raise RuntimeError(self.frame.error or "the run could not start")

    def watched(self) -> None:
        """Signal that a viewer is present. Without a signal for `AWAY` seconds nothing is computed."""
        away = self.unwatched
        self.seen = time.monotonic()
        if away:
            self._engine.wake()

    def leave(self) -> None:
        """Signal that the viewer has left. Nothing is computed until the next signal."""
        self.seen = float("-inf")

    def close(self) -> None:
        """Release everything. The run cannot be used again."""
        self._closed = True
        self._engine.remove(self)

    # on the engine's thread

    def _order(self, order: Callable[[], None]) -> None:
        if not self._closed:
            self._orders.put(order)
            self._engine.wake()

    @property
    def wants(self) -> bool:
        """Whether there is anything to do."""
        return not self._orders.empty() or (self.playing and not self.unwatched)

    def turn(self, within: float, pause: float = 1 / FRAMES) -> float:
        """Carry out the orders, then due steps for at most `within` seconds; return the seconds until the next step.

        The orders have a frame before the first step, which may be slow. Other frames are `pause` seconds apart. If
        `within` is 0, no step is taken: the run has just been stepped with others.
        """
        try:
            ordered = self._obey()
            now, self.apart = time.monotonic(), pause
            if ordered and self._past.states:
                self._publish(now)
            if self.playing:
                self._owe(now)
                done = self._advance(int(self.owed), within) if within else 0
                self.owed -= done
            if self.playing and now - self._published >= pause and self.frame.state is not self._state:
                self._publish(now)
        except Exception as error:  # the viewer sees it; the engine and the other runs continue
            self._fail(error)
        return max(0.0, (1 - self.owed) / self.speed) if self.playing else 1.0

    def due(self) -> S | None:
        """Return the state to step from if a step is due, with no orders before it."""
        if not self.playing or self.unwatched or not self._orders.empty() or not self._past.states:
            return None
        self._owe(time.monotonic())
        return self._state if self.owed >= 1 else None

    def take(self, state: S, seconds: float) -> None:
        """Take over the state one step later, and the processor seconds that it cost."""
        try:
            self._keep(state)
            self._spent(seconds)
            self.owed -= 1
        except Exception as error:  # the viewer sees it; the other runs continue
            self._fail(error)

    def _owe(self, now: float) -> None:
        """Add the steps that are due since the last call; of a long delay not all."""
        owed = self.owed + self.speed * (now - self._last)
        self.owed, self._last = min(owed, max(1.0, self.speed / 10)), now

    def _keep(self, state: S) -> None:
        self.account.take()
        if self._position < len(self._past.states) - 1:
            self._past.cut(self._position)
        self._past.add(state)
        self._position = len(self._past.states) - 1
        self._steps, self._error = self._steps + 1, FINE
        if self._past.marks[-1] == self.until:
            self.pause()  # an order also ends this turn

    def _spent(self, seconds: float, steps: int = 1) -> None:
        self._engine.totals.add(steps, seconds)
        self._cost = 0.8 * (self._cost or seconds / steps) + 0.2 * seconds / steps

    def _obey(self) -> bool:
        ordered = False
        while not self._orders.empty():
            order, ordered = self._orders.get(), True
            order()
        return ordered

    @property
    def _state(self) -> S:
        return self._past.states[self._position]

    def _play(self) -> None:
        if not self._past.states:  # it could not start, and its frame gives the reason
            self._broken = True
            return
        self._past.cut(self._position)
        self.playing, self.owed, self._steps, self._error = True, 1.0, 0, FINE
        self._last = self._since = time.monotonic()

    def _pause(self) -> None:
        self.playing, self._rate, self._broken = False, 0.0, False
        self._past.fill()  # while a run plays, its numbers may be found at some steps only

    def _reset(self) -> None:
        self._past, self._position = self._new(), 0
        self._past.add(self.start())
        self._error = FINE
        self._last, self._since, self._steps = time.monotonic(), time.monotonic(), 0
        if self._broken:
            self._broken = False
            self._play()

    def _seek(self, position: int) -> None:
        self._pause()
        self._position = max(0, min(position, len(self._past.states) - 1))
        self._error = FINE if self._past.states else self._error

    def _edit(self, change: Callable[[S], S]) -> None:
        if not self._past.states:  # it could not start; perhaps now it can
            self._reset()
            return
        self._edits = True
        self._past.replace(self._position, change(self._state))
        self._position, self._error, self._edits = len(self._past.states) - 1, FINE, False

    def _advance(self, steps: int, within: float = float("inf")) -> int:
        """Take at most `steps` steps, within about `within` seconds; return how many were taken."""
        if not self._past.states:
            return 0
        end, used, done = time.perf_counter() + within - self._cost, time.thread_time(), 0  # the next step should fit
        while done < steps and not (done and (time.perf_counter() > end or not self._orders.empty())):
            self._keep(self.step(self._state))
            done += 1
        if done:
            self._spent(time.thread_time() - used, done)
        return done

    def _publish(self, now: float) -> None:
        if self.playing and now - self._since > 0.5:
            self._rate, self._since, self._steps = self._steps / (now - self._since), now, 0
        content = self.render(self._state, self._past)
        self._published = now
        self._engine.totals.add(frames=1)
        rate, past = self._rate if self.playing else 0.0, self._past
        at = self._position, len(past.states), past.stride
        self.frame = Frame(self.frame.number + 1, self._state, content, *at, rate, self.playing, *self._error)

    def _fail(self, error: Exception) -> None:
        failed = "start" if not self._past.states else "edit" if self._edits else "run" if self.playing else "order"
        self._error = "".join(traceback.format_exception_only(error)).strip(), failed
        self.playing, self._rate, self._broken, self._edits = False, 0.0, self._broken or self.playing, False
        try:
            self._publish(time.monotonic())
        except Exception:  # there is no state, or rendering failed: keep the last frame and add the error
            self.frame = self.frame.stopped(*self._error)

    @property
    def position(self) -> int:
        """The position of the run among the kept states."""
        return self._position

    @property
    def unwatched(self) -> bool:
        """Whether no viewer gave a signal for `AWAY` seconds, or for the time in the account."""
        return time.monotonic() - self.seen >= (AWAY if self.account.away is None else self.account.away)

    @property
    def slow(self) -> bool:
        return self._cost > SLOW
