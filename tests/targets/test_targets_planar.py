"""Constants and moments of targets in one and two dimensions agree with sums on a grid and with samples."""

import math

import pytest
import torch

from labkit import targets
from labkit.targets import quadrature

# name, parameters, half width of a box that holds all the mass, number of points along each axis
PLANAR = [
    ("standard", {}, (9.0, 9.0), (200, 200)),
    ("correlated", {}, (20.0, 12.0), (400, 400)),
    ("mixture2d", {}, (8.0, 8.0), (300, 300)),
    (
        "mixture2d",
        {"means": ((0.0, 0.0), (3.0, 1.0)), "scales": (0.3, 1.0), "weights": (0.2, 0.8)},
        (11, 9),
        (300, 300),
    ),
    ("banana", {}, (9.0, 42.0), (700, 1000)),
    ("banana", {"curvature": -0.9, "spread": 0.8, "width": 0.2}, (6.0, 34.0), (1000, 1600)),
    ("donut", {}, (6.0, 6.0), (500, 500)),
    ("donut", {"radius": 1.0, "width": 0.3}, (4.0, 4.0), (500, 500)),
    ("squiggle", {}, (11.0, 5.0), (1000, 500)),
    ("squiggle", {"amplitude": 2.0, "frequency": 0.5}, (11.0, 6.0), (500, 500)),
    ("double_banana", {}, (8.5, 14.0), (1500, 1500)),
    ("sine", {}, (12.0, 6.0), (900, 500)),
    ("star", {}, (8.0, 8.0), (500, 500)),
    ("x", {}, (9.0, 9.0), (500, 500)),
]


def sums(target, reach, points):
    """Integral, mean and second central moments as plain sums at midpoints, unlike labkit's rule and points."""
    axes = [(torch.arange(n, dtype=torch.float64) + 0.5) * 2 * r / n - r for r, n in zip(reach, points, strict=True)]
    x = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    mass = target.log_prob(x).exp() * math.prod(2 * r / n for r, n in zip(reach, points, strict=True))
    mean = mass @ x
    return mass.sum(), mean, torch.einsum("n,ni,nj->ij", mass, x - mean, x - mean)


@pytest.mark.parametrize(("name", "params", "reach", "points"), PLANAR)
def test_planar_targets_integrate_to_one_and_have_their_moments(name, params, reach, points):
    target = targets.make(name, **params)
    total, mean, covariance = sums(target, reach, points)
    # the donut has a dent at 0 of depth e^(-R²/2s²), where sums on a grid are no longer exact
    tolerance = 1e-4 if name == "donut" else 1e-8
    assert abs(total.item() - 1) < tolerance
    assert torch.allclose(target.mean, mean, atol=tolerance) and target.mean.dtype == torch.float64
    assert torch.allclose(target.covariance, covariance, atol=10 * tolerance)
    assert torch.allclose(target.covariance, target.covariance.T, atol=1e-12)


def test_the_funnel_integrates_to_one_and_has_its_moments():
    """x = e^(v/2) z turns the funnel into two normals, so sums on a grid in (z, v) cover all of it."""
    target, s = targets.make("funnel", spread=1.0), 1.0
    z = torch.linspace(-9, 9, 400, dtype=torch.float64)
    z, v = torch.meshgrid(z, torch.linspace(-9 * s, 10 * s, 400, dtype=torch.float64), indexing="ij")
    x = torch.stack([z * (v / 2).exp(), v], -1)
    mass = (target.log_prob(x) + v / 2).exp() * (18 / 399) * (19 * s / 399)
    assert abs(mass.sum() - 1) < 1e-9
    assert torch.allclose(torch.einsum("ab,abi->i", mass, x), target.mean, atol=1e-8)
    assert torch.allclose(torch.einsum("ab,abi,abj->ij", mass, x, x), target.covariance, rtol=1e-7, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.15, 0.6])
def test_the_grid_of_the_double_banana_is_fine_enough_at_both_ends_of_its_slider(noise):
    target = targets.make("double_banana", noise=noise)
    finer = quadrature.moments(target._log_density, ((-9.0, 9.0), (-14.0, 16.0)), (2400, 1700))
    assert abs(target._moments.log_z - finer.log_z) < 1e-9 and target._moments.border < 1e-9
    assert torch.allclose(target.covariance, finer.covariance, atol=1e-8)


