"""Runs of equal shape and settings are stepped as a batch, with the same numbers as alone."""

import time
from dataclasses import fields, replace

import pytest
import torch

from labkit import engine
from labkit.engine_batches import step_together
from labkit.experiments.svgd.comparison import ComparisonSettings
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.experiments.svgd.together import Together
from labkit.past import size


class Counting:
    """Steps of whole numbers that must have the same remainder; counts the batches."""

    def __init__(self, remainder=True):
        self.remainder, self.sizes = remainder, []

    def key(self, state):
        return state % 2 if self.remainder else None

    def step(self, states, most):
        self.sizes.append(len(states))
        return [[state + 2 for state in states]]


class Run:
    """A run that owes some steps."""

    def __init__(self, state, steps, owed, speed=60.0):
        self.state, self.steps, self.owed, self.speed = state, steps, owed, speed

    def due(self):
        return self.state if self.owed > 0 else None

    def take(self, state, seconds):
        assert seconds > 0
        self.state, self.owed = state, self.owed - 1


def test_runs_of_one_key_take_their_due_steps_in_batches():
    steps = Counting()
    runs = [Run(0, steps, 3), Run(2, steps, 3), Run(4, steps, 2), Run(1, steps, 3)]
    step_together(runs, 1.0)
    assert [run.state for run in runs] == [4, 6, 8, 1]  # the odd one is alone, and waits for its own turn
    assert steps.sizes == [3, 3]  # a part of a batch waits for the next round
    assert [run.owed for run in runs] == [1, 1, 0, 3]


def test_runs_with_other_speeds_are_batches_apart():
    steps = Counting()
    runs = [Run(0, steps, 1), Run(2, steps, 1), Run(0, steps, 3, 180.0), Run(2, steps, 3, 180.0)]
    step_together(runs, 1.0)
    assert [run.owed for run in runs] == [0] * 4


class Several(Counting):
    """Steps that come several at once."""

    def step(self, states, most):
        self.sizes.append(most)
        return [[state + 2 * i for state in states] for i in range(1, most + 1)]


def test_steps_that_come_several_at_once_are_at_most_those_that_all_runs_owe():
    steps = Several()
    runs = [Run(0, steps, 13), Run(2, steps, 20), Run(4, steps, 15)]
    step_together(runs, 1.0)
    assert [run.state for run in runs] == [26, 28, 30]
    assert steps.sizes == [8, 5]  # `MOST`, and what the first run still owes


def test_a_run_with_a_new_order_takes_no_more_of_the_steps_that_came_at_once():
    """The run pauses after two steps. Its other steps are lost, and those of the other run stay."""

    class Pausing(Run):
        def due(self):
            return None if self.state == 4 else super().due()

    steps = Several()
    runs = [Pausing(0, steps, 6), Run(2, steps, 6)]
    step_together(runs, 1.0)
    assert [run.state for run in runs] == [4, 14]


def test_runs_without_a_key_or_steps_wait_for_their_turn():
    runs = [Run(0, None, 2), Run(0, None, 2), Run(0, Counting(False), 2), Run(0, Counting(False), 2)]
    step_together(runs, 1.0)
    assert [run.owed for run in runs] == [2] * 4


def test_batches_end_when_the_time_is_over():
    steps = Counting()
    runs = [Run(0, steps, 10**9), Run(0, steps, 10**9)]
    step_together(runs, 0.02)
    assert 0 < len(steps.sizes) < 10**6


class Failing(Counting):
    """Steps that fail as a batch."""

    def step(self, states, most):
        raise ValueError("one of them is not finite")


def test_runs_whose_batch_fails_wait_for_their_turn():
    runs = [Run(0, Failing(), 2), Run(2, Failing(), 2)]
    assert step_together(runs, 1.0) == set()
    assert [run.owed for run in runs] == [2, 2]


def test_a_batch_whose_settings_change_meanwhile_is_not_taken():
    steps = Counting()
    steps.step = lambda states, most: setattr(steps, "key", lambda state: "other") or [[state + 2 for state in states]]
    runs = [Run(0, steps, 2), Run(2, steps, 2)]
    assert step_together(runs, 1.0) == set()
    assert [run.state for run in runs] == [0, 2]


def settings(**changes):
    return ComparisonSettings(ParticlesSettings(n=30, **changes))


def advanced(one, steps):
    state = one.start()
    for _ in range(steps):
        state = one.step(state)
    return state


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "plain", "kernel": "imq", "bandwidth": "fixed"}, {"target": "banana", "step_size": 0.03}],
    ids=["default", "imq", "plane"],
)
def test_a_batch_has_the_numbers_of_single_steps(changes):
    apart = [settings(seed=seed, **changes) for seed in range(3)]
    states = [advanced(one, 2 + i) for i, one in enumerate(apart)]
    assert len({Together(one.run).key(state) for one, state in zip(apart, states, strict=True)}) == 1
    (found,) = apart[0].steps.step(states)
    for one, state, after in zip(apart, states, found, strict=True):
        alone = one.step(state)
        assert after.t == alone.t
        for name in ("x", "score", "phi", "drive", "repulsion", "bandwidth", "ksd", "memory"):
            torch.testing.assert_close(getattr(after, name), getattr(alone, name), rtol=1e-9, atol=1e-12)


