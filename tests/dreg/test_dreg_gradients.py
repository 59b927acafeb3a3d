"""The gradients of surrogates in encoder and model equal the sums of the table, for any proposal."""

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Independent,
    LogNormal,
    LowRankMultivariateNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    StudentT,
    TransformedDistribution,
    transforms,
)

from labkit import dreg


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_a_surrogates_gradient_is_the_sum_over_samples(reference, checks, name):
    checks.surrogate_is_the_sum_over_samples(reference, name)


@pytest.mark.parametrize("name", ["iwae", "jk", "vae"])
def test_plain_estimators_equal_autograd_of_their_bound(checks, name):
    checks.plain_gradients_are_those_of_the_bound(name)


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_the_closed_form_for_normals_agrees_with_autograd(reference, checks, name):
    scene, parameters = checks.Scene(), reference.PARAMETERS.get(name, {})
    samples = scene.samples()
    wanted = torch.autograd.grad(dreg.surrogate(samples, name, **parameters), [scene.mu, scene.rho])
    leaf = samples.z.detach().requires_grad_()
    (score_p,) = torch.autograd.grad(scene.log_joint(leaf).sum(), leaf)
    sigma = scene.rho.exp().detach()
    g_mu, g_sigma = dreg.normal_gradients(name, samples.log_w, scene.noise, sigma, score_p, **parameters)
    assert (g_mu - wanted[0]).abs().max() < 1e-11
    assert (g_sigma * sigma - wanted[1]).abs().max() < 1e-11  # d sigma / d rho


@pytest.mark.parametrize("name", ["iwae", "dreg", "jk"])
def test_a_batch_equals_its_separate_elements(checks, name):
    """With [K, B] at once, the gradient of each element is the same as for that element alone."""
    mu = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    torch.manual_seed(0)
    samples = dreg.evaluate(Independent(Normal(mu, 0.7), 1), lambda z: -z.cosh().sum(-1), 5)
    value = dreg.surrogate(samples, name)
    assert value.shape == samples.bound(name).shape == (2,)
    (first,) = torch.autograd.grad(value[0], mu, retain_graph=True)
    assert (first[1] == 0).all() and (first[0] != 0).all()


def test_one_set_of_samples_serves_every_estimator_unchanged(checks):
    samples = checks.Scene().samples()
    before = [each.clone() for each in (samples.z, samples.log_w, samples.path)]
    for name in dreg.ESTIMATORS:
        dreg.surrogate(samples, name).backward(retain_graph=True)
    assert all(torch.equal(a, b) for a, b in zip(before, (samples.z, samples.log_w, samples.path), strict=True))


def test_the_value_of_a_surrogate_is_not_the_bound(checks):
    samples = checks.Scene().samples()
    assert torch.equal(samples.bound(), dreg.bound(samples.log_w)) and not samples.bound().requires_grad
    assert abs(dreg.surrogate(samples, "dreg") - samples.bound()) > 0.1


def test_the_bound_is_available_under_no_grad():
    with torch.no_grad():
        samples = dreg.evaluate(Normal(torch.zeros(()), 1.0), lambda z: -z * z, 4)
    assert samples.bound().isfinite()


def test_equal_seeds_give_equal_samples(checks):
    a, b = checks.Scene().samples(), checks.Scene().samples()
    assert torch.equal(a.log_w, b.log_w)


