"""The sequential test of bias is a martingale without bias, keeps its level, and has valid intervals."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from labkit.dreg import exact, gaussian, sequential
from labkit.dreg.statistics import hotelling, t_test

STREAMS, LOOKS, LEVEL = 400, 120, 0.05


def run(toy, name, k, blocks, seed=0, **given):
    generator = torch.Generator().manual_seed(seed)
    state = sequential.start(toy, name, k, **given)
    for _ in range(blocks):
        state = sequential.step(state, toy, generator=generator)
    return state


def opposed(dim, distance=0.5):
    """Offsets of opposite signs from coordinate to coordinate, which sum to 0."""
    toy = gaussian.instance(dim, distance)
    return replace(toy, mean=toy.mean * torch.tensor([1.0, -1.0]).repeat(dim // 2))


def exact_bias(toy, name, k):
    found = exact.answers(toy, (k,), (name, "dreg"))
    return float((found.mean[0] - found.mean[1]).abs())


# evidence


@pytest.mark.parametrize(("n", "d"), [(3, 1), (60, 1), (5, 3), (400, 3), (40, 20)])
def test_evidence_is_one_on_average_without_bias(n, d):
    """(n - d) / (d (n - 1)) T^2 is F(d, n - d); the average is over quantiles; the tail matters for small n."""

    def integrand(log_f):
        f = math.exp(log_f)
        t2 = torch.tensor(f * d * (n - 1) / (n - d), dtype=torch.float64)
        return math.exp(sequential.log_evidence(n, t2, d).item() + stats.f.logpdf(f, d, n - d) + log_f)

    total, _ = integrate.quad(integrand, -60, 60, limit=400, points=[0.0])
    assert total == pytest.approx(1, abs=1e-6)


def test_evidence_is_the_bayes_factor_of_two_determinants():
    """|X'X| divided by |X'X - n^2/(n + g) mean mean'|, averaged over g."""
    x = np.random.default_rng(0).normal(size=(9, 3)) @ np.array([[1.0, 2, 0], [0, 3, 1], [0, 0, 0.1]]) + 0.7
    n, mean = len(x), x.mean(0)
    factors = []
    for g in sequential.SCALES:
        left = np.linalg.det(x.T @ x) / np.linalg.det(x.T @ x - n**2 / (n + g) * np.outer(mean, mean))
        factors.append((g / (n + g)) ** 1.5 * left ** (n / 2))
    t2, _ = hotelling(n, torch.tensor(mean), torch.tensor(np.cov(x.T)))
    assert sequential.log_evidence(n, t2, 3).exp().item() == pytest.approx(np.mean(factors), rel=1e-9)


def looked_at(noise):
    """Return the largest evidence of each stream [S, N, D], and the smallest p of a repeated Hotelling test."""
    most, least = torch.zeros(len(noise)), torch.ones(len(noise))
    for n in range(noise.shape[-1] + 2, noise.shape[1] + 1):
        seen = noise[:, :n]
        away = seen - seen.mean(1, keepdim=True)
        t2, p = hotelling(n, seen.mean(1), away.mT @ away / (n - 1))
        most = most.maximum(sequential.log_evidence(n, t2, noise.shape[-1]))
        least = least.minimum(p)
    return most, least


def drawn(kind):
    g = torch.Generator().manual_seed(0)
    normal = torch.randn(STREAMS, LOOKS, 2, generator=g, dtype=torch.float64)
    if kind == "normal":
        return normal @ torch.tensor([[1.0, 0.9], [0.0, 0.1]], dtype=torch.float64)
    skewed = torch.empty(STREAMS, LOOKS, 2, dtype=torch.float64)
    for i in range(0, STREAMS, 50):  # means of blocks of exponentials
        block = torch.rand(50, LOOKS, sequential.BLOCK, 2, generator=g).log().neg() - 1
        skewed[i : i + 50] = block.double().mean(2)
    return skewed


