"""Every gradient from one backward pass of the decoder equals that of surrogates through distributions.

The tests write out the other side of each comparison: q and p as torch.distributions, a copy of the network for
constant parameters, and autograd for gradients that `passes` computes by hand.
"""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from torch.distributions import normal as normal_module
from torch.nn.functional import softplus

from labkit import dreg
from labkit.dreg import VAE, Config, estimators, gradients, passes
from labkit.dreg.fast import gradients as fast
from labkit.dreg.weights import Weights

SMALL = {"height": 4, "width": 3, "latent": (3,), "hidden": (5,)}
CONFIGS = {
    "one": Config(**SMALL),
    "exp": Config(**SMALL, deviation="exp"),
    "two": Config(**SMALL | {"latent": (4, 2), "hidden": (5, 6)}),
    "bottom": Config(**SMALL, halves="bottom"),
    "original": Config(**SMALL, halves="original"),
}
B, K = 3, 5
CLOSE = 1e-11


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = B, config: Config = CONFIGS["one"], seed: int = 5) -> torch.Tensor:
    return torch.bernoulli(torch.full((n, 1, config.height, config.width), 0.4), generator=seeded(seed)).double()


def made(name: str) -> VAE:
    """A network in float64 in which all parameters and means are random."""
    torch.manual_seed(1)
    model = VAE(CONFIGS[name]).double()
    for each in model.parameters():
        torch.nn.init.normal_(each, std=0.6)
    model.begin_at(torch.rand(7, 1, 4, 3, generator=seeded(2)))
    return model


# the same with torch.distributions


def independent(network, given: torch.Tensor) -> Independent:
    mu, raw = network.net(given).chunk(2, -1)
    sigma = raw.exp() if network.deviation == "exp" else softplus(raw + 0.25)
    return Independent(Normal(mu, sigma), 1)


def standard(units: int) -> Independent:
    return Independent(Normal(torch.zeros(units, dtype=torch.float64), 1.0), 1)


def posteriors(model: VAE, x: torch.Tensor, z: list) -> list[Independent]:
    """Return the posterior of the first layer, and those given the samples of the layer below."""
    below = [x.flatten(1) - model.mean, *z]
    return [independent(q, each) for q, each in zip(model.q, below, strict=False)]


def log_p(model: VAE, x: torch.Tensor, z: list) -> torch.Tensor:
    """Return log p(x, z), for halves log p(rest, z | given), term by term."""
    top, bottom = x.flatten(1).chunk(2, -1)
    mean_of_top, mean_of_bottom = model.mean.chunk(2)
    last = standard(model.config.latent[-1])
    wanted, start, into, priors = x.flatten(1), model.mean, z[0], [last]
    if model.config.halves:
        given, wanted = (top, bottom) if model.config.halves == "bottom" else (bottom, top)
        start, into = mean_of_bottom, torch.cat([z[0], given.expand(len(z[0]), -1, -1)], -1)
        priors = [independent(model.p[0], given - mean_of_top)]
    elif len(z) > 1:
        priors = [independent(model.p[0], z[1]), last]
    logits = model.pixels(into) + start.clamp(1e-3, 1 - 1e-3).logit()
    return Bernoulli(logits=logits).log_prob(wanted).sum(-1) + sum(
        p.log_prob(each) for p, each in zip(priors, z, strict=True)
    )


def noise_of(model: VAE, seed: int, k: int = K, n: int = B) -> list[torch.Tensor]:
    generator = seeded(seed)
    return [torch.randn(k, n, units, generator=generator, dtype=torch.float64) for units in model.config.latent]