@pytest.mark.parametrize(("frequency", "width"), [(2.5, 0.15), (0.5, 1.0)])
def test_the_grid_of_the_sine_is_fine_enough_at_the_ends_of_its_sliders(frequency, width):
    """Given x1 the exponent is quadratic in x2, so its integral over x2 has a closed form, and one over x1 is left."""
    a, reach = 2.0, 1.6
    target = targets.make("sine", amplitude=a, frequency=frequency, width=width)
    x1 = torch.linspace(-16, 16, 20_001, dtype=torch.float64)
    var = 1 / (width**-2 + reach**-2)
    wave = a * torch.sin(frequency * x1)
    log_inner = 0.5 * math.log(2 * math.pi * var) - wave**2 / (2 * (width**2 + reach**2)) - x1**2 / (2 * reach**2)
    z = log_inner.exp().sum() * (32 / 20_000)
    assert abs(target._moments.log_z - z.log().item()) < 1e-8
    second = (log_inner.exp() * (var + (wave * var / width**2) ** 2)).sum() * (32 / 20_000) / z
    assert abs(target.covariance[1, 1] - second) < 1e-7  # the mean is 0 by symmetry


def test_the_trapezoidal_rule_is_exact_for_a_density_that_is_linear():
    """p ∝ 1 + x on [0, 2] integrates to 4, although the end points have mass; the border has the peak."""
    found = quadrature.moments(lambda x: torch.log1p(x).sum(-1), ((0.0, 2.0),), (7,))
    assert found.log_z == pytest.approx(math.log(4), abs=1e-14) and found.border == 1
    plane = quadrature.moments(lambda x: torch.log1p(x).sum(-1), ((0.0, 2.0), (0.0, 2.0)), (7, 4))
    assert plane.log_z == pytest.approx(math.log(16), abs=1e-14)


SAMPLED = [name for name in targets.TARGETS if hasattr(targets.make(name), "sample")]


def test_targets_with_an_exact_sampler_have_sample():
    assert set(targets.TARGETS) - set(SAMPLED) == {"double_banana", "sine", "logistic", "formula"}


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_have_the_targets_moments_and_its_mean_log_density(name):
    """Mean, covariance and Stein's identity E[s x'] = -I, each within 5 standard errors of n = 40,000 samples."""
    target, n = targets.make(name), 40_000
    x = target.sample(n, torch.Generator().manual_seed(0))
    assert x.shape == (n, target.dim) and x.dtype == torch.float64
    assert torch.equal(x[:5], target.sample(n, torch.Generator().manual_seed(0))[:5])
    centred = x - target.mean
    products = centred[:, :, None] * centred[:, None, :]
    stein = target.score(x)[:, :, None] * x[:, None, :]
    for draws, exact in (
        (x, target.mean),
        (products, target.covariance),
        (stein, -torch.eye(target.dim, dtype=torch.float64)),
    ):
        assert ((draws.mean(0) - exact).abs() < 5 * draws.std(0) / n**0.5 + 1e-12).all()


def test_samplers_return_any_number_of_samples():
    for name in SAMPLED:
        for n in (1, 3):
            assert targets.make(name).sample(n, torch.Generator().manual_seed(1)).shape[0] == n


def test_the_plot_range_holds_nearly_all_of_the_mass():
    for name in SAMPLED:
        target = targets.make(name)
        x = target.sample(4000, torch.Generator().manual_seed(2))
        low, high = torch.tensor(target.plot_range, dtype=torch.float64).T
        assert ((x >= low) & (x <= high)).all(-1).double().mean() > 0.97, name


def test_the_correlated_normal_has_the_originals_precision():
    target = targets.make("correlated")
    precision = torch.tensor([[0.2260, 0.1652], [0.1652, 0.6779]], dtype=torch.float64)
    assert torch.allclose(target.covariance @ precision, torch.eye(2, dtype=torch.float64), atol=1e-12)
    assert target.mean.tolist() == [-0.6871, 0.8010]


def test_the_variances_of_a_normal_fall_evenly_in_their_logarithm():
    target = targets.make("normal", dim=3, mean=2.0, scale=3.0, condition=100.0)
    assert torch.allclose(target.covariance, torch.diag(torch.tensor([9.0, 0.9, 0.09], dtype=torch.float64)))
    assert target.mean.tolist() == [2.0, 2.0, 2.0]
    torch_normal = torch.distributions.MultivariateNormal(target.mean, target.covariance)
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(target.log_prob(x), torch_normal.log_prob(x), atol=1e-10)


def test_the_x_is_symmetric_and_the_star_has_a_rotation():
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cross, star = targets.make("x"), targets.make("star")
    assert torch.allclose(cross.log_prob(x), cross.log_prob(x.flip(-1)), atol=1e-10)
    assert torch.allclose(cross.log_prob(x), cross.log_prob(-x), atol=1e-10)
    c, s = math.cos(2 * math.pi / 5), math.sin(2 * math.pi / 5)
    turned = x @ torch.tensor([[c, s], [-s, c]], dtype=torch.float64)
    assert torch.allclose(star.log_prob(x), star.log_prob(turned), atol=1e-10)
