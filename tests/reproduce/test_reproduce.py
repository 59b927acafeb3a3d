"""`labkit reproduce`: the toys against exact values, the replaced noise by hand, and a store after a kill."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from labkit.data.tables import Table
from labkit.reproduce import covertype, gmm, mvn, uci
from labkit.reproduce.store import Store
from labkit.targets.network import NeuralRegression


@pytest.fixture(scope="module")
def table():
    """300 rows of a smooth function with noise of .3."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = 10 + 5 * np.tanh(x[:, 0]) + x[:, 1] + 0.3 * rng.normal(size=300)
    return Table(torch.from_numpy(x), torch.from_numpy(y), ("a", "b"), "y")


@pytest.mark.parametrize(("w", "b"), [(0.3, 1.0), (1.4, 4.0)])
def test_the_expectation_of_a_wave_agrees_with_quadrature(w, b):
    def density(x):
        return (np.exp(-((x + 2) ** 2) / 2) / 3 + 2 * np.exp(-((x - 2) ** 2) / 2) / 3) / math.sqrt(2 * math.pi)

    wanted = quad(lambda x: math.cos(w * x + b) * density(x), -12, 12)[0]
    assert float(gmm.cosine(torch.tensor(w), torch.tensor(b))) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_particles_are_closer_to_the_expectations_than_independent_draws():
    found = gmm.errors(10, repeats=24)
    # the mean of 10 draws is off by variance/10 in the mean square: .456; 24 repeats scatter by sqrt(2/24)
    assert found.draws[0] == pytest.approx(math.log10(4.5556 / 10), abs=5 * math.sqrt(2 / 24) / math.log(10))
    assert all(particles < draws for particles, draws in zip(found.svgd, found.draws, strict=True))


def test_the_run_of_the_figure_reaches_both_modes():
    states = gmm.run(steps=150)
    assert len(states) == 151 and states[0].x.mean() == pytest.approx(-10, abs=5 / math.sqrt(100))
    left = (states[-1].x < 0).double().mean()
    assert 0.15 < left < 0.55  # .341 of the density; the run has not converged yet


@pytest.mark.slow
def test_the_normal_gets_the_right_mean_and_variances_that_are_too_small():
    found = mvn.run()
    assert (found.mean - found.exact_mean).abs().max() < 0.02
    assert (found.covariance.diagonal() / found.exact_covariance.diagonal() < 0.75).all()


def test_noise_is_replaced_if_validation_rows_are_then_more_likely(table):
    target = NeuralRegression(table.x, table.y, torch.arange(250, 300), hidden=5)
    theta = target.initial(4, torch.Generator().manual_seed(0))
    x, y = table.x[:40], table.y[:40]
    own = [float((target.predict(each[None], x)[0] - y).square().mean()) for each in theta]
    theta[0, -2] = -math.log(own[0])  # equally likely: no change
    theta[1, -2] = 9.0
    theta[2, -2] = -9.0
    noise, changed = target.overwritten(theta, x, y)
    assert changed == 3  # its own noise is the most likely
    assert noise[1:].tolist() == pytest.approx([math.sqrt(each) for each in own[1:]])
    assert float(noise[0]) == pytest.approx(math.sqrt(own[0]))


@pytest.mark.parametrize("mode", uci.MODES)
@pytest.mark.slow
def test_a_run_learns_and_can_be_repeated(table, mode):
    settings = uci.UCISettings(mode, particles=5, hidden=10, steps=250, step_size=0.02)
    one, other = uci.run(table, 0, settings), uci.run(table, 0, settings)
    assert (one.rmse, one.log_likelihood) == (other.rmse, other.log_likelihood)
    spread = float(table.y[table.split(0)[1]].std())
    assert one.rmse < 0.5 * spread  # predicting the mean has an error of one deviation
    assert one.log_likelihood > -0.5 * math.log(2 * math.pi * spread**2) - 0.5
    assert (one.overwritten > 0) == (mode == "original")


def test_the_last_tenth_is_held_out_for_validation_only_in_original_mode(table, monkeypatch):
    rows = []
    monkeypatch.setattr(uci, "NeuralRegression", lambda x, y, test, **rest: rows.append(len(x)) or _stop())
    for mode in uci.MODES:
        with pytest.raises(StopIteration):
            uci.run(table, 0, uci.UCISettings(mode))
    assert rows == [300 - 27, 300]


def _stop():
    raise StopIteration


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="mode must be one of original, default, got 'new'"):
        uci.UCISettings("new")


def test_means_and_standard_errors_over_the_splits():
    found = uci.summary([uci.Score(1.0, -2.0, 3.0), uci.Score(3.0, -4.0, 5.0)])
    assert found == {"splits": 2, "rmse": 2.0, "rmse_error": 1.0, "ll": -3.0, "ll_error": 1.0, "seconds": 8.0}


@pytest.mark.slow
def test_covertype_with_falling_steps_approaches_a_converged_fit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 4))
    y = (x @ [2.0, -1.0, 0.5, 0.0] + rng.logistic(size=2000) > 0).astype(float)
    rows = Table(torch.from_numpy(x), torch.from_numpy(y), tuple("abcd"), "y")
    for mode in ("original", "default"):
        posterior = covertype.target(rows, mode, 0)
        points = [point for (point,) in covertype.run([posterior], mode, [0], steps=400, every=200)]
        assert [point.step for point in points] == [0, 200, 400]
        assert points[-1].log_likelihood > points[0].log_likelihood
    assert points[-1].accuracy == pytest.approx(covertype.converged(posterior), abs=0.02)


@pytest.mark.slow
def test_splits_that_run_together_give_the_numbers_of_separate_runs():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 3))
    rows = Table(torch.from_numpy(x), torch.from_numpy((x[:, 0] > 0).astype(float)), tuple("abc"), "y")
    splits = [covertype.target(rows, "original", seed) for seed in (3, 4)]
    both = list(covertype.run(splits, "original", [3, 4], steps=20, every=20))[-1]
    for split, seed, found in zip(splits, (3, 4), both, strict=True):
        (alone,) = list(covertype.run([split], "original", [seed], steps=20, every=20))[-1]
        assert found.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)


def test_results_are_found_again_and_an_incomplete_line_is_ignored(tmp_path):
    store = Store(tmp_path / "new")
    store.add({"split": 0, "set": "a"}, {"rmse": 1.0})
    store.add({"split": 1, "set": "a"}, {"rmse": 2.0})
    with store.path.open("a") as file:
        file.write('{"of": {"split": 2')  # a kill in the middle of a line
    again = Store(tmp_path / "new")
    assert again.find({"set": "a", "split": 1}) == {"rmse": 2.0} and again.find({"split": 2, "set": "a"}) is None
    again.add({"split": 2, "set": "a"}, {"rmse": 3.0})
    last = Store(tmp_path / "new")
    assert [last.find({"split": k, "set": "a"}) for k in range(3)] == [{"rmse": 1.0}, {"rmse": 2.0}, {"rmse": 3.0}]