def laid_out(model: VAE, x: torch.Tensor, noise: list[torch.Tensor]) -> dreg.Samples:
    """Return the result of `dreg.evaluate` with layers side by side; a copy of the network is the constant q."""
    held, z = copy.deepcopy(model).requires_grad_(False), []
    for layer, e in enumerate(noise):
        q = posteriors(model, x, z)[layer]
        z.append(q.base_dist.loc + q.base_dist.scale * e)
    leaves = [each.detach().requires_grad_() for each in z]
    joint = log_p(model, x, leaves)
    log_w = joint - sum(q.log_prob(each) for q, each in zip(posteriors(held, x, leaves), leaves, strict=True))
    path = torch.autograd.grad(log_w.sum(), leaves, retain_graph=True)
    still = [each.detach() for each in leaves]
    log_q = sum(q.log_prob(each) for q, each in zip(posteriors(model, x, still), still, strict=True))
    return dreg.Samples(torch.cat(z, -1), log_w.detach(), joint, log_q, torch.cat(path, -1))


def every_gradient_is_that_of_the_surrogate(reference, name: str, config: str) -> None:
    model, x = made(config), images()
    parameters = {name: reference.PARAMETERS.get(name, {})}
    found = passes.run(model, x, K, generator=seeded(3))
    samples = laid_out(model, x, noise_of(model, 3))
    assert (found.log_w - samples.log_w).abs().max() < CLOSE
    value = dreg.surrogate(samples, name, **parameters[name]).mean()
    wanted = torch.autograd.grad(value, [*model.inference, *model.generative])
    generative, leaves = fast.generative_gradients(model, found, name)
    for given in (None, {name: leaves}):
        mine = fast.inference_gradients(model, found, [name], parameters, given)[name]
        for got, each in zip([*mine, *generative], wanted, strict=True):
            assert got.shape == each.shape
            assert (got - each).abs().max() < CLOSE * max(1, each.abs().max().item())


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_gradients_of_both_halves_equal_those_of_the_surrogate(reference, name, config):
    every_gradient_is_that_of_the_surrogate(reference, name, config)


@pytest.mark.parametrize("config", ["one", "two"])
def test_all_estimators_at_once_equal_each_one_separately(config, reference):
    model, x = made(config), images()
    found = passes.run(model, x, K, generator=seeded(3))
    every = fast.inference_gradients(model, found, list(dreg.ESTIMATORS), reference.PARAMETERS)
    for name, got in every.items():
        alone = fast.inference_gradients(model, found, [name], reference.PARAMETERS)[name]
        assert all((a - b).abs().max() < CLOSE for a, b in zip(got, alone, strict=True)), name


def test_dreg_evaluate_gives_the_same_for_the_same_noise(monkeypatch):
    """It uses a one-layer network written with `dreg.evaluate`, as a user would."""
    model, x = made("one"), images()
    found, (e,) = passes.run(model, x, K, generator=seeded(3)), noise_of(model, 3)
    monkeypatch.setattr(normal_module, "_standard_normal", lambda *_, **__: e)
    (q,) = posteriors(model, x, [])
    samples = dreg.evaluate(q, lambda z: log_p(model, x, [z]), K)
    assert (found.log_w - samples.log_w).abs().max() < CLOSE
    mine = found.samples()
    for ours, theirs in ((mine.z, samples.z), (mine.path, samples.path), (mine.log_q, samples.log_q)):
        assert (ours - theirs).abs().max() < CLOSE
    wanted = torch.autograd.grad(dreg.surrogate(samples, "dreg").mean(), model.inference)
    got = fast.inference_gradients(model, found, ["dreg"])["dreg"]
    assert all((a - b).abs().max() < CLOSE for a, b in zip(got, wanted, strict=True))


@pytest.mark.parametrize("config", CONFIGS)
def test_the_samples_of_a_pass_agree_with_its_network(config):
    """`control` and `surrogate` use these samples, with layers side by side."""
    model, x = made(config), images()
    got, wanted = passes.run(model, x, K, generator=seeded(3)).samples(), laid_out(model, x, noise_of(model, 3))
    for name in ("z", "log_w", "log_joint", "log_q", "path"):
        assert (getattr(got, name) - getattr(wanted, name)).abs().max() < CLOSE, name


