"""The second process takes steps of SVGD ahead, with the bits of steps here."""

import time
from dataclasses import fields, replace

import pytest
import torch

from labkit import engine_process
from labkit.engine import engine
from labkit.engine_process import EndedError, Process
from labkit.experiments.svgd import ahead, together
from labkit.experiments.svgd.comparison import ComparisonSettings
from labkit.experiments.svgd.particles import ParticlesSettings

pytestmark = pytest.mark.slow  # the process imports torch


@pytest.fixture(scope="module")
def second():
    """A process that is ready."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_process, "PATIENCE", 0.0)
        process, deadline = Process(), time.monotonic() + 30
        while process.call("math:sqrt", 4.0) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
        process.close()


@pytest.fixture
def calls(second, monkeypatch):
    """The numbers of steps in the calls of the engine's process, which is `second`."""
    numbers, call = [], second.call

    def counted(function, *arguments):
        numbers.append(arguments[-1])
        return call(function, *arguments)

    monkeypatch.setattr(second, "call", counted)
    monkeypatch.setattr(engine(), "process", second)
    return numbers


def class_of(n=together.MANY, **changes):
    """Return the settings of n runs and their states after one step."""
    each = [ComparisonSettings(ParticlesSettings(n=30, seed=seed, **changes)) for seed in range(n)]
    return each, [one.step(one.start()) for one in each]


def one_by_one(one, states, steps):
    """Return the states after each step, taken in this process."""
    together_here = one.steps
    together_here._ahead.take = lambda *_: []
    later = []
    for _ in range(steps):
        later += together_here.step(later[-1] if later else states)
    return later


def assert_equal(there, here):
    for one, other in zip(there, here, strict=True):
        assert one.t == other.t
        for name in (field.name for field in fields(one) if field.name not in ("t", "memory")):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        assert one.memory is other.memory or torch.equal(one.memory, other.memory)


@pytest.mark.parametrize(
    "changes", [{}, {"optimizer": "plain", "kernel": "imq"}, {"target": "banana"}], ids=["default", "plain", "plane"]
)
def test_steps_taken_ahead_have_the_bits_of_steps_here(calls, changes):
    each, states = class_of(**changes)
    steps, later = each[0].steps, []
    for most in (5, 1, 3, 20, 2):
        found = steps.step(later[-1] if later else states, most)
        assert 1 <= len(found) <= most
        later += found
    assert calls[:2] == [5, ahead.CHUNK] and len(later) > 10
    for there, here in zip(later, one_by_one(each[0], states, len(later)), strict=True):
        assert_equal(there, here)


def test_changed_states_and_settings_make_steps_taken_ahead_useless(calls):
    each, states = class_of()
    steps = each[0].steps
    states = [*steps.step(states, 4)[-1]]
    states[3] = replace(states[3], x=states[3].x + 1.0)
    for change in ({}, {"step_size": 0.3}, {"means": [-1.0, 3.0]}):
        each[0].run.param.update(**change)
        time.sleep(0.2)  # the process ends the steps of no use
        found = steps.step(states, 3)
        assert len(found) == 3
        for there, here in zip(found, one_by_one(each[0], states, 3), strict=True):
            assert_equal(there, here)
        states = [*found[-1]]


def test_while_the_process_is_busy_with_useless_steps_the_caller_steps(calls, second):
    each, states = class_of()
    steps = each[0].steps
    states = [*steps.step(states, 4)[-1]]
    steps._ahead._coming = second.call("time:sleep", 0.5)
    states[0] = replace(states[0], x=states[0].x + 1.0)
    began = time.monotonic()
    assert len(steps.step(states, 4)) == 1 and time.monotonic() - began < 0.4


def test_a_single_step_is_not_worth_a_call(calls):
    each, states = class_of()
    assert len(each[0].steps.step(states, 1)) == 1
    assert len(each[0].steps.step(states[1:], 4)) == 1  # nor are few runs
    assert calls == []


@pytest.mark.parametrize(("error", "tries"), [(RuntimeError("ValueError: no target"), 1), (EndedError("killed"), 2)])
def test_settings_that_the_process_refuses_step_here(calls, monkeypatch, error, tries):
    asked = []

    class Failed:
        def done(self):
            return True

        def result(self):
            raise error

    monkeypatch.setattr(ahead, "_asked", lambda *words: asked.append(words) or Failed())
    each, states = class_of()
    steps = each[0].steps
    (states,) = steps.step(states, 4)
    (states,) = steps.step(states, 4)
    assert len(asked) == tries
    each[0].run.step_size = 0.3
    steps.step(states, 4)
    assert len(asked) == tries + 1
