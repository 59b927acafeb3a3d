"""The Bayesian neural network: density and gradient agree with torch.distributions and autograd."""

import math

import pytest
import torch
from torch import distributions as td

from labkit import targets
from labkit.targets.network import NeuralRegression


@pytest.fixture
def table():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 3, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 10.0, 0.1]) + 5
    y = 7 + 3 * x[:, 0] - 0.2 * x[:, 1] + torch.randn(40, generator=generator, dtype=torch.float64)
    return x, y


@pytest.fixture
def target(table):
    return NeuralRegression(*table, test=range(30, 40), hidden=4, rate=0.1)


def points(target, n=6, seed=1):
    return target.initial(n, torch.Generator().manual_seed(seed)) * 1.3


def by_loop(target, theta, x):
    """f of one particle at standardised rows, from the formula with plain products."""
    f, h = target.features, target.hidden
    w1, b1, w2, b2 = theta[: f * h].view(f, h), theta[f * h : f * h + h], theta[f * h + h : f * h + 2 * h], theta[-3]
    return torch.clamp(x @ w1 + b1, min=0) @ w2 + b2


def standard(table, rows=slice(0, 30)):
    x, y = table
    return [(each[rows] - each[:30].mean(0)) / each[:30].std(0, correction=0) for each in (x, y)]


def test_the_density_combines_normal_data_normal_weights_and_gamma_precisions(table, target):
    x, y = standard(table)
    theta = points(target)
    found = target.log_prob(theta)
    for each, value in zip(theta, found, strict=True):
        gamma, lam = each[-2].exp(), each[-1].exp()
        prior = td.Gamma(torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64))
        wanted = td.Normal(by_loop(target, each, x), gamma**-0.5).log_prob(y).sum()
        wanted = wanted + td.Normal(0.0, lam**-0.5).log_prob(each[:-2]).sum()
        wanted = wanted + prior.log_prob(gamma) + gamma.log() + prior.log_prob(lam) + lam.log()
        assert value == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize("lead", [(), (6,), (2, 3)])
def test_score_is_the_gradient_of_the_density(target, lead):
    theta = points(target).reshape(*lead, -1)[..., : target.dim] if lead else points(target)[0]
    theta = theta.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(target.log_prob(theta).sum(), theta)
    assert torch.allclose(target.score(theta.detach()), wanted, rtol=1e-10, atol=1e-10)


def test_cyclic_minibatches_average_to_the_full_score(target):
    theta, batches = points(target), target.minibatch(10, order="cyclic")
    mean = sum(batches.at(t, None)(theta) for t in range(3)) / 3
    assert torch.allclose(mean, target.score(theta), rtol=1e-10, atol=1e-9)


def test_predictions_are_in_the_units_of_the_table(table, target):
    theta = points(target)
    x, y = table
    rows = standard(table, slice(30, 40))[0]
    f = torch.stack([by_loop(target, each, rows) for each in theta]) * y[:30].std(correction=0) + y[:30].mean()
    assert torch.allclose(target.predict(theta, x[30:]), f, rtol=1e-10)
    assert float(target.rmse(theta)) == pytest.approx(float((f.mean(0) - y[30:]).square().mean().sqrt()), rel=1e-10)
    sigma = (-theta[:, -2] / 2).exp() * y[:30].std(correction=0)
    mixture = td.Normal(f, sigma[:, None]).log_prob(y[30:]).logsumexp(0) - math.log(len(theta))
    assert float(target.test_log_likelihood(theta)) == pytest.approx(float(mixture.mean()), rel=1e-10)
    assert float(target.test_log_likelihood(theta, 2 * sigma)) != pytest.approx(float(mixture.mean()), rel=1e-3)


def test_initial_particles_have_their_own_error_as_noise_and_the_priors_scale(table):
    target = NeuralRegression(*table, test=range(30, 40), hidden=50, rate=0.1)
    x, y = standard(table)
    theta = target.initial(2000, torch.Generator().manual_seed(3))
    f = target._forward(theta[:5], x)[1]
    assert torch.allclose(theta[:5, -2].exp(), 1 / (f - y).square().mean(-1), rtol=1e-10)
    first = theta[:, : 3 * 50]
    assert float(first.var()) == pytest.approx(1 / 4, rel=5 * math.sqrt(2 / first.numel()))
    # an exponential's deviation is its mean: five standard errors
    assert float(theta[:, -1].exp().mean()) == pytest.approx(10, rel=5 / math.sqrt(2000))
    wrong = target.initial(2000, torch.Generator().manual_seed(3), gamma_scale=True)
    assert float(wrong[:, -1].exp().mean()) == pytest.approx(0.1, rel=5 / math.sqrt(2000))


def test_far_points_stay_finite(target):
    theta = torch.full((3, target.dim), 60.0)
    assert target.score(theta).isfinite().all() and target.log_prob(theta).isfinite().all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": torch.zeros(40)}, "y must vary"),
        ({"y": torch.zeros(39)}, "match their rows"),
        ({"x": torch.full((40, 3), torch.nan)}, "must be finite"),
        ({"test": []}, "different row numbers"),
        ({"test": [1, 1]}, "different row numbers"),
        ({"test": [40]}, "test rows must be from 0 to 39"),
        ({"hidden": 0}, "hidden must be a whole number >= 1"),
        ({"rate": -1.0}, "rate must be one number > 0"),
    ],
)
def test_errors_name_the_mistake(table, change, words):
    given = {"x": table[0], "y": table[1], "test": torch.tensor([1])} | change
    with pytest.raises(ValueError, match=words):
        NeuralRegression(**given)


def test_the_network_is_a_public_target():
    assert targets.NeuralRegression is NeuralRegression


def test_other_rows_keep_the_standardisation_of_the_first_rows(table, target):
    """The same rows give the same density; one more row adds its own term, with the first rows' mean and deviation."""
    x, y = table
    theta = points(target)
    assert torch.equal(target.with_rows(x, y, range(30, 40)).log_prob(theta), target.log_prob(theta))
    more = target.with_rows(x, y, range(31, 40))
    rows, labels = standard(table, slice(30, 31))
    f = torch.stack([by_loop(target, each, rows) for each in theta])[:, 0]
    wanted = td.Normal(f, (-theta[:, -2] / 2).exp()).log_prob(labels)
    assert torch.allclose(more.log_prob(theta) - target.log_prob(theta), wanted, rtol=1e-10)
    assert torch.equal(more.predict(theta, x), target.predict(theta, x)) and target.rows == 30
    with pytest.raises(ValueError, match="x must have 3 features as before, got 2"):
        target.with_rows(x[:, :2], y, [0])