def test_one_sample_is_enough_for_estimators_that_leave_none_out():
    """K = 1: dreg is stl, and the estimators that turn scores into paths are 0."""
    model, x = made("one"), images()
    found = passes.run(model, x, 1, generator=seeded(3))
    got = fast.inference_gradients(model, found, ["dreg", "stl", "rws-dreg", "rws-dreg-norm"])
    assert all(torch.equal(a, b) for a, b in zip(got["dreg"], got["stl"], strict=True))
    assert all((each == 0).all() for name in ("rws-dreg", "rws-dreg-norm") for each in got[name])


@pytest.mark.parametrize("name", ["jk", "jk-dreg", "dreg-cv", "vimco"])
def test_one_sample_is_too_few_for_estimators_that_leave_one_out(name):
    model = made("one")
    found = passes.run(model, images(), 1, generator=seeded())
    said = rf"\A{name} needs K >= 2 samples, got K = 1; draw more, because it leaves one out\Z"
    with pytest.raises(ValueError, match=said):
        fast.inference_gradients(model, found, [name])
    with pytest.raises(ValueError, match=said):
        fast.generative_gradients(model, found, name)


@pytest.mark.parametrize("name", ["generative_gradients", "inference_gradients"])
def test_gradients_at_their_old_path_give_a_warning(name):
    with pytest.warns(DeprecationWarning, match=rf"now labkit\.dreg\.fast\.gradients\.{name}"):
        assert getattr(passes, name) is getattr(fast, name)
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        passes.gradient  # noqa: B018


# large numbers


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_every_gradient_is_finite_for_log_weights_of_ten_thousand(name, reference):
    model, x = made("one"), images()
    found = passes.run(model, x, K, generator=seeded())
    steps = torch.tensor([-1e4, 0.0, 1e4, 1e4, -1e4], dtype=torch.float64)[:, None]
    found = replace(found, log_w=found.log_w + steps)
    parameters = reference.PARAMETERS
    generative, leaves = fast.generative_gradients(model, found, name)
    for known in (None, {name: leaves}):
        got = fast.inference_gradients(model, found, [name], parameters, known)[name]
        assert all(each.isfinite().all() for each in [*got, *generative])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [200.0, -200.0])
def test_logits_of_two_hundred_have_the_bernoulli_cost(logit, dtype):
    """Right pixels cost nothing, wrong ones 200 nats each; no gradient is lost."""
    model = made("one").to(dtype)
    with torch.no_grad():
        model.pixels[4].weight.zero_()
        model.pixels[4].bias.fill_(logit)
        model.mean.fill_(0.5)
    x = images().to(dtype)
    found = passes.run(model, x, K, generator=seeded())
    wanted = 200 * (x != (logit > 0)).flatten(1).sum(1)
    assert (found.nll - wanted).abs().max() < 200 * 12 * torch.finfo(dtype).eps
    generative, _ = fast.generative_gradients(model, found, "dreg")
    inference = fast.inference_gradients(model, found, ["dreg"])["dreg"]
    assert all(each.isfinite().all() for each in [*generative, *inference])
    *_, bias = generative  # gradient of the mean over images of log p: x - p
    assert (bias - (x.flatten(1) - float(logit > 0)).mean(0)).abs().max() < 1e-6


