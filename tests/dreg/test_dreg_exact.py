"""The Gaussian model: closed forms agree with torch's distributions, quadratures with each other and their limits."""

import math

import pytest
import torch
from scipy import integrate
from torch.distributions import MultivariateNormal, Normal

from labkit.dreg import exact, gaussian


def test_log_weights_combine_the_three_densities():
    g = torch.Generator().manual_seed(0)
    prior, x, mean, e = (torch.randn(n, 3, generator=g, dtype=torch.float64) for n in (1, 1, 1, 7))
    toy = gaussian.Gaussian(prior[0], x[0], mean[0], 0.4)
    z = mean + toy.sigma * e
    wanted = Normal(prior, 1).log_prob(z) + Normal(z, 1).log_prob(x) - Normal(mean, 0.4**0.5).log_prob(z)
    assert (toy.log_weights(e) - wanted.sum(-1)).abs().max() < 1e-12
    evidence = MultivariateNormal(prior[0], 2 * torch.eye(3).double()).log_prob(x[0])
    assert abs(toy.log_z - evidence) < 1e-12
    assert (toy.posterior_mean - (prior + x)[0] / 2).abs().max() < 1e-15
    at_m = (toy.prior - toy.mean) + (toy.x - toy.mean)
    assert ((toy.direction @ at_m) / at_m.norm() - 1).abs() < 1e-12  # the gradient points from m to a


def test_exact_values_equal_the_reference_values(checks):
    checks.exact_is_the_gold()


def test_the_product_rule_over_two_samples_and_the_transform_agree(checks):
    """Two quadratures without common code agree to 1e-9: mean and variance at K = 2 of every polynomial estimator."""
    answers = exact.answers(checks.line(), (2,))
    for i, name in enumerate(answers.estimators):
        mean, variance, bound = checks.expectations(name)
        assert abs(answers.mean[i, 0] - mean) < 1e-10
        assert abs(answers.variance[i, 0] - variance) < 1e-10
    assert abs(answers.bound[0] - bound) < 1e-10


def test_an_adaptive_quadrature_agrees_for_three_samples(checks):
    """K = 3 through phi by scipy's quad gives the bound to 1e-8."""
    toy = checks.line()

    def weight(u):
        e = torch.tensor([[u]], dtype=torch.float64)
        return math.exp(toy.log_weights(e).item() - toy.log_z)

    nodes = torch.arange(-9, 9, 0.02, dtype=torch.float64)
    w = torch.tensor([weight(u.item()) for u in nodes]).double()
    p = (-nodes * nodes / 2).exp() * 0.02 / math.sqrt(2 * math.pi)

    def integrand(v):
        return math.exp(-math.exp(v)) - float((p * (-math.exp(v) * w).exp()).sum()) ** 3

    value, _ = integrate.quad(integrand, -40, 30, limit=200, epsabs=1e-11, points=[0.0])
    assert abs(exact.answers(toy, (3,)).bound[0] - (value - math.log(3) + toy.log_z)) < 1e-8


@pytest.mark.parametrize("dim", [1, 2, 3, 20])
def test_one_sample_has_the_variances_8_3_and_1_6(dim):
    answers = exact.answers(gaussian.instance(dim, 0.6), (1,), ("iwae", "dreg", "stl", "rws-dreg", "rws"))
    wanted = torch.tensor([8 / 3, 1 / 6, 1 / 6, 0, 3 / 2], dtype=torch.float64)
    assert (answers.variance[:, 0] - wanted).abs().max() < 1e-10
    toy = gaussian.instance(dim, 0.6)
    assert (
        answers.mean[:, 0] - torch.tensor([1.2, 1.2, 1.2, 0, 0], dtype=torch.float64)
    ).abs().max() < 1e-10  # (a - m)/s, and 0
    assert abs(answers.bound[0] - toy.elbo) < 1e-10


def test_the_gradient_is_the_derivative_of_the_bound():
    h, toy = 1e-4, [gaussian.instance(6, 0.5 + each) for each in (1e-4, -1e-4, 0)]
    up, down, here = (exact.answers(each, (2, 30)) for each in toy)
    slope = (up.bound - down.bound) / (2 * h)
    for i, name in enumerate(here.estimators):
        if name in ("iwae", "dreg"):
            assert (here.mean[i] + slope).abs().max() < 1e-7


def test_bounds_rise_to_log_z_with_the_limits_of_many_samples():
    toy, k = gaussian.instance(), 1_000_000
    answers = exact.answers(toy, (1, 10, 100, 1000, k), ("dreg", "stl"))
    assert (answers.bound.diff() > 0).all() and answers.bound[-1] < toy.log_z
    assert abs(k * (toy.log_z - answers.bound[-1]) - (toy.second_moment - 1) / 2) < 1e-3
    assert abs(k * answers.mean[0, -1] / toy.gradient_limit.norm() - 1) < 1e-4
    assert abs(answers.mean[1, -1] - toy.stl_limit.norm()) < 1e-5


def test_m2_is_the_mean_of_the_squared_density_ratio():
    for variance, m in ((2 / 3, 0.45), (0.3, 0.9)):
        toy = gaussian.line(0.3, 1.1, m, variance)
        e = torch.arange(-60, 60, 0.01, dtype=torch.float64)[:, None]
        log_p = -(e[:, 0] ** 2) / 2 + math.log(0.01 / math.sqrt(2 * math.pi))
        total = (log_p + 2 * (toy.log_weights(e) - toy.log_z)).exp().sum()
        assert abs(total - toy.second_moment) < 1e-9 * toy.second_moment
    assert gaussian.line(0.0, 0.0, 1.0, 0.25).second_moment == math.inf


def test_with_the_posterior_as_proposal_path_estimators_are_zero():
    """Every path estimator is 0 for each sample; IWAE still has variance 1/(K V)."""
    answers = exact.answers(gaussian.instance(20, 0.0, 0.5), (1, 8), ("iwae", "dreg", "stl"))
    assert (answers.variance[0] - 2 / torch.tensor([1.0, 8.0])).abs().max() < 1e-10
    assert answers.variance[1:].abs().max() == 0 and answers.mean.abs().max() < 1e-14
    assert (answers.bound - gaussian.instance(20, 0.0, 0.5).log_z).abs().max() < 1e-10


def test_the_slopes_of_the_instance_equal_the_published_ones():
    """From K = 16 to 1024, with two digits of the reference: variance, and SNR with DReG's mean for IWAE."""
    sizes = [2**i for i in range(4, 11)]
    answers = exact.answers(gaussian.instance(), sizes, ("iwae", "dreg", "stl"))
    variance = answers.variance.log()
    snr = answers.mean.log() - variance / 2
    k = torch.tensor(sizes).double().log()
    k = k - k.mean()
    slopes = [(k * each).sum(-1) / (k * k).sum() for each in (variance, snr)]
    wanted = torch.tensor([[-1.00, -2.94, -1.00], [-0.50, 0.47, 0.49]], dtype=torch.float64)
    assert (torch.stack(slopes) - wanted).abs().max() < 0.01


def test_the_variance_of_dreg_falls_fast_only_with_four_moments_of_the_weights():
    """For V > 3/8 it falls as K^-3, below that slower (reference section 3)."""
    sizes = (4096, 65536)
    wide, narrow = (
        exact.answers(gaussian.instance(1, 0.3, v), sizes, ("dreg",)).variance[0].log().diff().item() / math.log(16)
        for v in (0.6, 0.3)
    )
    assert wide < -2.95 and narrow > -2.8
