"""Numbers are found at random steps: within their share of the time, and an oscillation still shows."""

import csv
import io
import time
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from labkit import engine
from labkit.experiments.svgd import ParticlesSettings
from labkit.experiments.svgd.numbers import Numbers
from labkit.past import Past
from labkit.ration import LONGEST, PERIOD, Ration
from labkit.views import save
from labkit.views.spans import RANGE
from labkit.views.svgd import ParticlesScene
from labkit.views.svgd.curves import Curves

LOW, HIGH = 0.474, 0.502


class Clock:
    """Seconds that pass by hand."""

    def __init__(self):
        self.time = self.work = 0.0

    def ration(self, seed=0):
        return Ration(lambda: self.time, lambda: self.work, Random(seed).random)

    def wait(self, seconds):
        self.time += seconds

    def compute(self, seconds):
        self.time += seconds
        self.work += seconds


def spent(clock, ration, steps, share=0.03, step=0.001, cost=0.002):
    """Return the seconds for values while steps pass: the value of a step takes twice as long as the step."""
    before = clock.work
    for _ in range(steps):
        began = clock.time
        clock.wait(step)
        ration.take(lambda: clock.compute(cost))
        ration.allow(share * (clock.time - began))
    return clock.work - before


def test_values_take_their_share_of_the_time_after_the_first_period():
    clock = Clock()
    ration = clock.ration()
    spent(clock, ration, 1000)  # the probability is known
    began = clock.time
    values = spent(clock, ration, 20_000)
    count = values / 0.002  # about binomial
    assert abs(values / (clock.time - began) - 0.03) < 4 * 0.03 / count**0.5  # four standard errors


def test_every_value_is_found_if_all_of_them_fit_into_the_share():
    clock, found = Clock(), []
    ration = clock.ration()
    for i in range(5000):
        clock.wait(0.001)
        ration.take(lambda i=i: found.append(i) or clock.compute(0.000_01))
        ration.allow(0.000_03)
    assert found == list(range(5000)) and ration.likely == 1


def test_values_are_found_at_every_step_again_when_there_is_time():
    clock = Clock()
    ration = clock.ration()
    spent(clock, ration, 3000)
    assert ration.likely < 0.1
    spent(clock, ration, 2, share=1.0, step=2 * PERIOD)
    assert ration.likely == 1


def test_an_error_belongs_to_the_caller_and_changes_nothing():
    ration = Clock().ration()
    with pytest.raises(ZeroDivisionError):
        ration.take(lambda: 1 / 0)
    assert ration.take(lambda: 3) == 3


@pytest.mark.parametrize("step", [0.004, 0.1, 0.25, 0.3, 0.8])
def test_every_run_has_a_value_in_half_a_second_or_at_every_step_of_a_slow_run(step):
    """Other runs have used all the time. The last value of one half second and the first of the next are near."""
    clock, found = Clock(), []
    ration = clock.ration()
    share, ration.likely = ration.share(), 0.0
    for _ in range(int(400 / step)):
        clock.wait(step)
        share.take(lambda: found.append(clock.time) or 1)
    assert found[0] == step and np.diff(found).max() <= max(2 * PERIOD, step) + 1e-9
    periods = 400 / max(PERIOD, step)
    assert 0.8 * periods < len(found) < 1.2 * periods


def test_a_slow_run_finds_even_and_odd_steps():
    """With four steps per second, a value at each half second would always find one of two alternating numbers."""
    clock, found = Clock(), []
    ration = clock.ration()
    share, ration.likely = ration.share(), 0.0
    for i in range(4000):
        clock.wait(0.25)
        share.take(lambda i=i: found.append(i % 2) or 1)
    assert abs(np.mean(found) - 1 / 2) < 4 / 2 / len(found) ** 0.5  # four standard errors


def test_values_that_are_found_in_any_case_belong_to_the_share():
    clock = Clock()
    ration = clock.ration()
    shares = [ration.share() for _ in range(4)]
    work = time = 0.0
    for i in range(20_000):
        if i == 1000:  # the probability is known
            work, time = clock.work, clock.time
        began = clock.time
        clock.wait(0.001)
        for share in shares:
            share.take(lambda: clock.compute(0.0005) or 1)
        ration.allow(0.03 * (clock.time - began))
    count = (clock.work - work) / 0.0005
    assert abs((clock.work - work) / (clock.time - time) - 0.03) < 4 * 0.03 / count**0.5  # four standard errors


def test_many_runs_with_costly_values_wait_longer_for_the_next_so_that_all_stay_within_the_share():
    """One value of each of thirty runs takes twice the share of half a second. With two runs it fits again."""
    clock = Clock()
    ration = clock.ration()
    shares = [ration.share() for _ in range(30)]

    def play(shares, seconds):
        until, work, time = clock.time + seconds, clock.work, clock.time
        while clock.time < until:
            began = clock.time
            clock.wait(0.01)
            for share in shares:
                share.take(lambda: clock.compute(0.001) or 1)
            ration.allow(0.03 * (clock.time - began))
        return (clock.work - work) / (clock.time - time)

    play(shares, 10)
    assert play(shares, 100) < 1.2 * 0.03
    assert 0.9 < ration.period < 1.2  # 30 x 1 ms are 3 % of one second
    ration.period = LONGEST
    play(shares[:2], 10)
    assert ration.period == PERIOD


