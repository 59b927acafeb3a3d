"""The engine: orders and their order, kept states, failures, and the release of closed runs."""

import dataclasses
import gc
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from labkit import engine, engine_threads
from labkit.past import KEEP_BYTES, KEEP_STATES, RecentPast, size


@dataclass(frozen=True)
class Count:
    """A state that counts steps and adds up the counts; the sum shows how it reached its t."""

    t: int = 0
    total: int = 0


def count(state):
    return Count(state.t + 1, state.total + state.t)


@pytest.fixture
def make():
    """make(step, start, ...) -> a run that is closed after the test."""
    made = []

    def run(step=count, start=Count, render=lambda state, past: state, record=None, speed=1e6, pinned=()):
        run = engine.Run(start, step, render, record, pinned)
        run.speed = speed
        made.append(run)
        return run

    yield run
    for each in made:
        each.close()


def settled(run):
    """The run's frame after all orders so far were carried out."""
    run.past(lambda past: None)
    number = run.frame.number
    run.redraw()
    wait(lambda: run.frame.number > number)
    return run.frame


def wait(until, seconds=10.0):
    """Wait for something that happens on another thread."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def compute(seconds):
    """Use the processor on this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def raising(state):
    raise ValueError("no more")


# orders


def test_a_run_publishes_its_first_frame_at_once(make):
    run = make()
    wait(lambda: run.frame.state is not None)
    assert run.frame.state == Count() and run.frame.content == Count()
    assert not run.frame.playing and run.frame.position == 0 and run.frame.kept == 1


def test_play_steps_until_pause(make):
    run = make()
    run.play()
    wait(lambda: run.frame.state is not None and run.frame.state.t > 3)
    assert run.frame.playing
    run.pause()
    stopped = settled(run).state.t
    assert not run.frame.playing and run.frame.rate == 0
    time.sleep(0.05)
    assert settled(run).state.t == stopped


def test_a_run_says_that_it_plays_before_its_first_slow_step_ends(make):
    ends = threading.Event()

    def slow(state):
        assert ends.wait(10)
        return count(state)

    run = make(slow)
    try:
        run.play()
        wait(lambda: run.frame.playing)
        assert run.frame.state == Count()
    finally:
        ends.set()
    wait(lambda: run.frame.state.t > 0)


def test_once_takes_one_step_and_pauses_a_playing_run(make):
    run = make()
    for _ in range(3):
        run.once()
    assert settled(run).state.t == 3
    run.play()
    run.once()
    assert not settled(run).playing
    assert run.frame.state.t >= 4


def test_a_playing_run_has_the_chosen_speed(make):
    """At 50 steps per second the run takes at most 50 T + 5 steps in T seconds."""
    run = make(speed=50)
    began = time.monotonic()
    run.play()
    wait(lambda: run.frame.state is not None and run.frame.state.t >= 10)
    run.pause()
    taken = settled(run).state.t
    assert 10 <= taken <= 50 * (time.monotonic() - began) + 5


def test_orders_are_carried_out_in_their_order(make):
    """Reset, 5 steps, double, one step: 2 * 5 + 1. Any other order gives another number."""
    run = make()
    for _ in range(20):
        run.reset()
        for _ in range(5):
            run.once()
        run.edit(lambda state: Count(2 * state.t))
        run.once()
        assert settled(run).state.t == 11


def test_reset_uses_the_current_start_and_continues_to_play(make):
    begin = [0]
    run = make(start=lambda: Count(begin[0]))
    run.once()
    begin[0] = 1000
    run.reset()
    assert settled(run).state.t == 1000 and run.frame.kept == 1 and not run.frame.playing
    run.play()
    wait(lambda: run.frame.state.t > 1000)
    begin[0] = 10**9
    run.reset()
    wait(lambda: run.frame.state.t > 10**9)
    assert run.frame.playing


@pytest.mark.parametrize("together", [1, 2], ids=["alone", "in a batch"])
def test_a_run_pauses_automatically_exactly_at_the_step_that_is_set(make, together):
    class Counts:
        def key(self, state):
            return "all"

        def step(self, states):
            return [count(state) for state in states]

    runs = [make() for _ in range(together)]
    for run in runs:
        run.steps, run.until = Counts() if together > 1 else None, 7
        run.play()
    for run in runs:
        wait(lambda run=run: not run.playing and settled(run).state.t == 7)
        run.reset()
        run.play()
        wait(lambda run=run: not run.playing and settled(run).state.t == 7)
        run.until = 0
        run.play()
        wait(lambda run=run: run.frame.state.t > 20)