@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_false_alarms_stay_below_the_level_but_a_repeated_test_has_many(kind):
    """A count of binomial(400, .05) exceeds its limit with probability one in ten thousand."""
    most, least = looked_at(drawn(kind))
    bound = stats.binom.ppf(1 - 1e-4, STREAMS, LEVEL)
    assert (most >= -math.log(LEVEL)).sum() <= bound
    assert (least <= LEVEL).sum() > 3 * bound


# intervals


def test_the_critical_value_is_where_evidence_reaches_the_level():
    for n, d, level in ((50, 3, 0.05), (1000, 20, 0.001)):
        t2 = torch.tensor(sequential.critical(n, d, level), dtype=torch.float64)
        assert sequential.log_evidence(n, t2, d).item() == pytest.approx(-math.log(level), abs=1e-6)
    assert sequential.critical(4, 3, 0.001) == math.inf


@pytest.mark.parametrize("means", [(3.0, 1.0), (0.3, -0.2), (0.0, 2.0), (2.0, 0.0)])
def test_norms_agree_with_points_on_an_ellipse(means):
    means, variances, reach = np.array(means), np.array([1.0, 0.04]), 2.0
    angle = np.linspace(0, 2 * np.pi, 200_001)
    edge = means + np.sqrt(reach * variances) * np.stack([np.cos(angle), np.sin(angle)], 1)
    walked = np.linalg.norm(edge, axis=1)
    inside = (means**2 / variances).sum() <= reach
    low, high = sequential.norms(means, variances, reach)
    assert low == pytest.approx(0.0 if inside else walked.min(), abs=1e-7)
    assert high == pytest.approx(walked.max(), abs=1e-7)
    assert sequential.norms(means, variances, math.inf) == (0.0, math.inf)


# estimators


def test_stl_is_biased_and_every_interval_contains_its_exact_bias():
    toy = gaussian.instance(3, 0.8)
    truth = exact_bias(toy, "stl", 8)
    state, generator = sequential.start(toy, "stl", 8), torch.Generator().manual_seed(0)
    peaks = []
    for _ in range(40):
        state = sequential.step(state, toy, generator=generator)
        assert state.low <= truth <= state.high
        assert (state.low > 0) == (state.peak > -math.log(LEVEL))  # both show the same
        peaks.append(state.peak)
    assert sequential.verdict(state, 0.02, 10**6).word == "biased" and peaks == sorted(peaks)
    assert state.n == 40 * sequential.BLOCK and 0 < state.low < truth < state.high < 2 * truth
    assert state.p == pytest.approx(math.exp(-state.peak))


@pytest.mark.parametrize(("name", "word"), [("iwae", "none found"), ("dreg", "undecided")])
def test_a_test_without_bias_also_ends(name, word):
    """dreg is tested against iwae, whose noise is far larger than dreg's scatter, so only the budget ends it."""
    toy, generator = gaussian.instance(2), torch.Generator().manual_seed(1)
    state = sequential.start(toy, name, 16)
    highs, logs = [state.high], [state.log_e]
    while not (said := sequential.verdict(state, 0.1, 1920)):
        state = sequential.step(state, toy, generator=generator)
        highs.append(state.high)
        logs.append(state.log_e)
    assert highs == sorted(highs, reverse=True) and state.peak == max(logs) > state.log_e
    assert said.word == word and state.reference == ("iwae" if name == "dreg" else "dreg")
    assert state.n == 1920 if word == "undecided" else state.high <= 0.1 * state.scatter


@pytest.mark.slow
def test_biases_of_opposite_signs_cancel_in_the_scalar_t_but_not_in_hotellings():
    blocks, want = 60, -math.log(LEVEL)
    toy = opposed(4)
    state = run(toy, "stl", 16, blocks)
    assert state.peak > want and state.scalar_log_e() < want and float(state.scalar_t()[1]) > 0.01
    assert (state.coordinate_t()[1] < 1e-3).all() and state.low <= exact_bias(toy, "stl", 16) <= state.high
    alike = run(gaussian.instance(4, 0.5), "stl", 16, blocks)
    assert alike.scalar_log_e() > want and alike.log_e == pytest.approx(state.log_e, rel=0.5)