def test_a_batch_continues_the_last_one_only_while_the_runs_are_the_same():
    one = settings()
    steps = one.steps
    states = [advanced(one, 1), advanced(one, 2), advanced(one, 3)]
    for _ in range(3):
        (states,) = steps.step(states)
    alone = [advanced(one, 4), advanced(one, 5), advanced(one, 6)]
    edited = replace(alone[1], x=alone[1].x + 1.0)
    for after, before in zip(*steps.step([alone[0], edited, alone[2]]), (alone[0], edited, alone[2]), strict=True):
        torch.testing.assert_close(after.x, one.step(before).x, rtol=1e-9, atol=1e-12)
    for after, before in zip(states, alone, strict=True):
        torch.testing.assert_close(after.x, before.x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["adagrad", "plain"])
def test_a_kept_state_does_not_keep_those_of_other_runs(optimizer):
    """In one block of memory the runs would lie directly one after the other. Each block of its own has a head."""
    one, n = settings(optimizer=optimizer), 20
    steps, states = one.steps, [advanced(settings(seed=seed, optimizer=optimizer), 1) for seed in range(n)]
    for _ in range(3):
        (states,) = steps.step(states)
    large = [field.name for field in fields(states[0]) if isinstance(getattr(states[0], field.name), torch.Tensor)]
    large = [name for name in large if getattr(states[0], name).dim()]
    assert len(large) == 5 + (optimizer == "adagrad")
    begins = sorted(min(getattr(state, name).data_ptr() for name in large) for state in states)
    ends = [begin + size(states[0]) - 2 * 8 for begin in begins]  # without bandwidth and KSD
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))
    torch.testing.assert_close(states[3].phi, advanced(settings(seed=3, optimizer=optimizer), 4).phi)


def test_a_change_of_a_setting_during_a_step_is_noticed_and_changes_the_key():
    one = settings()
    steps, state = one.steps, advanced(one, 1)
    key, step = steps.key(state), one.run.step
    assert steps.key(state) == key

    def changed(states):
        one.run.step_size = 0.2
        return step(states)

    one.run.step = changed
    with pytest.raises(RuntimeError, match="changed during the step"):
        steps.step([state, state])
    assert steps.key(state) != key
    one.run.shape = {**one.run.shape, "curvature": 0.2}
    assert steps.key(state) not in (key, None)


@pytest.mark.parametrize(
    "changes",
    [{"optimizer": "adam"}, {"temper": "linear"}, {"target": "logistic", "batch": 50}, {"bandwidth": "median-lagged"}],
    ids=["adam", "temper", "minibatch", "lagged rule"],
)
def test_a_step_that_depends_on_the_past_is_taken_alone(changes):
    one = settings(**changes)
    assert one.steps.key(advanced(one, 1)) is None


@pytest.mark.parametrize(("before", "after"), [("adam", "adagrad"), ("adagrad", "plain"), ("adam", "plain")])
def test_a_memory_of_another_optimizer_is_not_batched(before, after):
    one = settings(optimizer=before)
    state = advanced(one, 1)
    one.run.optimizer = after
    assert one.steps.key(state) is None
    alone = one.step(state)
    assert one.steps.key(alone) is not None and len(one.steps.step([alone, alone])[0]) == 2


def test_first_steps_large_runs_and_pairs_are_taken_alone():
    assert settings().steps.key(settings().start()) is None  # the optimiser has no memory yet
    many = ComparisonSettings(ParticlesSettings(n=200))
    assert many.steps.key(advanced(many, 1)) is None
    pair = ComparisonSettings(ParticlesSettings(n=30), compare="seed", other=1)
    two = pair.start()
    assert pair.steps.key(two) is None


def test_playing_runs_of_a_class_step_together_and_apart_from_others():
    kinds = [settings(), settings(), settings(kernel="imq")]
    runs = [engine.Run(one.start, one.step, lambda state, past: state.t, steps=one.steps) for one in kinds]
    try:
        for run in runs:
            run.speed = 200.0
            run.play()
        deadline = time.monotonic() + 20
        while min(run.frame.content or 0 for run in runs) < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        for run in runs:
            run.pause()
        for run, one in zip(runs, kinds, strict=True):
            last = run.past(lambda past: past.states[-1])
            alone = advanced(one, last.t)
            assert last.t >= 20
            torch.testing.assert_close(last.x, alone.x, rtol=1e-6, atol=1e-9)
    finally:
        for run in runs:
            run.close()


def test_an_error_of_one_run_stops_only_this_one():
    def fails(state):
        if state.t > 5:
            raise ValueError("too far")
        return {}

    kinds = [settings(), settings()]
    runs = [
        engine.Run(one.start, one.step, lambda state, past: state.t, record, steps=one.steps)
        for one, record in zip(kinds, (fails, None), strict=True)
    ]
    try:
        for run in runs:
            run.play()
        deadline = time.monotonic() + 20
        while (not runs[0].frame.error or (runs[1].frame.content or 0) < 15) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "too far" in runs[0].frame.error and not runs[1].frame.error
        assert runs[1].frame.content >= 15
    finally:
        for run in runs:
            run.close()