def test_seek_pauses_and_shows_a_kept_state(make):
    run = make()
    for _ in range(6):
        run.once()
    run.seek(2)
    assert settled(run).state.t == 2 and run.frame.position == 2 and run.frame.kept == 7
    run.seek(99)
    assert settled(run).state.t == 6
    run.seek(-5)
    assert settled(run).state.t == 0


def test_playing_from_an_earlier_state_forgets_later_states_and_continues_exactly(make):
    """A state holds everything that the next step needs: continuing from step 3 gives the same states."""
    run = make()
    for _ in range(8):
        run.once()
    settled(run)
    first = run.past(lambda past: list(past.states))
    run.seek(3)
    run.once()
    assert settled(run).kept == 5
    for _ in range(4):
        run.once()
    settled(run)
    assert run.past(lambda past: list(past.states)) == first
    run.seek(2)
    run.play()
    wait(lambda: run.frame.playing and run.frame.state.t > 2)
    run.pause()
    settled(run)
    assert all(state.total == sum(range(state.t)) for state in run.past(lambda past: past.states))


def test_edit_replaces_the_shown_state_and_forgets_later_states(make):
    run = make()
    for _ in range(6):
        run.once()
    run.seek(4)
    run.edit(lambda state: dataclasses.replace(state, total=-1))
    frame = settled(run)
    assert frame.state == Count(4, -1) and frame.kept == 5 and frame.position == 4
    run.once()
    assert settled(run).state == Count(5, 3)


def test_an_edit_whose_numbers_fail_keeps_every_state_of_the_run(make):
    def record(state):
        if state.total < 0:
            raise ValueError("no number of this state")
        return {"total": float(state.total)}

    run = make(record=record)
    for _ in range(6):
        run.once()
    run.seek(4)
    before = run.past(lambda past: past.copy())
    run.edit(lambda state: dataclasses.replace(state, total=-1))
    frame = settled(run)
    after = run.past(lambda past: past.copy())
    assert "no number of this state" in frame.error and frame.state == Count(4, 6)
    assert after.states == before.states and after.marks == before.marks and after.table == before.table
    run.once()
    assert settled(run).state == Count(5, 10) and not run.frame.error


# kept states


@pytest.mark.parametrize("steps", [0, 7, 400, 401, 5000])
def test_the_past_keeps_at_most_its_limit_and_always_the_newest_and_the_oldest(steps):
    past = engine.Past()
    for t in range(steps + 1):
        past.add(Count(t))
        assert len(past.states) <= KEEP_STATES and past.states[-1].t == t
    assert past.marks == [state.t for state in past.states] and past.states[0].t == 0


@dataclass(frozen=True)
class Part:
    load: torch.Tensor


@dataclass(frozen=True)
class Heavy:
    t: int
    part: Part


def heavy(t, numbers=50_000):
    return Heavy(t, Part(torch.zeros(numbers, dtype=torch.float64)))


def test_large_states_are_kept_up_to_a_number_of_bytes():
    past = engine.Past()
    for t in range(100):
        past.add(heavy(t))
        assert len(past.states) * 400_000 <= KEEP_BYTES
    assert size(past.states[0]) == 400_000 and len(past.states) > 8


def test_tensors_that_neighbours_share_count_once():
    """Twenty states share 400 kB, the next twenty others: 40 states need 800 kB."""
    past = engine.Past()
    for t in range(40):
        past.add(dataclasses.replace(past.states[-1], t=t) if t % 20 else heavy(t))
    assert past.marks == list(range(40)) and sum(past.sizes) == 800_000
    past.cut(25)
    past.replace(10, heavy(10))
    assert sum(past.sizes) == 800_000 and len(past.sizes) == 11
    past.add(heavy(11))
    assert sum(past.sizes) == 1_200_000