def test_moments_equal_those_of_the_blocks():
    """The means of single blocks come from the laboratory with the same noise."""
    toy = gaussian.instance(3)
    state, means = run(toy, "stl", 4, 5), []
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        made = sequential.laboratory.start(toy, ("stl", "dreg"), (4,))
        made = sequential.laboratory.step(made, toy, generator=generator, replicates=sequential.BLOCK)
        means.append(made.gradients.mean[0, 0] - made.gradients.mean[1, 0])
    means = torch.stack(means)
    assert torch.allclose(state.bias, means.mean(0)) and torch.allclose(state.blocks.variance, means.T.cov())
    t, _ = t_test(5, means.sum(1).mean(), means.sum(1).var())
    assert state.scalar_t()[0].item() == pytest.approx(t.item(), rel=1e-9)


def test_testing_dreg_is_testing_iwae_with_the_opposite_sign():
    toy = gaussian.instance(3)
    one, other = run(toy, "dreg", 4, 6), run(toy, "iwae", 4, 6)
    assert torch.allclose(one.bias, -other.bias) and one.log_e == pytest.approx(other.log_e)
    assert one.scatter < other.scatter


def test_equal_seeds_give_equal_runs_and_states_do_not_change():
    toy = gaussian.instance(2)
    first = run(toy, "stl", 4, 4)
    before = first.bias.clone()
    assert run(toy, "stl", 4, 4).log_e == first.log_e != run(toy, "stl", 4, 4, seed=1).log_e
    sequential.step(first, toy, generator=torch.Generator())
    assert torch.equal(first.bias, before) and first.t == 4


# differences without noise


def test_a_difference_that_is_always_zero_is_not_a_bias():
    state = run(gaussian.instance(3), "stl", 1, 3)  # at K = 1 stl is dreg
    assert (state.log_e, state.low, state.high) == (0.0, 0.0, 0.0)
    assert sequential.verdict(state, 0.01, 10**6).word == "none found"


def test_a_constant_difference_is_certain():
    """V = 1/2 and K = 1: rws-dreg is 0, and dreg is (a - m) / s in each replicate."""
    state = run(gaussian.instance(3, 0.4, 0.5), "rws-dreg", 1, 3)
    assert state.log_e == math.inf and state.low == pytest.approx(0.8) == state.high


def test_differences_along_a_line_are_tested_along_that_line():
    """V = 1/2: every path gradient is (a - m) / s, so the covariance has rank one."""
    toy = gaussian.instance(5, 0.4, 0.5)
    state = run(toy, "stl", 4, 8)
    assert state.peak > -math.log(LEVEL) and state.low <= exact_bias(toy, "stl", 4) <= state.high


def test_before_the_blocks_span_their_space_the_evidence_is_one():
    state = run(gaussian.instance(6), "stl", 8, 7)
    assert (state.log_e, state.low, state.high) == (0.0, 0.0, math.inf)
    assert sequential.verdict(state, 0.02, 10**6) is None


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"estimator": "jk", "k": 1}, ValueError, "jk needs K >= 2 samples, got K = 1"),
        ({"estimator": "nought", "k": 2}, ValueError, "must be one of iwae"),
        ({"estimator": "stl", "k": 2, "level": 0.0}, ValueError, "level must be between 0 and 1, got 0"),
        ({"estimator": "stl", "k": 2, "parameters": {"alpha": 0.5}}, TypeError, "no parameters; got alpha"),
    ],
)
def test_errors_name_the_mistake(given, error, words):
    with pytest.raises(error, match=words):
        sequential.start(gaussian.instance(2), **given)


def test_the_interval_is_finite_from_the_first_block_that_the_page_names():
    toy, source = gaussian.instance(4, 0.02, 0.6), torch.Generator().manual_seed(0)
    state, first = sequential.start(toy, "stl", 8), sequential.first_interval(4, 0.05)
    ends = []
    for _ in range(first):
        state = sequential.step(state, toy, generator=source)
        ends.append(math.isfinite(state.high))
    assert ends == [False] * (first - 1) + [True]
