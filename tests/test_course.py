"""Curves that stay short but cover every step, checked against lists of all steps."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from labkit import course
from labkit.experiments.svgd.numbers import Numbers
from labkit.past import KEEP_STATES, Past
from labkit.views.spans import RANGE, outline
from labkit.views.svgd.curves import Curves

LOW, HIGH = 0.474, 0.502  # two values between which a bandwidth can oscillate forever


def values(steps):
    return np.random.default_rng(0).normal(size=steps)


def run(past, numbers, first=0):
    for t, value in enumerate(numbers, first):
        past.add(SimpleNamespace(t=t, value=value))
    return past


def number(state):
    return {"x": float(state.value)}


def holds(past, numbers):
    """Every row covers exactly the steps after the row before."""
    span, before = past.span("x"), -1
    for mark, count, mean, low, high in zip(past.marks, past.rows.counts, *span, strict=True):
        every = numbers[before + 1 : mark + 1]
        assert count == len(every) and mean == pytest.approx(every.mean(), rel=1e-12, abs=1e-12)
        assert (low, high) == (every.min(), every.max())
        before = mark
    assert past.table["x"] == numbers[past.marks].tolist()


@pytest.mark.parametrize("steps", [1, 2, 400, 401, 1603])
def test_a_past_has_every_step_in_one_of_its_rows(steps):
    numbers = values(steps)
    past = run(Past(number), numbers)
    holds(past, numbers)
    assert past.rows.counts.sum() == steps and len(past.states) <= KEEP_STATES


def test_a_run_that_continues_after_a_rewind_has_only_its_new_steps():
    numbers = values(2000)
    past = run(Past(number), numbers)
    past.cut(100)
    mark = past.marks[-1]
    numbers = np.append(numbers[: mark + 1], 5 + values(777))
    holds(run(past, numbers[mark + 1 :], mark + 1), numbers)


def test_an_edited_state_replaces_its_step():
    numbers = values(50)
    past = run(Past(number), numbers)
    past.replace(20, SimpleNamespace(t=20, value=9.0))
    holds(past, np.append(numbers[:20], 9.0))


@pytest.mark.parametrize("steps", [1, 2, 250, 1603])
def test_numbers_that_were_left_out_at_the_newest_step_are_found_later(steps):
    """The other steps of its interval, and how many had a number, stay."""
    numbers, left_out = values(steps), [steps > 1]
    past = Past(lambda state: {} if left_out[0] and (state.t + 1 == steps or state.t % 3) else number(state))
    run(past, numbers)
    found = past.found("x").sum()
    left_out[0] = False
    past.fill()
    past.fill()
    assert past.table["x"][-1] == numbers[-1] and past.found("x").sum() == found + (steps > 1)
    assert past.rows.counts.sum() == steps and len(past.states) == len(past.marks)
    assert past.span("x").high[-1] >= numbers[-1] >= past.span("x").low[-1]


def test_an_edited_state_keeps_the_other_steps_of_its_interval():
    past = run(Past(number), values(1000))
    before, stride = past.span("x"), past.stride
    past.replace(20, SimpleNamespace(t=20 * stride, value=9.0))
    after = past.span("x")
    assert len(past.states) == len(after.mean) == 21 and past.marks[-1] == 20 * stride
    assert after.high[-1] == 9 and after.low[-1] == before.low[20] and past.table["x"][-1] == 9
    assert np.array_equal(after.mean[:-1], before.mean[:20])


@pytest.mark.parametrize("steps", [250, 250 + 401, 1603, 1604])
def test_an_edit_leaves_the_replaced_step_out_of_its_interval(steps):
    """At every position, also if the old number was an extreme of the interval or not finite, and if edits repeat."""
    numbers = values(steps)
    numbers[::16] = np.nan  # at kept steps
    numbers[8::16] = 50.0
    for position in (0, 3, 40, 77, -1):
        past = run(Past(number), numbers)
        position = range(len(past.states))[position]
        mark = past.marks[position]
        for value in (-30.0, 9.0):
            past.replace(position, SimpleNamespace(t=mark, value=value))
        begin = past.marks[-2] + 1 if position else 0
        every = np.append(numbers[begin:mark], 9.0)
        assert past.rows.counts[-1] == past.found("x")[-1] == len(every) and past.rows.counts.sum() == mark + 1
        mean, low, high = (part[-1] for part in past.span("x"))
        assert (low, high) == (np.nanmin(every), np.nanmax(every))
        assert mean == pytest.approx(every.mean(), rel=1e-12, nan_ok=True)


def test_an_edit_may_bring_the_first_numbers_of_a_run():
    """No number was found so far, as on a busy server."""
    past = run(Past(lambda state: number(state) if state.value > 0 else {}), [0.0] * 403)
    past.replace(len(past.states) - 1, SimpleNamespace(t=402, value=2.0))
    assert past.rows.counts.sum() == 403 and past.found("x").sum() == 1 and past.table["x"][-1] == 2


@pytest.mark.parametrize("steps", [5, 401, 1603])
def test_a_table_of_a_state_has_every_step_in_one_of_its_rows(steps):
    numbers, table = np.column_stack([values(steps), np.arange(steps)]), course.empty(2)
    for t, row in enumerate(numbers):
        table = course.longer(table, t, *row)
        assert len(table) <= course.POINTS + 1
    before = -1
    spans = [course.span(course.rows_of(table), i) for i in range(2)]
    for r, mark in enumerate(table[:, 0].int().tolist()):
        every = numbers[before + 1 : mark + 1]
        assert [span.low[r] for span in spans] == every.min(0).tolist()
        assert [span.high[r] for span in spans] == every.max(0).tolist()
        assert [span.mean[r] for span in spans] == pytest.approx(every.mean(0).tolist(), rel=1e-12, abs=1e-12)
        assert table[r, 1:3].tolist() == numbers[mark].tolist()
        before = mark
    assert before == steps - 1


def test_a_second_row_for_a_step_is_joined_with_the_first():
    table = course.longer(course.longer(course.empty(1), 16, 1.0), 16, 3.0)
    assert table[:, :2].tolist() == [[16, 3]] and [part.item() for part in course.drawn_of(table, 1)] == [2, 1, 3]


@pytest.mark.parametrize("last", [1600, 1601, 1603])
def test_an_oscillating_run_gives_a_flat_curve_with_a_band_from_minimum_to_maximum(last):
    """At any step of the run: a newest interval with a single step does not make the end of the curve jump."""
    view = Curves(Numbers("Bandwidth", {"h": lambda state: state.value}))
    past = run(Past(view.record), np.where(np.arange(last + 1) % 2, HIGH, LOW))
    columns = view.columns(past.states[-1], past)
    x, y = columns["h"]["x"], columns["h"]["y"]
    assert x[-1] == last and set(np.diff(x[:-1])) == {past.stride} and past.stride == 8
    # with an odd number of steps one value occurs once more
    assert abs(y[1:] - (LOW + HIGH) / 2).max() <= (HIGH - LOW) / 2 / 9 + 1e-12
    band = columns["h" + RANGE]
    there, back = np.split(band["y"], 2)
    assert set(there[1:]) == {LOW} and set(back[:-1]) == {HIGH} and np.array_equal(band["x"][: len(x)], x)


def test_there_is_no_band_while_every_step_is_kept():
    view = Curves(Numbers("Title", {"y": lambda state: state.value}, log=False))
    past = run(Past(view.record), values(100))
    columns = view.columns(past.states[-1], past)
    assert np.isnan(columns["y" + RANGE]["y"]).all() and np.array_equal(columns["y"]["y"], values(100))


def test_an_outline_has_gaps_where_an_edge_is_not_finite():
    x, low = np.array([1.0, 2, 4, 8, 16]), np.array([0.5, 0.5, np.nan, 0.5, np.nan])
    band = outline(x, low, np.full(5, 2.0), bar=1.1)
    assert np.allclose(band["x"], [1, 2, 2, 1, np.nan, 8 / 1.1, 8 * 1.1, 8 * 1.1, 8 / 1.1], equal_nan=True)
    assert np.allclose(band["y"], [0.5, 0.5, 2, 2, np.nan, 0.5, 0.5, 2, 2], equal_nan=True)
    assert np.isnan(outline(x, low * np.nan, x)["y"]).all() and np.isnan(outline(x[:0], x[:0], x[:0])["y"]).all()


def test_a_table_is_not_changed():
    table = course.empty(1)
    for t in range(500):
        table = course.longer(table, t, float(t))
    kept = table.clone()
    course.longer(table, 500, 7.0)
    assert torch.equal(table, kept)