def _parameter(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def _flow():
    affine = transforms.AffineTransform(_parameter(0.3, -1.0), _parameter(0.5, 2.0))
    chain = [affine, transforms.TanhTransform(), affine.inv]
    return TransformedDistribution(Normal(_parameter(0.1, 0.0), _parameter(0.5, 0.4)), chain)


def _mixture():
    return MixtureSameFamily(
        Categorical(logits=_parameter(0.1, 0.7, -0.5)), Normal(_parameter(-1.0, 0.0, 2.0), _parameter(0.3, 1.0, 0.5))
    )


PROPOSALS = {
    "Normal": lambda: Normal(_parameter(0.3, -1.0), _parameter(0.5, 2.0)),
    "Independent": lambda: Independent(Normal(_parameter(0.3, -1.0), _parameter(0.5, 2.0)), 1),
    "MultivariateNormal": lambda: MultivariateNormal(
        _parameter(0.3, -1.0), torch.eye(2).double() + _parameter(0.2, 0.3).diag()
    ),
    "LowRank": lambda: LowRankMultivariateNormal(
        _parameter(0.3, -1.0), _parameter(0.5, 0.2)[:, None], _parameter(1.0, 2.0)
    ),
    "StudentT": lambda: StudentT(_parameter(5.0), _parameter(0.2), _parameter(0.7)),
    "Gamma": lambda: Gamma(_parameter(2.0, 3.0), _parameter(1.0, 0.5)),
    "Beta": lambda: Beta(_parameter(2.0, 3.0), _parameter(1.5, 0.8)),
    "LogNormal": lambda: LogNormal(_parameter(0.2), _parameter(0.4)),
    "flow": _flow,
    "mixture": _mixture,
    "Bernoulli": lambda: Bernoulli(logits=_parameter(0.3, -1.0)),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_the_parameters_of_any_proposal_are_detached(name):
    """The density and the gradient in z stay the same, and there is no other gradient."""
    torch.manual_seed(0)
    q = PROPOSALS[name]()
    held, z = dreg.detach_parameters(q), q.sample((4,))
    assert type(held) is type(q)
    assert q.log_prob(z).requires_grad and not held.log_prob(z).requires_grad
    assert (held.log_prob(z) - q.log_prob(z)).abs().max() < 1e-12
    if q.has_rsample:
        leaf = z.clone().requires_grad_()
        wanted, got = (torch.autograd.grad(each.log_prob(leaf).sum(), leaf)[0] for each in (q, held))
        assert (wanted - got).abs().max() < 1e-12
        assert held.log_prob(q.rsample((4,))).requires_grad  # the path stays


def test_only_parameters_are_detached(checks):
    checks.parameters_are_held_and_nothing_else()


def test_a_transform_with_a_cache_does_not_leak_a_gradient():
    """cache_size = 1 keeps (x, y) with their graph, so a copy with that cache would depend on the parameters."""
    loc, scale = _parameter(0.3), _parameter(0.5)
    chain = [transforms.AffineTransform(loc, scale, cache_size=1)]
    q = TransformedDistribution(Normal(torch.zeros(1).double(), 1.0), chain)
    z = q.rsample()
    (g,) = torch.autograd.grad(dreg.detach_parameters(q).log_prob(z).sum(), loc)
    assert (g + (z - loc) / scale**2).abs() < 1e-12


@pytest.mark.parametrize("family", [Gamma, Beta])
def test_the_means_of_dreg_and_iwae_agree_for_a_proposal_that_is_not_normal(family):
    """Samples are not mu + sigma eps. They are paired over 4000 replicates: every mean within 5 standard errors."""
    torch.manual_seed(0)
    parameters = [torch.full((4000,), value).double().requires_grad_() for value in (2.0, 1.5)]
    samples = dreg.evaluate(family(*parameters), lambda z: -0.5 * (z - 1.5) ** 2, 3)
    iwae, doubly = (
        torch.autograd.grad(dreg.surrogate(samples, name).sum(), parameters, retain_graph=True)
        for name in ("iwae", "dreg")
    )
    for a, b in zip(iwae, doubly, strict=True):
        apart = a - b
        assert apart.std() > 0.01 and abs(apart.mean()) < 5 * apart.std() / 4000**0.5


def test_vimco_works_for_a_proposal_without_a_path():
    """Two categories, K = 2, all four outcomes by hand: vimco's mean is the exact gradient of the bound's mean."""
    logits = _parameter(0.4, -0.3)
    log_p = torch.tensor([-1.0, -2.5], dtype=torch.float64)
    p = logits.softmax(0)

    def expected(value):
        return sum(value(torch.tensor([i, j])) * p[i] * p[j] for i in range(2) for j in range(2))

    def log_w(z):
        return log_p[z] - Categorical(logits=logits).log_prob(z)

    (wanted,) = torch.autograd.grad(expected(lambda z: dreg.bound(log_w(z))), logits, retain_graph=True)
    got = 0
    for i in range(2):
        for j in range(2):
            z = torch.tensor([i, j])
            samples = dreg.Samples(z, log_w(z).detach(), log_p[z], Categorical(logits=logits).log_prob(z), None)
            (g,) = torch.autograd.grad(dreg.surrogate(samples, "vimco"), logits, retain_graph=True)
            got = got + (p[i] * p[j]).detach() * g
    assert (got - wanted).abs().max() < 1e-12
    samples = dreg.evaluate(Categorical(logits=logits), lambda z: log_p[z], 6)
    assert torch.autograd.grad(dreg.surrogate(samples, "rws"), logits)[0].isfinite().all()


def test_the_surrogate_of_fixed_samples_passes_gradcheck(checks):
    """The surrogate is smooth in the model's parameters, and its own gradient is right."""
    scene = checks.Scene()
    samples = scene.samples()

    def value(theta):
        log_joint = (theta * torch.sin(samples.z.detach()) - 0.5 * (samples.z.detach() - theta) ** 2).sum(-1)
        made = dreg.Samples(samples.z.detach(), samples.log_w, log_joint, samples.log_q.detach(), samples.path)
        return dreg.surrogate(made, "dreg")

    assert torch.autograd.gradcheck(value, scene.theta)


def test_controls_get_the_derivative_of_the_squared_gradient(checks):
    """It is compared with finite differences of the mean square of the gradient in each control."""
    scene = checks.Scene()
    samples, phi = scene.samples(), [scene.mu, scene.rho]
    controls = dreg.control.start(torch.float64)
    for name, value in (("alpha", 0.2), ("beta", 0.3), ("gamma", -0.5), ("delta", 0.1)):
        controls[name].data.fill_(value)

    def square(**changed):
        loss = -dreg.surrogate(samples, "dreg-cv", **{n: v.item() for n, v in controls.items()} | changed).mean()
        g = torch.autograd.grad(loss, phi, retain_graph=True)
        return torch.cat(g).square().mean().item()

    first, second = dreg.control.gradients(samples, phi, controls)
    loss = -dreg.surrogate(samples, "dreg-cv", **controls)
    assert all(torch.equal(a, b) for a, b in zip(first, torch.autograd.grad(loss, phi, retain_graph=True), strict=True))
    for name, value in controls.items():
        h = 1e-5
        wanted = (square(**{name: value.item() + h}) - square(**{name: value.item() - h})) / (2 * h)
        assert abs(second[name] - wanted) < 1e-7 * max(1, abs(wanted))


@pytest.mark.slow
def test_learned_controls_lower_the_variance_and_keep_the_mean(checks):
    """They are learned in one dimension at K = 2, by descent on the samples; quadrature gives mean and variance."""
    toy, controls = checks.line(), dreg.control.start(torch.float64)
    mean = toy.mean.clone().expand(256, 1).clone().requires_grad_()
    optimizer = torch.optim.Adam(controls.values(), lr=0.05)
    torch.manual_seed(0)
    for _ in range(60):
        q = Independent(Normal(mean, toy.sigma), 1)
        samples = dreg.evaluate(
            q, lambda z: (Normal(toy.prior, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(toy.x)).sum(-1), 2
        )
        _, slopes = dreg.control.gradients(samples, [mean], controls)
        for name, each in slopes.items():
            controls[name].grad = each * 256**2
        optimizer.step()
    before, after = (
        checks.expectations("dreg-cv", **each) for each in ({}, {n: v.item() for n, v in controls.items()})
    )
    assert after[1] < 0.5 * before[1] and abs(after[0] - before[0]) < 1e-10
