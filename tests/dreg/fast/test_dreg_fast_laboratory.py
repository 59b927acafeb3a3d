"""A replicate without a graph has the gradients of surrogates, and of the naive reference, at every K."""

import pytest
import torch
from torch.distributions import Independent, Normal
from torch.distributions import normal as normal_module

from labkit import dreg
from labkit.dreg import gaussian, laboratory
from labkit.dreg.fast import laboratory as fast

NOISE = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_a_replicate_has_the_gradients_of_surrogates(reference, monkeypatch, name, k):
    """Model and proposal are distributions, with samples from the same noise."""
    toy, parameters = gaussian.instance(3, 0.8), reference.PARAMETERS.get(name, {})
    monkeypatch.setattr(fast, "noise", lambda *_: NOISE)
    found = fast.measured(toy, [name], (2, 5), {name: parameters}, replicates=1, generator=torch.Generator())
    monkeypatch.setattr(normal_module, "_standard_normal", lambda *_, **__: NOISE[0, :k])
    mean = toy.mean.clone().requires_grad_()

    def log_joint(z):
        return Normal(toy.prior, 1.0).log_prob(z).sum(-1) + Normal(z, 1.0).log_prob(toy.x).sum(-1)

    samples = dreg.evaluate(Independent(Normal(mean, toy.sigma), 1), log_joint, k)
    (wanted,) = torch.autograd.grad(dreg.surrogate(samples, name, **parameters), mean)
    at = (2, 5).index(k)
    assert (found.gradients[0, 0, at] - wanted).abs().max() < 1e-12
    assert (found.bounds[0, 0, at] - samples.bound(name)).abs() < 1e-12


def test_a_replicate_has_the_gradients_of_its_first_k_samples(reference, monkeypatch):
    """It agrees with autograd through z = m + sqrt(V) e for the same noise and each K, with controls and alpha."""
    toy, sizes = gaussian.instance(3, 0.8), (2, 5)
    names = tuple(dreg.ESTIMATORS)
    e = NOISE
    monkeypatch.setattr(fast, "noise", lambda *_: e)
    state = laboratory.start(toy, names, sizes, reference.PARAMETERS)
    state = laboratory.step(state, toy, generator=torch.Generator(), replicates=1)
    mean = toy.mean.clone().requires_grad_()
    for j, k in enumerate(sizes):
        z = mean + toy.sigma * e[0, :k]
        held, still = z - mean.detach(), z.detach() - mean
        joint = -(z * z).sum(-1)  # prior = x = 0, without constants
        paths = joint + (held**2).sum(-1) / (2 * toy.variance)
        scores = -(still**2).sum(-1) / (2 * toy.variance)
        log_w = toy.log_weights(e[0, :k])
        for i, name in enumerate(names):
            path, score, _ = reference.coefficients(name, log_w.numpy(), **reference.PARAMETERS.get(name, {}))
            value = (torch.from_numpy(path) * paths + torch.from_numpy(score) * scores).sum()
            (wanted,) = torch.autograd.grad(value, mean, retain_graph=True)
            assert (state.gradients.mean[i, j] - wanted).abs().max() < 1e-12
            assert abs(state.bounds.mean[i, j].item() - reference.bound(name, log_w.numpy())) < 1e-12