@pytest.mark.parametrize("block", [1, 3, 40, 1000])
def test_a_thinned_past_stays_within_its_bytes_and_is_not_thinned_without_need(block):
    """In each block of steps all states share 8 kB, so a dropped block frees them."""
    past, thinned = engine.Past(limit=800_000), []
    for t in range(3000):
        stride, before = past.stride, past.states[:]
        past.add(dataclasses.replace(past.states[-1], t=t) if t % block else heavy(t, 1_000))
        bytes_ = 8_000 * len({id(state.part) for state in past.states})
        assert bytes_ - 8_000 <= min(800_000, sum(past.sizes))  # the newest may not be measured yet
        if past.stride > stride:
            blocks = len({id(state.part) for state in (*before, past.states[-1])})
            thinned.append(len(before) == KEEP_STATES or 8_000 * blocks > 800_000)
    assert thinned and all(thinned)


def test_eight_states_are_kept_however_large_they_are():
    past = engine.Past()
    for t in range(30):
        past.add(heavy(t, 500_000))  # 4 MB each
        assert len(past.states) >= min(t + 1, 4)
        assert len(past.states) <= 8
    assert past.marks[0] == 0 and past.marks[-1] == 29


def test_a_copy_of_a_past_continues_with_the_same_limits():
    past = engine.Past()
    for t in range(15):
        past.add(heavy(t))
    copied = past.copy()
    for t in range(15, 60):
        copied.add(heavy(t))
    assert set(copied.sizes) == {400_000} and 400_000 * len(copied.states) <= KEEP_BYTES


def test_a_recent_past_keeps_every_newest_step_and_its_row():
    past = RecentPast(lambda state: {"t": float(state.t)})
    for t in range(1000):
        past.add(dataclasses.replace(past.states[-1], t=t) if t % 19 else heavy(t))
        assert past.marks == list(range(past.marks[0], t + 1)) and past.stride == 1
        assert past.table["t"] == [float(mark) for mark in past.marks] == [state.t for state in past.states]
        assert len(past.states) >= min(t + 1, 190) and sum(past.sizes) <= KEEP_BYTES


def test_the_stride_doubles_when_the_past_is_full_and_older_states_are_multiples_of_it():
    past, strides = engine.Past(), [1]
    for t in range(3000):
        past.add(Count(t))
        if past.stride != strides[-1]:
            strides.append(past.stride)
        assert all(mark % past.stride == 0 for mark in past.marks[:-1])
        assert all(b - a == past.stride for a, b in zip(past.marks[:-1], past.marks[1:-1], strict=False))
    assert strides == [1, 2, 4, 8]  # at 400, 800 and 1600 steps


def test_pinned_steps_survive_thinning_but_not_a_cut_before_them():
    past = engine.Past(pins=(0, 50, 75, 2500))
    for t in range(3000):
        past.add(Count(t))
    assert {mark: state.t for mark, state in past.pinned.items()} == {mark: mark for mark in past.pins}
    past.cut(past.marks.index(96))
    assert sorted(past.pinned) == [0, 50, 75]


def test_a_run_keeps_its_states_in_the_given_past():
    run = engine.Run(Count, count, lambda state, past: state, past=RecentPast)
    try:
        run.once()
        assert run.past(lambda past: (type(past), past.marks)) == (RecentPast, [0, 1])
    finally:
        run.close()


def test_a_caller_waits_for_the_past_only_as_long_as_it_says(make):
    run, gate = make(), threading.Event()
    run.edit(lambda state: gate.wait(20) and state)
    with pytest.raises(TimeoutError):
        run.past(lambda past: past, timeout=0.01)
    gate.set()
    assert settled(run).state == Count()


def test_a_run_that_pauses_finds_the_numbers_of_its_last_step(make):
    """While it plays, numbers may be left out."""
    run = make(record=lambda state: {} if run.playing and state.t else {"t": float(state.t)})
    run.until = 7
    run.play()
    wait(lambda: not run.playing and settled(run).state.t == 7)
    assert run.past(lambda past: past.table["t"][-1]) == 7


def test_a_run_pins_only_the_given_steps(make):
    for run, pinned in ((make(), []), (make(pinned=(0, 2, 9)), [0, 2])):
        for _ in range(4):
            run.once()
        settled(run)
        assert run.past(lambda past: sorted(past.pinned)) == pinned
        run.reset()
        settled(run)
        assert run.past(lambda past: sorted(past.pinned)) == pinned[:1]


