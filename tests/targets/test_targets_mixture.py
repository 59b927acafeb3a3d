"""The paper's mixture, 1/3 N(-2, 1) + 2/3 N(2, 1), and others in one dimension."""

import math

import pytest
import torch

from labkit import targets


@pytest.fixture
def mixture():
    return targets.make("mixture")


def test_moments_and_left_mass_equal_the_papers(mixture):
    """Mean -2/3 + 4/3; E x² = 1 + 4; P(x < 0) = Φ(2)/3 + 2Φ(-2)/3."""
    phi = 0.5 * (1 + math.erf(2 / math.sqrt(2)))
    assert mixture.mean.item() == pytest.approx(2 / 3, abs=1e-14)
    assert mixture.covariance.item() + mixture.mean.item() ** 2 == pytest.approx(5, abs=1e-13)
    assert mixture.covariance.item() == pytest.approx(41 / 9, abs=1e-13)
    assert mixture.left_mass() == pytest.approx(phi / 3 + 2 * (1 - phi) / 3, abs=1e-14)
    assert round(mixture.left_mass(), 3) == 0.341


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_the_score_equals_its_closed_form(mixture, dtype, tolerance):
    """2 - x - 4 sigmoid(-4x - log 2), to rounding relative to |x|; float32 squares x before it compares modes."""
    x = torch.linspace(-20, 20, 401, dtype=dtype)[:, None]
    wanted = 2 - x - 4 * torch.sigmoid(-4 * x - math.log(2))
    assert ((mixture.score(x) - wanted).abs() / (1 + x.abs())).max() < tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_out_the_score_equals_that_of_the_nearest_mode(mixture, dtype):
    x = torch.tensor([[-1e4], [-100.0], [100.0], [1e4]], dtype=dtype)
    assert torch.equal(mixture.score(x), torch.tensor([[-2.0], [-2.0], [2.0], [2.0]], dtype=dtype) - x)


def test_cdf_is_the_integral_of_pdf_and_pdf_the_weighted_sum():
    m, s, w = (-5.0, 0.0, 4.0), (0.5, 2.0, 1.0), (0.2, 0.5, 0.3)
    mixture = targets.make("mixture", means=m, scales=s, weights=w)
    x = torch.linspace(-25, 25, 20_001, dtype=torch.float64)[:, None]
    by_hand = sum(
        wk * torch.exp(-0.5 * ((x[:, 0] - mk) / sk) ** 2) / (sk * math.sqrt(2 * math.pi))
        for mk, sk, wk in zip(m, s, w, strict=True)
    )
    pdf = mixture.pdf(x)
    assert torch.allclose(pdf, by_hand, atol=1e-14)
    assert torch.allclose(torch.cumulative_trapezoid(pdf, x[:, 0]), mixture.cdf(x)[1:], atol=1e-6)
    assert mixture.mean.item() == pytest.approx(0.2 * -5 + 0.3 * 4)
    second = 0.2 * (25 + 0.25) + 0.5 * 4 + 0.3 * (16 + 1)
    assert mixture.covariance.item() == pytest.approx(second - 0.2**2)


def test_a_mode_of_weight_zero_changes_nothing():
    x = torch.linspace(-9, 9, 50, dtype=torch.float64)[:, None]
    one = targets.make("mixture", means=(1.0,), scales=2.0, weights=None)
    two = targets.make("mixture", means=(-3.0, 1.0), scales=(1.0, 2.0), weights=(0.0, 1.0))
    assert torch.allclose(one.log_prob(x), two.log_prob(x), atol=1e-14)
    assert torch.allclose(two.score(x), (1 - x) / 4, atol=1e-14)


def test_the_score_uses_fewer_than_ten_operations_and_casts_its_constants_once(mixture):
    x = torch.zeros(100, 1)
    mixture.score(x)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        mixture.score(x)
    names = [event.key for event in profile.key_averages()]
    assert not any("to_copy" in name for name in names)
    outermost = [event for event in profile.events() if event.name.startswith("aten::") and event.cpu_parent is None]
    assert len(outermost) < 10