def test_a_run_never_waits_longer_than_the_longest_period():
    clock, found = Clock(), []
    ration = clock.ration()
    share = ration.share()
    for _ in range(4000):
        clock.wait(0.05)
        share.take(lambda: found.append(clock.time) or clock.compute(1.0) or 1)
        ration.allow(0.001)
    assert ration.period == LONGEST and np.diff(found).max() < 2 * LONGEST + 1.1


def alternating(steps, likely, seed=0):
    """Return the past of a run whose number is found with a probability, and the view of this number."""
    view, ration = Curves(Numbers("Bandwidth", {"h": lambda state: state.value})), Clock().ration(seed)
    ration.likely = likely
    past = Past(lambda state: ration.take(lambda: view.record(state)) or {})
    for t in range(steps + 1):
        past.add(SimpleNamespace(t=t, value=HIGH if t % 2 else LOW))
    return past, view


@pytest.mark.parametrize("last", [6400, 6431])
def test_an_alternating_run_shows_both_values_at_a_quarter_of_the_steps(last):
    """Each kept interval has 16 or 32 steps. Steps at even distances would show one value only."""
    past, view = alternating(last, 1 / 4)
    columns = view.columns(past.states[-1], past)
    (name,) = view.numbers.functions
    found, span = past.found("Bandwidth: h"), past.span("Bandwidth: h")
    whole = found >= 4
    assert past.stride in (16, 32) and whole.mean() > 0.5
    # four random steps or more have one of the two values only in one of eight intervals at most
    both = (span.low[whole] == LOW) & (span.high[whole] == HIGH)
    assert both.mean() > 0.8 and set(span.low[whole]) | set(span.high[whole]) == {LOW, HIGH}
    middle = (span.mean[whole] * found[whole]).sum() / found[whole].sum()
    assert abs(middle - (LOW + HIGH) / 2) < 4 * (HIGH - LOW) / 2 / found[whole].sum() ** 0.5  # four standard errors
    assert np.isfinite(columns[name]["y"]).all() and np.nanmax(columns[name + RANGE]["y"]) == HIGH


def test_the_counts_of_steps_are_those_at_which_the_number_was_found():
    past, view = alternating(3000, 1 / 8)
    found = past.found("Bandwidth: h").sum()
    assert past.rows.counts.sum() == 3001 and abs(found - 3001 / 8) < 4 * (3001 * 1 / 8 * 7 / 8) ** 0.5
    assert view.describe(past.states[-1], past).endswith(f"Bandwidth: found at {found:,} of 3,001 steps.")


def test_a_saved_table_has_the_count_and_no_numbers_where_none_was_found():
    past, _ = alternating(300, 1 / 8)
    file = io.BytesIO()
    save.curves_csv(past, file)
    header, *rows = csv.reader(file.getvalue().decode().splitlines())
    assert header[-1] == "Bandwidth: h, found at" and len(header) == 7
    counts = past.found("Bandwidth: h")
    assert [int(row[-1]) for row in rows] == counts.tolist() and 0 < counts.sum() < 301
    for row, count in zip(rows, counts, strict=True):
        numbers = (row[1], *row[3:6])
        assert set(numbers) == ({""} if not count else {str(HIGH)} if int(row[0]) % 2 else {str(LOW)})


def test_a_run_that_is_stepped_by_hand_has_its_numbers_at_every_step(monkeypatch):
    monkeypatch.setattr(engine.engine(), "ration", Clock().ration())
    engine.engine().ration.likely = 0.0
    scene = ParticlesScene(ParticlesSettings(n=20), play=False)
    try:
        for _ in range(5):
            scene.live.run.once()
        rows = scene.live.run.past(lambda past: past.rows)
        assert len(rows.counts) == 6 and (rows.found == 1).all()
        scene.live.play()
        until = time.monotonic() + 30
        while scene.live.run.frame.state.t < 20 and time.monotonic() < until:
            scene.live.run.watched()
            time.sleep(0.01)
        scene.live.pause()
        found = scene.live.run.past(lambda past: past.rows).found.all(1)
        assert found[:6].all() and not found[6:].all() and len(found) >= 20
    finally:
        scene.live.close()


def test_a_reset_while_playing_has_the_numbers_of_the_first_state(monkeypatch):
    """On a busy server: no other number is found."""
    ration = Clock().ration()
    monkeypatch.setattr(engine.engine(), "ration", ration)
    ration.likely, scene = 0.0, ParticlesScene(ParticlesSettings(n=20), play=False)
    try:
        scene.live.play()
        for _ in range(5):
            scene.live.run.watched()
            scene.live.reset()
            names, found = scene.live.run.past(lambda past: (past.names, past.rows.found))
            assert names and found[0].all()
    finally:
        scene.live.close()
