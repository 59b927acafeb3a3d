"""`from_drawing`: ink becomes a density with exact integral, moments, score and sampler, and a short code keeps it."""

import math

import pytest
import torch

from labkit import targets
from labkit.targets import drawn, quadrature


@pytest.fixture
def ink():
    """Random ink in a tenth of the cells."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(1, 4, (32, 32), generator=generator, dtype=torch.uint8)
    return torch.where(torch.rand(32, 32, generator=generator) < 0.1, levels, 0).to(torch.uint8)


def test_a_code_keeps_a_drawing_and_fits_an_address(ink):
    code = drawn.encoded(ink)
    assert torch.equal(drawn.decoded(code), ink)
    assert len(code) <= drawn.LONGEST and code.replace("-", "").replace("_", "").isalnum()


def test_the_densest_drawing_fits_an_address():
    ink = torch.randint(0, 4, (32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    assert len(drawn.encoded(ink)) <= drawn.LONGEST


@pytest.mark.parametrize(
    "code", ["", "abc", "%%%", "é" * 8, "A" * 601, "eNpjYCAW2H_g", drawn.EXAMPLE[:-4], drawn.EXAMPLE + "AAAA\n"]
)
def test_another_text_is_refused(code):
    with pytest.raises(ValueError, match="a drawing must be a code that labkit made"):
        targets.from_drawing(code)


def test_a_code_that_unpacks_to_more_is_refused():
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(200_000), 9)).decode().rstrip("=")
    assert len(bomb) < drawn.LONGEST
    with pytest.raises(ValueError, match="a code that labkit made"):
        targets.from_drawing(bomb)


def test_an_empty_drawing_is_refused():
    with pytest.raises(ValueError, match="the drawing has no ink"):
        drawn.Drawn(torch.zeros(32, 32, dtype=torch.uint8))


def test_the_density_is_the_mixture_at_the_places_of_the_ink(ink):
    """The upper left cell is at (-3.875, 3.875)."""
    target = drawn.Drawn(ink)
    rows, columns = ink.nonzero().double().unbind(1)
    centres = torch.stack([columns * 0.25 - 3.875, 3.875 - rows * 0.25], 1)
    weights = ink[ink > 0].double() / ink.sum() * (1 - drawn.SHARE)
    x = 2 * torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parts = torch.distributions.Normal(centres, drawn.SMOOTH).log_prob(x[:, None]).sum(-1) + weights.log()
    wide = torch.distributions.Normal(torch.zeros(2).double(), drawn.WIDE).log_prob(x).sum(-1) + math.log(drawn.SHARE)
    wanted = torch.logsumexp(torch.cat([parts, wide[:, None]], 1), 1)
    assert torch.allclose(target.log_prob(x), wanted, atol=1e-10)


def test_the_integral_and_the_moments_are_exact(ink):
    target = drawn.Drawn(ink)
    found = quadrature.moments(target.log_prob, ((-25.0, 25.0), (-25.0, 25.0)), (601, 601))
    assert found.log_z == pytest.approx(0, abs=1e-9)
    assert torch.allclose(found.mean, target.mean, atol=1e-9)
    assert torch.allclose(found.covariance, target.covariance, atol=1e-8)


def test_the_score_is_the_slope_of_the_log_density_also_far_from_the_ink(ink):
    target = drawn.Drawn(ink)
    x = torch.cat(
        [3 * torch.randn(30, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([[40.0, -9.0]])]
    ).double()
    for i in range(2):
        step = 1e-5 * torch.eye(2, dtype=torch.float64)[i]
        slope = (target.log_prob(x + step) - target.log_prob(x - step)) / 2e-5
        assert torch.allclose(target.score(x)[:, i], slope, rtol=1e-6, atol=1e-6)
