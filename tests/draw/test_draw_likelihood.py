"""Costs in nats: KL and Bernoulli agree with torch.distributions, the bounds with an integral (draw.md, 5)."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from labkit import draw
from labkit.draw import likelihood


@pytest.fixture
def tiny(checks):
    """z = 1, T = 1, 2 x 2 pixels: p(x) is one integral."""
    return checks.tiny()


@pytest.fixture
def integral(checks):
    return checks.moments_by_quadrature


@pytest.fixture
def recorded(monkeypatch):
    """The log-weights of every chunk that `log_likelihood` computes."""
    chunks, right = [], likelihood.log_weights

    def log_weights(*args, **kwargs):
        chunks.append(right(*args, **kwargs))
        return chunks[-1]

    monkeypatch.setattr(likelihood, "log_weights", log_weights)
    return chunks


# terms


def test_divergence_equals_that_of_torch_distributions(checks):
    checks.divergence_is_that_of_distributions()


@pytest.mark.parametrize(("steps", "latent"), [(1, 1), (4, 2), (2, 5)])
def test_divergence_is_zero_at_the_prior_for_any_t_and_z(checks, steps, latent):
    checks.divergence_is_zero_at_the_prior(steps, latent)


def test_divergence_is_the_mean_log_ratio_of_samples(normal):
    """Monte Carlo with 200,000 samples of three latents agrees within four standard errors."""
    n, mu, log_sigma = 200_000, normal(3), 0.5 * normal(3, seed=1)
    q = Normal(mu, log_sigma.exp())
    z = mu + log_sigma.exp() * normal(n, 3, seed=2)
    ratio = (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)
    assert abs(ratio.mean() - draw.divergence(mu, log_sigma)) < 4 * ratio.std() / n**0.5


def test_likelihood_equals_that_of_torch_distributions_and_does_not_saturate(checks):
    checks.likelihood_is_that_of_distributions()


def test_grey_pixels_cost_the_cross_entropy(normal, close):
    """-x log p - (1 - x) log(1 - p) is smallest at p = x, where it is the entropy."""
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    least = -(x * x.log() + (1 - x) * (-x).log1p()).sum((1, 2, 3))
    close(draw.negative_log_likelihood(x.logit(), x), least, 1e-12)
    assert (draw.negative_log_likelihood(x.logit() + 0.1 * normal(5, 2, 3, 4, 4), x) > least).all()


def test_a_fair_coin_is_one_bit():
    assert abs(draw.bits_per_dimension(784 * math.log(2), 784) - 1) < 1e-15
    bits = draw.bits_per_dimension(torch.full((3,), 3072 * math.log(2), dtype=torch.float64), 3072)
    assert (bits - 1).abs().max() < 1e-15


# bounds


def test_the_bound_agrees_with_quadrature_and_is_below_log_p(checks):
    """E_q[-bound] = log p(x) - KL(q | posterior): 100 nodes give the integrals to seven digits."""
    checks.bound_is_that_of_quadrature()


def test_the_mean_importance_weight_is_p(tiny, integral):
    """E[w] = p(x) exactly, for any q, within four standard errors; q is far enough from the posterior."""
    model, x = tiny
    log_p, _, variance = integral(model, x)
    n = 40_000
    weights = (likelihood.log_weights(model, x, n, generator=torch.Generator().manual_seed(0))[:, 0] - log_p).exp()
    assert abs(weights.mean() - 1) < 4 * (variance / n) ** 0.5
    assert variance > 0.05


def test_more_importance_samples_bring_the_bound_closer_to_log_p(tiny, integral):
    """With K samples it is Var(w) / 2 K below, for large K; 3000 estimates of each, four standard errors."""
    model, x = tiny
    log_p, bound, variance = integral(model, x)
    many, means, errors = x.expand(3000, -1, -1, -1), [], []
    for k in (1, 4, 16, 64):
        found = draw.log_likelihood(model, many, k, generator=torch.Generator().manual_seed(k))
        means.append(found.mean().item())
        errors.append(4 * found.std().item() / 3000**0.5)
    assert abs(means[0] - bound) < errors[0]
    assert means[0] + errors[0] < means[1] - errors[1]
    assert means[1] + errors[1] < means[3] - errors[3]
    assert all(mean < log_p + error for mean, error in zip(means, errors, strict=True))
    assert abs(means[3] - (log_p - variance / 128)) < errors[3] + variance / 128


def test_log_weights_combine_the_three_densities_of_a_trace(config, make, images, close, rng):
    """log p(x|z) + log p(z) - log q(z|x), with images and labels repeated sample by sample."""
    model, (x, labels) = make(config), images(config)
    got = likelihood.log_weights(model, x, 4, labels=labels, generator=rng(3))
    many = x.repeat(4, 1, 1, 1)
    trace = model(many, labels=None if labels is None else labels.repeat(4), generator=rng(3))
    q, p = Normal(trace.mu, trace.sigma), Normal(0.0, 1.0)
    wanted = (p.log_prob(trace.z) - q.log_prob(trace.z)).sum((0, 2)) - trace.nll[-1]
    close(got, wanted.view(4, 3), 1e-12)
    close(trace.kl, kl_divergence(q, p).sum(-1), 1e-12)


# chunks


@pytest.mark.parametrize(("samples", "rows"), [(10, 2000), (10, 12), (10, 9), (7, 3), (1, 3)])
def test_chunks_have_the_given_number_of_rows_and_add_up(make, images, configs, recorded, close, rng, samples, rows):
    config = configs["labels"]
    model, (x, labels) = make(config), images(config)
    got = draw.log_likelihood(model, x, samples, labels=labels, generator=rng(), rows=rows)
    assert sum(map(len, recorded)) == samples
    assert all(chunk.numel() <= rows for chunk in recorded)
    assert len(recorded) == math.ceil(samples / (rows // len(x)))
    close(got, torch.cat(recorded).logsumexp(0) - math.log(samples), 1e-13)


def test_the_mean_log_weight_of_all_chunks_estimates_the_elbo(make, images, configs, recorded, close, rng):
    """It is -1 times the bound of a trace with the same noise, averaged over the samples."""
    config = configs["attention"]
    model, (x, _) = make(config), images(config)
    log_p, elbo = likelihood.estimates(model, x, 7, generator=rng(), rows=3 * len(x))
    close(elbo, torch.cat(recorded).mean(0), 1e-12)
    close(log_p, draw.log_likelihood(model, x, 7, generator=rng(), rows=3 * len(x)), 1e-13)
    assert (log_p > elbo).all()


def test_more_images_than_rows_use_one_sample_at_a_time(make, images, configs, recorded, rng):
    model, (x, _) = make(configs["attention"]), images(configs["attention"], 5)
    draw.log_likelihood(model, x, 3, generator=rng(), rows=2)
    assert [chunk.shape for chunk in recorded] == [(1, 5)] * 3


def test_chunked_and_whole_estimates_have_the_same_distribution(tiny):
    """Means and variances agree within four standard errors (relative error of a variance: (2 / n)^.5)."""
    model, x = tiny
    many = x.expand(2000, -1, -1, -1)
    whole, parts = (
        draw.log_likelihood(model, many, 6, generator=torch.Generator().manual_seed(rows), rows=rows)
        for rows in (12_000, 4_000)
    )
    assert abs(whole.mean() - parts.mean()) < 4 * ((whole.var() + parts.var()) / 2000) ** 0.5
    fourth = ((whole - whole.mean()) ** 4).mean() / whole.var() ** 2
    assert abs(parts.var() / whole.var() - 1) < 4 * (2 * fourth / 2000) ** 0.5


def test_if_q_is_the_posterior_every_sample_gives_log_p(images):
    """With all weights 0, z has no information about x: p(x) = 2^-784 for any number of samples, without gradients."""
    model = draw.DRAW(draw.Config(hidden=4, steps=2))
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    x, _ = images(model.config, 2, torch.float32)
    found = draw.log_likelihood(model, x, 7, rows=4)
    assert (found + 784 * math.log(2)).abs().max() < 784 * math.log(2) * 784 * torch.finfo(torch.float32).eps
    assert found.shape == (2,) and not found.requires_grad


def test_equal_seeds_give_equal_estimates(make, images, configs, rng):
    model, (x, _) = make(configs["attention"]), images(configs["attention"])
    before = x.clone()
    a, b, c = (draw.log_likelihood(model, x, 5, generator=rng(seed), rows=6) for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c) and torch.equal(x, before)
