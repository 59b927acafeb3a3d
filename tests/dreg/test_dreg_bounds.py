"""Bounds over groups of samples, and measures of weights: effective sample size, entropy, tails."""

import math

import pytest
import torch

from labkit import dreg


def test_miwae_goes_from_elbo_to_iwae(checks):
    log_w = checks.log_weights(4, 2.0, 6, 2)  # [M, K, 2]
    flat = log_w.flatten(0, 1)
    assert (dreg.miwae(flat[:, None]) - dreg.bound(flat, "vae")).abs().max() < 1e-12
    assert (dreg.miwae(flat[None]) - dreg.bound(flat)).abs().max() < 1e-12
    wanted = torch.stack([group.exp().mean(0).log() for group in log_w]).mean(0)
    assert (dreg.miwae(log_w) - wanted).abs().max() < 1e-12


def test_piwae_gives_each_half_its_own_bound(checks):
    log_w = checks.log_weights(4, 2.0, 6, 2)
    made = dreg.piwae(log_w)
    assert (made.model - dreg.bound(log_w.flatten(0, 1))).abs().max() < 1e-12
    assert torch.equal(made.inference, dreg.miwae(log_w))
    assert (made.model > made.inference).all()  # Jensen's inequality


def test_ciwae_mixes_elbo_and_bound(checks):
    log_w = checks.log_weights(1, 2.0, 6, 2)
    elbo, bound = dreg.bound(log_w[0], "vae"), dreg.bound(log_w[0])
    for beta in (0.0, 0.3, 1.0):
        assert (dreg.ciwae(log_w, beta) - (beta * elbo + (1 - beta) * bound)).abs().max() < 1e-12


def test_gradients_go_through_the_bounds(checks):
    log_w = checks.log_weights(3, 2.0, 4).requires_grad_()
    (g,) = torch.autograd.grad(dreg.miwae(log_w), log_w)
    assert (g - log_w.softmax(1) / 3).abs().max() < 1e-12


def test_sizes_and_entropy_go_from_one_to_all():
    even, one = torch.full((8,), 300.0).double(), torch.tensor([0.0] + 7 * [-1e4]).double()
    assert abs(dreg.effective_sample_size(even) - 8) < 1e-12 and abs(dreg.entropy(even) - math.log(8)) < 1e-12
    assert dreg.effective_sample_size(one) == 1 and dreg.entropy(one) == 0
    two = torch.tensor([0.0, 0.0, -1e4]).double()
    assert dreg.effective_sample_size(two) == 2 and abs(dreg.entropy(two) - math.log(2)) < 1e-12


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.2])
def test_pareto_k_estimates_the_shape_of_a_pareto_tail(reference, shape):
    """There are 100 batches of 10 000 samples.

    One fit to 300 weights has a standard error of (1 + k) / sqrt(300), and the prior moves it by 10/310 of the distance
    to .5.
    """
    generator = torch.Generator().manual_seed(0)
    log_w = reference.pareto(shape, (10_000, 100), generator)
    wanted = (300 * shape + 5) / 310
    assert abs(dreg.pareto_k(log_w).mean() - wanted) < 5 * (1 + shape) / math.sqrt(300 * 100) + 0.01
    assert (dreg.pareto_k(log_w[:, 0] + 1e4) - dreg.pareto_k(log_w[:, 0])).abs() < 1e-6


def test_pareto_k_of_equal_weights_is_minus_infinity():
    log_w = torch.stack([torch.full((100,), -5.0), torch.linspace(-1, 1, 100)], 1).double()
    k = dreg.pareto_k(log_w)
    assert k[0] == -math.inf and k[1].isfinite()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pareto_k_of_one_dominating_weight_is_large(dtype):
    log_w = torch.full((100,), -1e4, dtype=dtype)
    log_w[3] = 0
    assert 0.7 < dreg.pareto_k(log_w) < math.inf