def test_rows_of_the_table_stay_with_their_states():
    """During thinning, cut, replace and copy."""
    past = engine.Past(lambda state: {"t": float(state.t), "total": float(state.total)})

    def beside(past):
        assert past.table["t"] == [float(state.t) for state in past.states]
        assert past.table["total"] == [float(state.total) for state in past.states]
        assert len(past.marks) == len(past.states)

    for t in range(1000):
        past.add(Count(t, t**2))
        beside(past)
    past.cut(40)
    beside(past)
    past.replace(20, Count(past.marks[20], -7))
    beside(past)
    assert past.states[-1].total == -7
    for t in range(past.marks[-1] + 1, 700):
        past.add(Count(t))
        beside(past)
    copied, many = past.copy(), len(past.states)
    past.cut(3)
    beside(copied)
    assert len(copied.states) == many and len(past.states) == 4


def test_a_row_that_raises_leaves_the_past_unchanged():
    def row(state):
        if state.t == 2:
            raise ValueError("no row")
        return {"t": float(state.t)}

    past = engine.Past(row)
    past.add(Count(0))
    past.add(Count(1))
    with pytest.raises(ValueError, match="no row"):
        past.add(Count(2))
    assert past.marks == [0, 1] and past.table == {"t": [0.0, 1.0]}


# failures


def test_a_step_that_raises_stops_its_run_with_the_error_but_no_other_run(make):
    other, run = make(), make(raising)
    other.play()
    run.play()
    wait(lambda: run.frame.error)
    assert run.frame.error == "ValueError: no more" and not run.frame.playing
    assert run.frame.state == Count()
    seen = other.frame.state.t if other.frame.state else 0
    wait(lambda: other.frame.state is not None and other.frame.state.t > seen + 10)
    assert other.frame.playing and not other.frame.error


def test_a_run_that_failed_while_playing_plays_again_after_a_reset(make):
    run = make(raising)
    run.play()
    wait(lambda: run.frame.error)
    run.step = count
    run.reset()
    wait(lambda: run.frame.state.t > 3)
    assert run.frame.playing and not run.frame.error


def test_a_run_that_failed_and_was_paused_stays_paused_after_a_reset(make):
    run = make(raising)
    run.play()
    wait(lambda: run.frame.error)
    run.step = count
    run.pause()
    run.reset()
    assert not settled(run).playing and not run.frame.error
    run.play()
    wait(lambda: run.frame.state.t > 3)


def test_a_single_step_that_fails_does_not_make_the_run_play(make):
    run = make(raising)
    run.once()
    wait(lambda: run.frame.error)
    run.step = count
    run.reset()
    assert not settled(run).playing


def test_a_start_that_raises_shows_its_error_and_has_no_past(make):
    def start():
        raise ValueError("cannot begin")

    run = make(start=start)
    wait(lambda: run.frame.error)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cannot begin"):
            run.past(lambda past: past.states)
        run.play()  # as a page does when it is opened
    run.once()
    run.seek(3)
    run.edit(lambda state: state)
    with pytest.raises(RuntimeError, match="cannot begin"):
        run.past(lambda past: past.states)
    assert run.frame.error == "ValueError: cannot begin"
    run.play()
    run.start = Count
    run.reset()
    wait(lambda: run.frame.state is not None and run.frame.state.t > 3)
    assert not run.frame.error


def test_an_edit_starts_a_run_that_could_not_start(make):
    """A control that is set back to a working value is an edit."""

    def start():
        raise ValueError("cannot begin")

    run = make()
    settled(run)
    run.start = start
    run.reset()
    wait(lambda: run.frame.error)
    with pytest.raises(RuntimeError, match="cannot begin"):
        run.past(lambda past: past.states)
    run.start = Count
    run.edit(count)
    assert settled(run).state == Count() and not run.frame.error


def test_an_exception_in_past_reaches_the_caller(make):
    run = make()
    with pytest.raises(ZeroDivisionError):
        run.past(lambda past: 1 / 0)
    assert not settled(run).error
    run.close()
    with pytest.raises(RuntimeError, match="closed"):
        run.past(lambda past: past.states)


