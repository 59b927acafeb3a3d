"""An estimator is tested for bias: the run is the sequential test, and it ends when the test decides."""

import math

import pytest
import torch

from labkit.dreg import exact
from labkit.dreg.sequential import BLOCK
from labkit.experiments.dreg.bias import SPACING, BiasSettings, sentence

pytestmark = pytest.mark.slow  # whole tests of many blocks


def run(settings, steps):
    state = settings.start()
    for _ in range(steps - 1):
        state = settings.step(state)
    return state


def to_the_end(settings):
    state = settings.start()
    while not state.decided:
        state = settings.step(state)
    return state


def test_the_run_is_the_sequential_test_and_stops_with_it():
    settings = BiasSettings(estimator="stl", dim=3, distance=0.5)
    (test,) = to_the_end(settings).tests
    assert test.verdict.word == "biased" and test.state.peak >= math.log(20)
    before = run(settings, test.state.t - 1).tests[0]
    assert before.verdict is None and before.state.peak < math.log(20)
    assert torch.equal(before.history[:, 0], torch.arange(1.0, test.state.t, dtype=torch.float64) * BLOCK)
    assert test.state.low <= test.exact <= test.state.high


def test_exact_biases_equal_the_known_values():
    for name, k, known in (("stl", 4, None), ("iwae", 4, 0.0), ("vimco", 4, 0.0), ("stl", 1, 0.0)):
        settings = BiasSettings(estimator=name, k=k)
        found = exact.answers(settings.toy(), (k,), ("stl", "dreg")).mean[:, 0]
        wanted = (found[0] - found[1]).abs().item() if known is None else known
        assert settings.start().tests[0].exact == pytest.approx(wanted, abs=1e-14)
    for name in ("jk", "dreg-alpha", "vae"):  # other targets, or no quadrature
        assert BiasSettings(estimator=name).start().tests[0].exact is None


@pytest.mark.parametrize("dim", [2, 5])
def test_offsets_sum_to_zero_and_keep_their_length(dim):
    toy = BiasSettings(dim=dim, distance=0.7).toy()
    assert toy.offset.sum().abs() < 1e-12 and toy.distance == pytest.approx(0.7)
    assert BiasSettings(dim=dim, distance=0.7, opposed=False).toy().offset.min() > 0
    assert BiasSettings(dim=1, distance=0.7).toy().distance == pytest.approx(0.7)


def test_points_of_the_history_get_sparser_and_the_last_is_current():
    state = run(BiasSettings(estimator="iwae", dim=1, k=1), 70)
    (test,) = state.tests
    n = test.history[:, 0]
    assert len(n) < 65 and n[-1] == test.state.n == 70 * BLOCK
    assert (n[1:-1] >= SPACING * n[:-2]).all()
    assert test.history[-1, 1].item() == test.state.norm


def test_the_sentence_gives_verdict_interval_and_the_offset_that_the_sum_missed():
    test = to_the_end(BiasSettings(dim=2, distance=0.5)).tests[0]
    said = sentence(test)
    assert said.startswith(
        f"stl is biased (after {test.state.n:,} replicates): the evidence has reached 20 (1.3 in log₁₀). 95 % "
        "interval of |bias|: "
    )
    assert f"(exact value: {test.exact:.3g})" in said
    assert "t-test of the means of all steps looks only at the sum over coordinates" in said
    assert "It detects no bias: t = " in said
    assert sentence(BiasSettings().start().tests[0]) == "stl: not decided after 64 replicates."
