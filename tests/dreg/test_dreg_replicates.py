"""The noise of a network's gradient: one set of samples serves every K, and the SNR does not include its own noise."""

import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from labkit import dreg
from labkit.dreg import VAE, Config, replicates
from labkit.dreg.fast import decoder
from labkit.dreg.statistics import moments

NAMES = ("iwae", "stl", "dreg", "rws", "jk", "vae")
SIZES = (1, 2, 5)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model():
    torch.manual_seed(1)
    found = VAE(Config(3, 2, (2,), (4,))).double()
    for each in found.parameters():
        torch.nn.init.normal_(each, std=0.6)
    return found.requires_grad_(False)


@pytest.fixture
def x():
    return torch.bernoulli(torch.full((3, 1, 3, 2), 0.4), generator=seeded(5)).double()


def by_hand(model, x, name: str, k: int, noise: torch.Tensor) -> torch.Tensor:
    """One replicate [d] of the first k samples: the surrogate in leaves mu and sigma, through distributions."""
    mu, sigma = (each.detach().requires_grad_() for each in model.infer(x.flatten(1)))
    z = mu + sigma * noise[:k]
    leaf = z.detach().requires_grad_()

    def log_joint(at):
        prior = Independent(Normal(torch.zeros_like(at), 1.0), 1).log_prob(at)
        return prior + Bernoulli(logits=model.logits(at, None)).log_prob(x.flatten(1)).sum(-1)

    log_w = log_joint(leaf) - Independent(Normal(mu.detach(), sigma.detach()), 1).log_prob(leaf)
    (path,) = torch.autograd.grad(log_w.sum(), leaf)
    log_q = Independent(Normal(mu, sigma), 1).log_prob(z.detach())
    samples = dreg.Samples(z, log_w.detach(), torch.zeros_like(log_w), log_q, path)
    both = torch.autograd.grad(dreg.surrogate(samples, name).sum(), (mu, sigma))
    return torch.cat(both, -1).flatten()


def moments_are_those_of_each_replicate_by_hand(model, x) -> None:
    """Two steps of 3 and 2 replicates: every estimator at every K is compared with its own surrogate."""
    noise, state = seeded(2), replicates.start(model, 3, NAMES, SIZES)
    for some in (3, 2):
        state = replicates.step(state, model, x, generator=noise, replicates=some)
    again = seeded(2)
    draws = [torch.randn(5, some * 3, 2, generator=again, dtype=torch.float64) for some in (3, 2)]
    each = [e for draw in draws for e in draw.split(3, 1)]
    assert state.n == 5 and state.t == 2
    for i, name in enumerate(NAMES):
        for j, k in enumerate(SIZES):
            if k < dreg.ESTIMATORS[name].least:
                assert state.variance[i, j].isnan() and state.snr[i, j].isnan()
                continue
            wanted = torch.stack([by_hand(model, x, name, k, e) for e in each])
            assert (state.gradients.mean[i, j] - wanted.mean(0)).abs().max() < 1e-10
            assert (state.variance[i, j] - wanted.var(0).mean()).abs() < 1e-10


def test_moments_equal_those_of_surrogates_for_each_replicate(model, x):
    moments_are_those_of_each_replicate_by_hand(model, x)


def test_the_reference_is_always_dreg(model, x):
    with_it, without = (
        replicates.step(replicates.start(model, 3, names, SIZES), model, x, generator=seeded(), replicates=6)
        for names in (("iwae", "dreg"), ("iwae",))
    )
    assert (with_it.reference.mean - without.reference.mean).abs().max() < 1e-12
    assert (with_it.gradients.mean[1] - without.reference.mean).abs().max() < 1e-12
    assert torch.allclose(with_it.snr[0], without.snr[0], rtol=1e-9, equal_nan=True)


