"""Kept parts of z stay the same bit for bit, slopes are the gradient, and the path between two z is on the sphere."""

import numpy as np
import pytest
import torch

from labkit.draw import latents


@pytest.fixture
def model(draw_for_latents):
    return draw_for_latents


def noise_of(config, n, seed=0):
    return torch.randn(config.steps, n, config.latent, generator=torch.Generator().manual_seed(seed))


def label_of(config):
    return 1 if config.classes else None


def image(model, z):
    """Return the finished images of z."""
    labels = torch.full((z.shape[1],), 1) if model.config.classes else None
    with torch.no_grad():
        return model.generate(z.shape[1], z=z, labels=labels).images[-1]


# resampled latents


def test_latents_before_t_are_kept_bit_for_bit_and_the_rest_is_the_noise(model):
    steps = model.config.steps
    z, noise = noise_of(model.config, 1), noise_of(model.config, 5, seed=1)
    for t in range(1, steps + 2):
        found = latents.resample(z, t, noise)
        assert torch.equal(found[: t - 1], z[: t - 1].expand(-1, 5, -1)) and torch.equal(found[t - 1 :], noise[t - 1 :])
    for t in (0, steps + 2):
        with pytest.raises(ValueError, match=f"t must be from 1 to {steps + 1}, got {t}; glimpses count from 1"):
            latents.resample(z, t, noise)


def test_the_spread_equals_that_of_images_made_for_one_t_and_ends_at_zero(model):
    z, noise = noise_of(model.config, 1), noise_of(model.config, 6, seed=1)
    got = latents.spread(model, z, noise, label=label_of(model.config)).numpy()
    want = []
    for t in range(model.config.steps):
        sheet = image(model, torch.cat([z.expand(-1, 6, -1)[:t], noise[t:]])).numpy().astype(float)
        want.append(np.sqrt(((sheet - sheet.mean(0)) ** 2).sum(0) / 5).mean())
    assert np.allclose(got, [*want, 0], rtol=1e-4, atol=1e-6)
    assert min(want) > 1e-4  # there is a spread to measure


def test_images_of_several_passes_equal_those_of_one_pass(model, monkeypatch):
    z, noise = noise_of(model.config, 1), noise_of(model.config, 4, seed=1)
    whole = latents.spread(model, z, noise, label=label_of(model.config))
    monkeypatch.setattr(latents, "CHUNK", 3)
    assert torch.allclose(latents.spread(model, z, noise, label=label_of(model.config)), whole, atol=1e-6)


# one changed number


@pytest.mark.parametrize("step, within", [(1e-4, 1e-6), (latents.STEP, 0.02)])
def test_slopes_agree_with_autograd(model, monkeypatch, step, within):
    """A random weighted sum of the pixels has exact gradients; the error of central differences falls as h^2."""
    monkeypatch.setattr(latents, "STEP", step)
    model = model.double()
    c, z, t = model.config, noise_of(model.config, 1).double(), model.config.steps - 1
    got = latents.slopes(model, z, t, label=label_of(c))
    labels = torch.tensor([1]) if c.classes else None
    for seed in range(3):
        weights = torch.randn(got.shape[1:], generator=torch.Generator().manual_seed(seed), dtype=z.dtype)
        known = z.clone().requires_grad_()
        (weights * model.generate(1, z=known, labels=labels).images[-1, 0]).sum().backward()
        want = known.grad[t - 1, 0]
        assert ((weights * got).sum((1, 2, 3)) - want).abs().max() < within * want.abs().max()
    with pytest.raises(ValueError, match=f"t must be from 1 to {c.steps}, got {c.steps + 1}"):
        latents.slopes(model, z, c.steps + 1, label=label_of(c))


# between two latents


def test_slerp_has_exact_ends_keeps_the_length_and_turns_evenly():
    source = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 1, 5, generator=source, dtype=torch.float64) for _ in range(2))
    share = torch.linspace(0, 1, 9, dtype=torch.float64)
    found = latents.slerp(a, b, share)
    assert torch.equal(found[:, :1], a) and torch.equal(found[:, -1:], b)
    length = found.norm(dim=-1)
    assert torch.allclose(length, (1 - share) * a.norm(dim=-1) + share * b.norm(dim=-1))
    cosine = (found * a).sum(-1) / (length * a.norm(dim=-1))
    whole = torch.acos((a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1)))
    assert torch.allclose(cosine, torch.cos(share * whole))
    alike = b / b.norm(dim=-1, keepdim=True) * a.norm(dim=-1, keepdim=True)
    assert torch.allclose(latents.slerp(a, alike, share).norm(dim=-1), a.norm(dim=-1).expand(-1, 9))


@pytest.mark.parametrize("times", [1.0, 2.5, -1.0, -0.5, 0.0])
def test_slerp_uses_the_straight_line_if_there_is_no_arc(times):
    """It is tested in float32, as on the page, where the two are not parallel to the last bit."""
    a = torch.randn(4, 1, 7, generator=torch.Generator().manual_seed(0))
    share = torch.linspace(0, 1, 5)
    for found in (latents.slerp(a, times * a, share), latents.slerp(times * a, a, 1 - share)):
        assert torch.allclose(found, a * (1 - share + share * times)[:, None], atol=1e-5)


def test_slerp_changes_to_the_straight_line_without_a_jump():
    a = torch.tensor([[[3.0, 0.0]]], dtype=torch.float64)
    share = torch.linspace(0, 1, 5, dtype=torch.float64)
    for angle in (2e-3, 1.001e-3, 0.999e-3, 1e-9):
        b = torch.tensor([[[3 * np.cos(angle), 3 * np.sin(angle)]]], dtype=torch.float64)
        want = 3 * torch.stack([torch.cos(share * angle), torch.sin(share * angle)], -1)
        assert torch.allclose(latents.slerp(a, b, share)[0], want, rtol=0, atol=1e-6)