def test_the_hessian_of_a_pass_in_z_equals_that_of_distributions():
    """It is the Hessian of log p(x, z_k) in z_1, summed over samples and images."""
    model, x = made("one"), images()
    found = passes.run(model, x, 2, generator=seeded())
    (leaf,), hessians = found.leaves, []
    for value in (found.log_joint, log_p(model, x, [leaf])):
        (slope,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
        hessians.append(
            torch.stack([torch.autograd.grad(each, leaf, retain_graph=True)[0] for each in slope.flatten()])
        )
    assert (hessians[0] - hessians[1]).abs().max() < CLOSE and hessians[1].abs().max() > 1


def test_log_pixels_of_the_network_uses_its_own_logits():
    for name in CONFIGS:
        model, x = made(name), images()
        given, wanted = model.split(x.flatten(1))
        found = passes.run(model, x, K, generator=seeded())
        logits = model.logits(found.leaves[0], given)
        assert (found.nll + Bernoulli(logits=logits).log_prob(wanted.expand_as(logits)).sum(-1)).abs().max() < 1e-11


@pytest.mark.parametrize("config", CONFIGS)
def test_a_pass_with_the_plain_decoder_has_the_same_numbers_and_gradients(config):
    model, x = made(config), images()
    plain, found = (passes.run(model, x, K, generator=seeded(3), **how) for how in ({"log_pixels": VAE.log_pixels}, {}))
    assert (found.log_w - plain.log_w).abs().max() < CLOSE
    (wanted, of_z), (got, of_leaves) = (fast.generative_gradients(model, each, "dreg") for each in (plain, found))
    for mine, right in zip([*got, *of_leaves], [*wanted, *of_z], strict=True):
        assert (mine - right).abs().max() < CLOSE


# bounds and log p(x)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_bound_agrees_with_plain_python(config):
    """It is computed image by image and sample by sample with Python floats."""
    model, x = made(config), images()
    noise = noise_of(model, 3)
    found = passes.run(model, x, K, generator=seeded(3))
    for i in range(B):
        each = [laid_out(model, x[i : i + 1], [e[k : k + 1, i : i + 1] for e in noise]).log_w for k in range(K)]
        weights = [math.exp(log_w.item()) for log_w in each]
        assert found.bound[i].item() == pytest.approx(math.log(math.fsum(weights) / K), rel=1e-11)


@pytest.mark.parametrize("config", ["one", "two", "bottom"])
def test_kl_of_each_layer_agrees_with_distributions(config):
    """Means over 20,000 samples are within five standard errors of the divergence given the layer below."""
    model, x = made(config), images(2)
    found = passes.run(model, x, 20_000, generator=seeded())
    if config == "two":
        wanted = [kl_divergence(independent(model.q[1], found.z[0]), standard(2)).mean(0)]
        layers = [1]
    else:
        top = x.flatten(1)[:, :6]
        prior = independent(model.p[0], top - model.mean[:6]) if config == "bottom" else standard(3)
        wanted, layers = [kl_divergence(posteriors(model, x, [])[0], prior)], [0]
    for layer, each in zip(layers, wanted, strict=True):
        error = found.kl[layer].std(0) / 20_000**0.5
        assert ((found.kl[layer].mean(0) - each).abs() < 5 * error).all()
    assert (found.kl.sum(0) + found.nll + found.log_w).abs().max() < 1e-9


def line() -> tuple[VAE, torch.Tensor]:
    """One unit of z and 2 x 2 pixels, so that p(x) is one integral."""
    torch.manual_seed(1)
    model = VAE(Config(2, 2, (1,), (4,))).double()
    for each in model.pixels.parameters():
        torch.nn.init.normal_(each, std=0.8)
    return model, torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64).view(1, 1, 2, 2)


def log_likelihood_is_that_of_quadrature() -> None:
    """E[w] = p(x) for any q: 40,000 samples, four standard errors from the integral over z."""
    model, x = line()
    z = torch.arange(-12, 12, 0.002, dtype=torch.float64)
    with torch.no_grad():
        every = log_p(model, x, [z[:, None, None]])[:, 0]
        wanted = every.logsumexp(0) + math.log(0.002)
        log_q = posteriors(model, x, [])[0].log_prob(z[:, None])
        variance = ((2 * every - log_q).logsumexp(0) + math.log(0.002) - 2 * wanted).exp() - 1
    got = passes.log_likelihood(model, x, 40_000, generator=seeded())
    assert 0.02 < variance < 5 and abs((got - wanted).exp() - 1) < 4 * (variance / 40_000) ** 0.5


def test_log_likelihood_agrees_with_an_integral():
    log_likelihood_is_that_of_quadrature()