def test_an_error_stays_until_something_succeeds(make):
    """Watching, reading the past and pausing keep the error. An edit, a step, a seek or a reset clears it."""
    run = make(raising)
    for mend in (lambda: run.edit(count), lambda: run.seek(0), run.reset, run.once):
        run.step = raising
        run.once()
        wait(lambda: run.frame.error)
        run.pause()
        assert settled(run).error == "ValueError: no more"
        run.step = count
        mend()
        assert not settled(run).error


def test_a_render_that_raises_is_shown_too(make):
    run = make(render=lambda state, past: 1 / 0)
    wait(lambda: run.frame.error)
    assert "ZeroDivisionError" in run.frame.error


# viewers and closed runs


def test_nothing_is_computed_from_the_departure_of_the_viewer_to_the_next_signal(make):
    steps = []
    run = make(lambda state: steps.append(1) or count(state))
    run.play()
    wait(lambda: len(steps) > 3)
    run.leave()
    assert run.unwatched
    wait(lambda: not run.wants)
    time.sleep(0.02)
    before = len(steps)
    time.sleep(0.08)
    assert len(steps) == before
    run.watched()
    wait(lambda: len(steps) > before)


def test_a_viewer_without_a_signal_counts_as_absent(make, monkeypatch):
    monkeypatch.setattr(engine, "AWAY", 0.05)
    run = make()
    run.play()
    wait(lambda: run.unwatched)
    assert not run.wants and run.playing
    run.watched()
    assert run.wants


def test_an_account_says_how_long_its_runs_compute_without_a_viewer(make, monkeypatch):
    monkeypatch.setattr(engine, "AWAY", 0.0)
    run = make()
    run.account.away = 60.0
    assert not run.unwatched
    run.leave()
    assert run.unwatched


def test_runs_of_one_account_share_its_steps(make):
    """The first takes 3 of 5 steps, so the second takes 2 and shows the limit."""
    first, second = make(), make()
    second.account = first.account
    first.account.most = 5
    for run in (first, second):
        for _ in range(3):
            run.once()
        settled(run)
    assert (first.frame.state.t, second.frame.state.t) == (3, 2)
    assert first.frame.error == "" and "has taken 5 steps" in second.frame.error


def test_the_totals_of_the_engine_grow_by_steps_and_frames(make):
    totals = engine.engine().totals
    before = dataclasses.replace(totals)
    run = make()
    for _ in range(3):
        run.once()
        settled(run)
    assert totals.steps - before.steps >= 3 and totals.frames - before.frames >= 3
    assert totals.seconds > before.seconds


def test_close_frees_the_run(make):
    """The engine and its threads keep no reference to a closed run, its states or its functions."""

    def lived():
        run = engine.Run(Count, count, lambda state, past: state)
        run.play()
        wait(lambda: run.frame.state is not None and run.frame.state.t > 3)
        run.close()
        return weakref.ref(run)

    gone = lived()

    def freed():
        gc.collect()
        return gone() is None

    wait(freed, seconds=2)
    assert not any(run is gone() for run in engine.engine().runs)


def test_a_slow_run_moves_to_the_second_thread_and_delays_no_other(make):
    threads = set()

    def slow(state):
        threads.add(threading.current_thread().name)
        compute(1.5 * engine.SLOW)
        return count(state)

    run, quick = make(slow), make()
    run.play()
    wait(lambda: len(threads) == 2)
    assert run in engine.engine().patient.runs and run not in engine.engine().quick.runs
    quick.play()
    wait(lambda: quick.frame.state is not None and quick.frame.state.t > 100)
    assert quick in engine.engine().quick.runs
    wait(lambda: run.frame.state.t >= 1)  # its frame may come later than the hundred steps
    run.seek(0)
    assert settled(run).position == 0


def test_a_run_closed_during_its_first_slow_step_is_removed(make):
    """A cell that is run again closes its run from the notebook's thread, at any moment."""
    entered, closed = threading.Event(), threading.Event()

    def slow(state):
        entered.set()
        compute(2 * engine.SLOW)
        assert closed.wait(10)
        return count(state)

    run, other = make(slow), make()
    run.play()
    assert entered.wait(10)
    run.close()
    closed.set()
    other.once()
    wait(lambda: other.frame.state is not None and other.frame.state.t == 1)  # one round after the closed run
    assert run not in engine.engine().runs and other in engine.engine().runs


