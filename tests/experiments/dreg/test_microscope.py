"""Samples of size K: their terms add up to the gradient, and the gradients scatter around that of the bound."""

import pytest
import torch

from labkit.experiments.dreg.microscope import KEPT, MicroscopeSettings


def test_terms_sum_to_the_gradient_from_autograd():
    """iwae: dL/dm through z = m + sigma e. dreg: w^2 times the gradient in z of the same log-weights."""
    state = MicroscopeSettings(k=5, distance=1.1, variance=0.8, seed=4).start()
    toy = state.toy
    e, m = (state.z - toy.mean) / toy.sigma, toy.mean.clone().requires_grad_()

    def log_weights(z, m):
        return (z - m).square().sum(-1) / (2 * toy.variance) - (z - toy.posterior_mean).square().sum(-1)

    bound = log_weights(m + toy.sigma * e, m).logsumexp(0)
    assert torch.allclose(state.terms[0].sum(0), torch.autograd.grad(bound, m)[0])
    z = state.z.clone().requires_grad_()
    log_w = log_weights(z, toy.mean)
    (path,) = torch.autograd.grad(log_w.sum(), z)
    assert torch.allclose(state.path, path) and torch.allclose(state.w, log_w.softmax(0))
    assert torch.allclose(state.terms[1], (log_w.softmax(0) ** 2)[:, None] * path)
    assert state.ess == pytest.approx(1 / float((state.w**2).sum()))


def test_draws_scatter_around_the_gradient_of_the_bound():
    settings = MicroscopeSettings(k=4, seed=1)
    state = settings.start()
    for _ in range(KEPT + 20):
        state = settings.step(state)
    assert len(state.gradients) == KEPT and state.t == KEPT + 20
    assert torch.equal(state.gradients[-1], state.terms.sum(1))
    away = (state.gradients - state.truth).mean(0).abs() / (state.gradients.std(0) / KEPT**0.5)
    assert (away < 4.5).all()  # standard errors
    assert state.gradients[:, 0].std(0).mean() == pytest.approx(state.scatter, rel=0.2)


def test_the_same_seed_gives_the_same_draws():
    one, other = (MicroscopeSettings(seed=seed).start() for seed in (3, 4))
    assert torch.equal(one.z, MicroscopeSettings(seed=3).start().z) and not torch.equal(one.z, other.z)
    assert not torch.equal(one.z, MicroscopeSettings(seed=3).step(one).z)
