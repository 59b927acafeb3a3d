"""Values that runs share stay below a number of bytes."""

import torch

from labkit.experiments.dreg import variance
from labkit.experiments.shared import Shared


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


def test_runs_with_equal_settings_share_their_batches_within_a_number_of_bytes(monkeypatch):
    small = Shared(200_000)
    monkeypatch.setattr(variance, "_batches", small)
    made = [variance.VarianceSettings(sizes=(1, 4), batch=2, dim=30) for _ in range(2)]
    states = [each.start() for each in made]
    for _ in range(12):
        states = [each.step(state) for each, state in zip(made, states, strict=True)]
        assert 0 < small.bytes <= 200_000
    assert len(small) < 12 and torch.equal(states[0].total.gradients.mean, states[1].total.gradients.mean)