@pytest.mark.parametrize(("samples", "rows"), [(10, 3000), (10, 12), (7, 3), (3, 2)])
def test_chunks_have_the_given_number_of_rows_and_add_up(monkeypatch, samples, rows):
    model, x, chunks, right = made("two"), images(), [], passes.run

    def run(*args, **kwargs):
        chunks.append(right(*args, **kwargs))
        return chunks[-1]

    monkeypatch.setattr(passes, "run", run)
    got = passes.log_likelihood(model, x, samples, generator=seeded(), rows=rows)
    log_w = torch.cat([each.log_w for each in chunks])
    assert len(log_w) == samples and all(len(each.log_w) == 1 or each.log_w.numel() <= rows for each in chunks)
    assert (got - (log_w.logsumexp(0) - math.log(samples))).abs().max() < 1e-13 and not got.requires_grad
    elbo = passes.estimates(model, x, samples, generator=seeded(), rows=rows)[1]
    assert (elbo - log_w.mean(0)).abs().max() < 1e-12


def test_equal_seeds_give_equal_passes_and_the_images_do_not_change():
    model, x = made("two"), images()
    before = x.clone()
    a, b, c = (passes.run(model, x, K, generator=seeded(seed)).log_w for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c) and torch.equal(x, before)


def test_units_are_active_if_their_mean_varies_by_a_hundredth():
    """The first varies a little less, the second a little more, the third not at all."""
    model, x = made("one"), images(40)
    last = model.q[0].net[4]
    with torch.no_grad():
        last.weight[2] = 0.0
        spread = model.infer(x.flatten(1))[0].numpy().std(0, ddof=1)
        for unit, wanted in ((0, 0.0099), (1, 0.0101)):
            last.weight[unit] *= math.sqrt(wanted) / spread[unit]
    variance = np.var(model.q[0].net(x.flatten(1) - model.mean).detach().numpy()[:, :3], axis=0, ddof=1)
    assert variance == pytest.approx([0.0099, 0.0101, 0.0], abs=1e-12)
    assert passes.active_units(model, x).tolist() == [False, True, False]


# errors


@pytest.mark.parametrize(
    ("x", "k", "error", "said"),
    [
        (images(), 0, ValueError, "the number of samples must be at least 1, got K = 0"),
        (images()[..., :2], 5, ValueError, "(batch, 1, 4, 3) for this network, got (3, 1, 4, 2); resize them"),
        (images()[:, 0], 5, ValueError, "got (3, 4, 3)"),
        (images()[:0], 5, ValueError, "got (0, 1, 4, 3)"),
        (images().float(), 5, TypeError, "images must be torch.float64 like the network, got torch.float32"),
        (images().float(), 5, TypeError, "; use x.to(torch.float64)"),
        ((255 * images()).to(torch.uint8), 5, TypeError, "; use x.to(torch.float64) / 255"),
    ],
)
def test_a_wrong_batch_raises_a_short_error(x, k, error, said):
    for ask in (passes.check, passes.log_likelihood):
        with pytest.raises(error) as caught:
            ask(made("one"), x, k)
        assert said in str(caught.value) and "\n" not in str(caught.value)


def test_numbers_that_are_not_finite_raise_an_error_only_in_reports():
    """log p(x) and the bound of a test raise an error; in training the loop skips the step."""
    model, x = made("one"), images()
    x[1, 0, 2, 1] = math.nan
    said = "log p.x, z. must be finite, got 1 of 3 images where it is not; look for NaN in the images"
    with pytest.raises(ValueError, match=said):
        passes.log_likelihood(model, x, 4)
    with pytest.raises(ValueError, match="at least 2 images, got 1"):
        passes.active_units(model, images(1))
    found = passes.run(model, x, K)
    got = fast.inference_gradients(model, found, ["dreg"])["dreg"]
    assert found.bound.isfinite().tolist() == [True, False, True] and not got[0].isfinite().all()


# a test of the tests


def _weights_not_held(monkeypatch):
    """The coefficients move, so the weights' own gradient is added."""
    right = passes.run

    def run(model, x, *args, **kwargs):
        found = right(model, x, *args, **kwargs)
        return replace(found, log_joint=found.log_joint + found.log_joint.softmax(0))

    monkeypatch.setattr(passes, "run", run)


