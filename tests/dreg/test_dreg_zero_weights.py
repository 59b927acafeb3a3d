"""A log-weight of -inf is a weight of exactly 0: in bounds, weights, coefficients and gradients."""

import math

import numpy as np
import pytest
import torch
from torch.autograd import grad
from torch.distributions import Normal

from labkit import dreg
from labkit.dreg.weights import logsumexp_others, mean_of_others

INF = math.inf
CASES = {
    "first": [-INF, 0.3, 1.0, -2.0],
    "last": [0.3, 1.0, -INF],
    "two": [0.3, -INF, -INF, 2.0],
    "far below": [-20_000.0, -INF, -20_001.0],
}
EVERY = [name for name in dreg.ESTIMATORS if name != "vae"]  # a mean of log-weights would be -inf


def test_the_bound_counts_zero_weights_in_k():
    """It is log (e^-20000 + e^-20001)/3, where a replacement of -1e4 would give -10001."""
    log_w = torch.tensor(CASES["far below"], dtype=torch.float64)
    wanted = -20_000 + math.log1p(math.exp(-1)) - math.log(3)
    assert abs(dreg.bound(log_w) - wanted) < 1e-10
    assert abs(dreg.miwae(log_w[None]) - wanted) < 1e-10 and abs(dreg.piwae(log_w[None]).model - wanted) < 1e-10


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", EVERY)
def test_coefficients_and_bounds_equal_the_limit_of_small_weights(reference, name, case):
    """The reference, which leaves out samples one by one, gets log_w 1e7 below the others."""
    log_w = torch.tensor(CASES[case], dtype=torch.float64)
    parameters = reference.PARAMETERS.get(name, {})
    low = log_w.clamp(min=-1e7).numpy()
    for mine, wanted in zip(
        dreg.coefficients(name, log_w, **parameters), reference.coefficients(name, low, **parameters), strict=True
    ):
        assert np.abs(mine.numpy() - wanted).max() < 1e-9 * max(1, np.abs(wanted).max())
    assert abs(dreg.bound(log_w, name).item() - reference.bound(name, low)) < 1e-9 * abs(reference.bound(name, low))


@pytest.mark.parametrize("name", [name for name, each in dreg.ESTIMATORS.items() if each.least == 1 and name != "vae"])
def test_one_weight_above_zero_acts_like_one_sample(name):
    """For each of the three samples: coefficients of K = 1 there, 0 elsewhere."""
    for place in range(3):
        log_w = torch.full((3,), -INF, dtype=torch.float64)
        log_w[place] = 0.7
        for mine, alone in zip(dreg.coefficients(name, log_w), dreg.coefficients(name, log_w[[place]]), strict=True):
            wanted = torch.zeros_like(mine)
            wanted[place] = alone[0]
            assert torch.equal(mine, wanted)
        assert dreg.entropy(log_w) == 0 and dreg.effective_sample_size(log_w) == 1


def test_sample_size_entropy_and_tail_ignore_zero_weights():
    log_w = torch.tensor([0.3, 1.0, -2.0], dtype=torch.float64)
    more = torch.cat([log_w.new_full((2,), -INF), log_w])
    for ask in (dreg.effective_sample_size, dreg.entropy):
        assert abs(ask(more) - ask(log_w)) < 1e-14
    tail = dreg.pareto_k(torch.cat([torch.linspace(0, 3, 40).double(), torch.full((10,), -INF).double()]))
    assert tail.isfinite()


def test_the_sum_of_the_others_may_include_zeros():
    x = torch.tensor([-INF, 1.0, 2.0], dtype=torch.float64)
    wanted = torch.tensor([math.log(math.e + math.e**2), 2.0, 1.0], dtype=torch.float64)
    assert (logsumexp_others(x) - wanted).abs().max() < 1e-15
    assert mean_of_others(x).tolist() == [1.5, -INF, -INF]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("name", "column"), [("iwae", 2), ("jk", 2)])
def test_gradients_of_bounds_equal_their_coefficients(name, column, case):
    log_w = torch.tensor(CASES[case], dtype=torch.float64, requires_grad=True)
    (got,) = grad(dreg.bound(log_w, name), log_w)
    assert (got - dreg.coefficients(name, log_w)[column]).abs().max() < 1e-10  # log-weights of 2e4, times eps


@pytest.mark.parametrize("name", EVERY)
def test_samples_beyond_a_wall_add_no_gradient(reference, name):
    """log p = log(theta z) - z^2 theta/2 for z > 0, written so that it is -inf with a gradient of NaN for z <= 0.

    The sum over samples has a closed form: G = 1/z - theta z + (z - mu)/s^2 before the wall and 0 beyond it.
    """
    mu, rho, theta = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, -0.2, 1.4))
    parameters = reference.PARAMETERS.get(name, {})
    torch.manual_seed(3)
    q = Normal(mu, rho.exp())
    samples = dreg.evaluate(q, lambda z: (theta * z.clamp(min=0)).log() - theta * z * z / 2, 7)
    z, sigma = samples.z.detach().numpy(), math.exp(-0.2)
    on, noise = z > 0, (z - 0.3) / sigma
    assert 2 <= on.sum() < 7
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = np.where(on, np.log(1.4 * z) - 0.7 * z**2, -INF)
    log_w = log_p + noise**2 / 2 + math.log(sigma) + math.log(2 * math.pi) / 2
    assert np.allclose(samples.log_w.numpy(), log_w, rtol=1e-12)
    path, score, model = reference.coefficients(name, log_w.clip(min=-1e7), **parameters)
    away = np.where(on, z, 1.0)
    slope = np.where(on, 1 / away - 1.4 * z + noise / sigma, 0)
    wanted = [
        (path * slope + score * noise / sigma).sum(),
        (path * slope * noise * sigma + score * (noise**2 - 1)).sum(),
        (model * np.where(on, 1 / 1.4 - z**2 / 2, 0)).sum(),
    ]
    got = grad(dreg.surrogate(samples, name, **parameters), [mu, rho, theta])
    assert np.allclose([each.item() for each in got], wanted, rtol=1e-9, atol=1e-12)
    score_p = torch.from_numpy(np.where(on, 1 / away - 1.4 * z, np.nan))[:, None]
    closed = dreg.normal_gradients(
        name, samples.log_w, torch.from_numpy(noise)[:, None], torch.full((1,), sigma).double(), score_p, **parameters
    )
    assert np.allclose([closed[0].item(), closed[1].item() * sigma], wanted[:2], rtol=1e-6)


def test_a_surrogate_with_too_few_weights_above_zero_raises_an_error():
    torch.manual_seed(0)
    mu = torch.zeros(1, requires_grad=True)
    samples = dreg.evaluate(Normal(mu, 1.0), lambda z: torch.where(z > z.min(), -INF, -z), 4)
    with pytest.raises(ValueError, match=r"\Ajk needs 2 samples with a weight above 0, got 1 of K = 4"):
        dreg.surrogate(samples, "jk")
    assert grad(dreg.surrogate(samples, "dreg"), mu)[0].isfinite()


def test_control_variates_stay_finite_beyond_a_wall():
    torch.manual_seed(3)
    mu = torch.tensor(0.3, requires_grad=True)
    samples = dreg.evaluate(Normal(mu, 1.0), lambda z: z.clamp(min=0).log() - z, 16)
    first, second = dreg.control.gradients(samples, [mu], dreg.control.start())
    assert samples.dead and all(each.isfinite().all() for each in (*first, *second.values()))