def test_snr_uses_the_mean_without_its_noise():
    """Normal gradients with SNR .1: 200 runs of 400, five standard errors; with |mean| itself it would be wrong."""
    d, k, runs = 50, 1, 200
    mean, found, naive = torch.full((d,), 0.1, dtype=torch.float64), [], []
    for seed in range(runs):
        x = mean + torch.randn(400, d, generator=seeded(seed), dtype=torch.float64)
        of = moments(x[:, None, None])
        state = replicates.State(("stl",), (k,), of, moments(x[:, None]))
        found.append(state.snr.nan_to_num().item() ** 2)
        naive.append((of.mean.square().sum() / of.variance.sum()).item())
    found, naive = torch.tensor(found), torch.tensor(naive)
    error = 5 * found.std() / math.sqrt(runs)
    assert abs(found.mean() - 0.1**2) < error < 0.001 and naive.mean() - 0.1**2 > 2 * error


def test_unbiased_estimators_share_the_mean_with_the_smallest_variance():
    """Samples 2 and 6 of three estimators have mean 4, variance 8, |mean|^2 - 8/2 = 12; dreg's samples are all 1."""
    own = torch.tensor([2.0, 6.0], dtype=torch.float64).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    state = replicates.State(("iwae", "stl", "jk"), (1,), moments(own), moments(torch.ones(2, 1, 1).double()))
    assert state.snr[:, 0].tolist() == pytest.approx([(1 / 8) ** 0.5, (12 / 8) ** 0.5, (12 / 8) ** 0.5])


def test_equal_seeds_give_equal_states_and_kept_states_do_not_change(model, x):
    first = replicates.step(replicates.start(model, 3, NAMES, SIZES), model, x, generator=seeded(), replicates=2)
    before = first.gradients.mean.clone()
    a, b, c = (replicates.step(first, model, x, generator=seeded(s), replicates=2) for s in (1, 1, 2))
    assert torch.equal(a.gradients.mean.nan_to_num(), b.gradients.mean.nan_to_num())
    assert not torch.equal(a.gradients.mean.nan_to_num(), c.gradients.mean.nan_to_num())
    assert torch.equal(first.gradients.mean.nan_to_num(), before.nan_to_num()) and first.n == 2


def test_the_decoder_runs_once_per_sample(model, x, monkeypatch):
    rows, right = [], decoder.Decoded.of
    monkeypatch.setattr(decoder.Decoded, "of", lambda z, *more: rows.append(z.shape[:2]) or right(z, *more))
    replicates.step(replicates.start(model, 3, NAMES, SIZES), model, x, generator=seeded(), replicates=4)
    assert rows == [(5, 12)]


def test_the_check_fails_if_the_last_samples_replace_the_first(model, x, monkeypatch):
    right = replicates.normal_gradients
    monkeypatch.setattr(replicates, "normal_gradients", lambda name, w, e, s, g: right(name, w.flip(0), e, s, g))
    with pytest.raises(AssertionError):
        moments_are_those_of_each_replicate_by_hand(model, x)


def test_impossible_measurements_raise_a_short_error(model, x):
    state = replicates.start(model, 3, NAMES, SIZES)
    two = VAE(Config(3, 2, (2, 2), (4, 4)))
    for ask, said in (
        (lambda: replicates.start(model, 3, ()), "name at least one estimator of iwae"),
        (lambda: replicates.start(model, 3, ("drag",)), "the estimator must be one of"),
        (lambda: replicates.start(model, 3, NAMES, (4, 2)), "sizes must be whole numbers K >= 1 in increasing order"),
        (lambda: replicates.start(two, 3, NAMES), "the network must have one layer of latents, got 2; use another"),
        (lambda: replicates.step(state, model, x[:2], generator=seeded(), replicates=1), "and 3 images, got 1 and 2"),
        (lambda: replicates.step(state, model, x, generator=seeded(), replicates=0), "got 0 and 3"),
        (lambda: replicates.step(state, model, x * math.nan, generator=seeded(), replicates=1), "must be finite"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert replace(state).n == 0
