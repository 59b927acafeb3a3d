"""Values that runs share stay below a number of bytes."""

import time
from concurrent.futures import ThreadPoolExecutor

import torch

from labkit.experiments.dreg import variance
from labkit.experiments.shared import Latest, Shared


def test_the_values_used_last_stay_below_the_limit():
    shared, found = Shared(1000), []

    def value(key, numbers=100):  # 400 bytes
        return shared.take(key, lambda: found.append(key) or torch.zeros(numbers))

    first = value("a")
    value("b")
    assert value("a") is first and found == ["a", "b"] and shared.bytes == 800
    value("c")  # "b" was used before "a"
    assert value("a") is first and value("c") is not first and found == ["a", "b", "c"] and len(shared) == 2
    value("b")
    assert found == ["a", "b", "c", "b"]
    assert len(value("d", 10_000)) == 10_000 and len(shared) == 1 and shared.bytes == 40_000


def test_runs_with_equal_settings_share_their_states_within_a_number_of_bytes(monkeypatch):
    small = Shared(200_000)
    monkeypatch.setattr(variance, "_states", small)
    made = [variance.VarianceSettings(sizes=(1, 4), batch=2, dim=30) for _ in range(2)]
    states = [each.start() for each in made]
    for _ in range(12):
        states = [each.step(state) for each, state in zip(made, states, strict=True)]
        assert 0 < small.bytes <= 200_000
    assert len(small) < 12 and states[0] is states[1]


def test_other_settings_have_other_states_and_a_forgotten_state_is_computed_again(monkeypatch):
    monkeypatch.setattr(variance, "_states", Shared(10**8))
    one, other = (variance.VarianceSettings(sizes=(1, 4), batch=2, dim=30, seed=seed) for seed in (0, 1))
    state = one.step(one.start())
    assert one.step(one.start()) is state and other.step(other.start()) is not state
    monkeypatch.setattr(variance, "_states", Shared(10**8))
    again = one.step(one.start())
    assert again is not state and torch.equal(again.total.gradients.mean, state.total.gradients.mean)
    other.seed = 0  # it continues from the same state, and with the same noise
    assert other.steps.key(again) == one.steps.key(again) != one.steps.key(state)
    assert other.steps.step([again, again]) == [[one.step(again)] * 2]


def test_a_state_of_the_laboratory_finds_each_interval_once(monkeypatch):
    one = variance.VarianceSettings(sizes=(1, 4), batch=64, dim=3)
    state = one.step(one.step(one.start()))
    first = state.interval("variance")
    monkeypatch.setattr(variance.Measured, "_find_reach", None)
    for a, b in zip(first, state.interval("variance"), strict=True):
        assert torch.equal(a.nan_to_num(), b.nan_to_num())
    monkeypatch.undo()
    assert not torch.equal(first[1].nan_to_num(), one.step(state).interval("variance")[1].nan_to_num())


def test_threads_that_ask_for_the_same_key_get_the_same_latest_value():
    latest, made = Latest(), []

    def make():
        made.append(object())
        time.sleep(0.05)
        return made[-1]

    with ThreadPoolExecutor(4) as threads:
        values = list(threads.map(lambda _: latest.take("a", make), range(4)))
    assert len(made) == 1 and all(value is made[0] for value in values)


def test_the_latest_value_is_made_again_for_another_key_and_a_copy_keeps_its_own():
    latest = Latest()
    assert latest.take("a", lambda: 1) == 1 and latest.take("a", lambda: 2) == 1
    other = latest.copy()
    assert latest.take("b", lambda: 3) == 3 and latest.take("a", lambda: 4) == 4
    assert other.take("a", lambda: 5) == 1