@pytest.mark.slow
def test_many_runs_get_equal_turns(make):
    """All turns have the same length, so equal runs have similar counts after some rounds."""
    counts = [0] * 12

    def stepping(i):
        def step(state):
            counts[i] += 1
            time.sleep(0.0005)
            return count(state)

        return step

    runs = [make(stepping(i)) for i in range(len(counts))]
    for run in runs:
        run.play()
    wait(lambda: min(counts) > 40)
    for run in runs:
        run.pause()
    assert max(counts) < 3 * min(counts)


def test_more_playing_runs_have_shorter_turns():
    """A round of thirty runs is as long as one of three, so each run gets frames often."""
    given = []
    worker = engine_threads.Worker(engine.engine(), "labkit-test")
    for many, wanted in ((1, engine_threads.SLICE), (3, engine_threads.SLICE), (30, engine_threads.ROUND / 30)):
        worker.runs = [
            SimpleNamespace(wants=True, steps=None, slow=False, turn=lambda within, pause: given.append(within) or 1.0)
        ] * many
        given.clear()
        worker._round()
        assert given == pytest.approx([wanted] * many)


def test_many_playing_runs_have_fewer_frames_each():
    given = []
    worker = engine_threads.Worker(engine.engine(), "labkit-test")
    for many, wanted in ((1, 1 / 60), (12, 1 / 60), (30, 1 / 24), (60, 1 / 12)):
        worker.runs = [
            SimpleNamespace(wants=True, steps=None, slow=False, turn=lambda within, pause: given.append(pause) or 1.0)
        ] * many
        given.clear()
        worker._round()
        assert given == pytest.approx([wanted] * many)


def test_many_runs_that_step_together_have_as_much_time_as_their_frames_are_apart(monkeypatch):
    given = []
    monkeypatch.setattr(engine_threads, "step_together", lambda runs, within: given.append(within) or {id(runs[0])})
    worker = engine_threads.Worker(engine.engine(), "labkit-test")
    for many, wanted in ((2, engine_threads.ROUND), (30, 1 / 24), (60, 1 / 12)):
        worker.runs = [SimpleNamespace(wants=True, slow=False, turn=lambda within, pause: 1.0)] * many
        given.clear()
        worker._round()
        assert given == pytest.approx([wanted])


def test_a_playing_run_waits_between_two_frames_as_long_as_its_thread_says(make):
    run = make(speed=1e6)
    engine.engine().remove(run)  # this thread gives it its turns
    numbers = []
    run._obey()
    run._play()
    for _ in range(3):
        run.turn(0.001, pause=10.0)
        numbers.append(run.frame.number)
    assert numbers[0] == numbers[2]
    run.turn(0.001, pause=0.0)
    assert run.frame.number == numbers[0] + 1


def test_a_turn_ends_before_a_step_that_does_not_fit(make):
    run = make(lambda state: compute(0.01) or count(state), speed=1e6)
    engine.engine().remove(run)
    run._obey()
    run._play()
    taken = []
    for within in (0.001, 0.004, 0.004):  # the first turn learns what a step costs
        before = run.position
        run.owed = 5.0
        run.turn(within)
        taken.append(run.position - before)
    assert taken == [1, 1, 1]


def test_a_frame_does_not_change_after_it_was_published(make):
    def render(state, past):
        return [np.array([state.t, len(past.states)], dtype=float)]

    run = make(render=render, record=lambda state: {"t": float(state.t)})
    for _ in range(3):
        run.once()
    frame = settled(run)
    kept = frame.content[0].copy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.state = None
    run.play()
    wait(lambda: run.frame.state.t > 50)
    run.reset()
    assert frame.state.t == 3 and frame.kept == 4 and np.array_equal(frame.content[0], kept)


ENDS = """
import time, torch
from labkit.engine import Run
step = lambda state: (torch.linalg.eigvals(state), state)[1]
run = Run(lambda: torch.ones(400, 400), step, lambda state, past: state)
run.play()
while run.frame is None:
    time.sleep(0.01)
time.sleep(0.2)  # now it is inside torch, and this process ends
"""


@pytest.mark.slow
def test_a_process_can_end_while_a_run_computes():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