def _parameters_not_held(monkeypatch):
    """log q of the path does not move, so the path loses -d log q / dz."""
    right = passes.run

    def run(*args, **kwargs):
        found = right(*args, **kwargs)
        return replace(found, held=found.held.detach() + 0 * sum(each.sum() for each in found.leaves))

    monkeypatch.setattr(passes, "run", run)


def _second_layer_not_seen(monkeypatch):
    """log q(z_2 | z_1) has no slope in z_1."""
    right = passes._held_call
    monkeypatch.setattr(passes, "_held_call", lambda network, given: right(network, given.detach()))


def _squared(monkeypatch):
    """w^2 also for the model."""
    row = replace(estimators.ESTIMATORS["dreg"], model=lambda s: s.w2)
    monkeypatch.setitem(estimators.ESTIMATORS, "dreg", row)
    right = dreg.surrogate

    def surrogate(samples, name, **parameters):
        path, score, _ = estimators.weighed(name, Weights(samples.log_w), **parameters)
        moved = (samples.path * samples.z).sum(-1)
        return (path * moved + score * samples.log_q + samples.log_w.softmax(0) * samples.log_joint).sum(0)

    assert right is gradients.surrogate
    monkeypatch.setattr(dreg, "surrogate", surrogate)


def _scale_dropped(monkeypatch):
    """Only the sums in mu."""
    right = fast.in_normal

    def dropped(*args):
        mean, deviation = right(*args)
        return mean, torch.zeros_like(deviation)

    monkeypatch.setattr(fast, "in_normal", dropped)


def _ratio_forgotten(monkeypatch):
    """Every estimator's path has the model's weights."""
    for name in ("dreg", "rws-dreg"):
        monkeypatch.setitem(estimators.ESTIMATORS, name, replace(estimators.ESTIMATORS[name], rule=estimators.stl))
    right = dreg.surrogate
    table = {"dreg": lambda s: s.w2, "rws-dreg": lambda s: s.w - s.w2}

    def surrogate(samples, name, **_):
        s = Weights(samples.log_w)
        return (table[name](s) * (samples.path * samples.z).sum(-1) + s.w * samples.log_joint).sum(0)

    assert right is gradients.surrogate
    monkeypatch.setattr(dreg, "surrogate", surrogate)


def _score_of_the_wrong_sign(monkeypatch):
    right = fast.in_normal
    monkeypatch.setattr(fast, "in_normal", lambda a, s, *more: right(a, None if s is None else -s, *more))


MUTANTS = {
    "weights not held": (_weights_not_held, ["dreg one", "iwae two"]),
    "parameters not held": (_parameters_not_held, ["dreg one", "stl bottom", "dreg two"]),
    "second layer not seen": (_second_layer_not_seen, ["dreg two", "iwae two"]),
    "w^2 for the model": (_squared, ["dreg one", "dreg original"]),
    "scale dropped": (_scale_dropped, ["dreg one", "rws exp", "vimco one"]),
    "ratio forgotten": (_ratio_forgotten, ["dreg one", "rws-dreg one", "dreg two"]),
    "score of the wrong sign": (_score_of_the_wrong_sign, ["iwae one", "rws one"]),
}


@pytest.mark.parametrize(("mutant", "case"), [(m, c) for m, (_, found_by) in MUTANTS.items() for c in found_by])
def test_the_check_fails_for_the_mutant(reference, monkeypatch, mutant, case):
    name, config = case.split()
    every_gradient_is_that_of_the_surrogate(reference, name, config)  # the check passes before
    MUTANTS[mutant][0](monkeypatch)
    with pytest.raises(AssertionError):
        every_gradient_is_that_of_the_surrogate(reference, name, config)


def test_the_quadrature_detects_a_sum_without_the_number_of_samples(monkeypatch):
    right = passes.log_likelihood
    monkeypatch.setattr(passes, "log_likelihood", lambda m, x, n, **k: right(m, x, n, **k) + math.log(n / (n - 4000)))
    with pytest.raises(AssertionError):
        log_likelihood_is_that_of_quadrature()
