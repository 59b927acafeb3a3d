"""log q of samples from their origin equals that of torch.distributions, and is right where an inverse is not."""

import pytest
import torch
from torch.autograd import grad
from torch.distributions import (
    Gamma,
    Independent,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    Normal,
    Pareto,
    Poisson,
    RelaxedOneHotCategorical,
    TransformedDistribution,
    Uniform,
    Weibull,
    transforms,
)

from labkit import dreg
from labkit.dreg import trail


def _parameter(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def _chain(*parts, base=None):
    base = Normal(_parameter(0.1, 0.0), _parameter(0.5, 0.4)) if base is None else base
    return TransformedDistribution(base, list(parts))


def _affine():
    return transforms.AffineTransform(_parameter(0.3, -1.0), _parameter(0.5, -2.0))


PROPOSALS = {
    "Normal": lambda: Normal(_parameter(0.3, -1.0), _parameter(0.5, 2.0)),
    "LogNormal": lambda: LogNormal(_parameter(0.3, -1.0), _parameter(0.5, 2.0)),
    "Kumaraswamy": lambda: Kumaraswamy(_parameter(0.7, 2.0), _parameter(1.5, 3.0)),
    "Weibull": lambda: Weibull(_parameter(0.7, 2.0), _parameter(1.5, 3.0)),
    "Pareto": lambda: Pareto(_parameter(0.7, 2.0), _parameter(1.5, 3.0)),
    "InverseGamma": lambda: InverseGamma(_parameter(2.7, 2.0), _parameter(1.5, 3.0)),
    "power of Gamma": lambda: _chain(
        transforms.PowerTransform(_parameter(0.5, -2.0)), base=Gamma(_parameter(2.0, 3.0), _parameter(1.0, 2.0))
    ),
    "chain": lambda: _chain(_affine(), transforms.TanhTransform(), _affine().inv),
    "composed": lambda: _chain(transforms.ComposeTransform([_affine(), transforms.SigmoidTransform()])),
    "vectors": lambda: Independent(_chain(_affine(), transforms.ExpTransform()), 1),
    "independent": lambda: _chain(
        transforms.IndependentTransform(_affine(), 1), base=Independent(Normal(_parameter(0.1, 0.2), 1.0), 1)
    ),
    "nested": lambda: _chain(transforms.TanhTransform(), base=_chain(_affine())),
    "one-hot": lambda: RelaxedOneHotCategorical(_parameter(0.7), logits=_parameter(0.3, -0.4, 1.0)),
    "sticks": lambda: LogisticNormal(_parameter(0.3, -0.4), _parameter(0.7, 1.2)),
}


def _parameters(q) -> list[torch.Tensor]:
    """All leaves of a distribution."""
    found: dict[int, torch.Tensor] = {}

    def walk(value):
        if isinstance(value, torch.Tensor):
            if value.requires_grad and value.is_leaf:
                found[id(value)] = value
        elif isinstance(value, (list, tuple)):
            for each in value:
                walk(each)
        elif hasattr(value, "__dict__") and id(value) not in seen:
            seen.add(id(value))
            for each in vars(value).values():
                walk(each)

    seen: set[int] = set()
    walk(q)
    return list(found.values())


@pytest.mark.parametrize("name", PROPOSALS)
def test_samples_densities_and_all_gradients_equal_those_of_torch(name):
    """In float64 inverses are accurate: z and dz, log q, its gradient in z and in the parameters."""
    q = PROPOSALS[name]()
    parameters = _parameters(q)
    torch.manual_seed(0)
    drawn = trail.draw(q, 5)
    torch.manual_seed(0)
    wanted = q.rsample((5,))
    weight = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.equal(drawn.z, wanted)
    leaf = wanted.detach().requires_grad_()
    held = dreg.detach_parameters(q)
    mine = [
        *grad((weight * drawn.z).sum(), parameters, allow_unused=True, retain_graph=True),
        *grad(trail.log_prob(held, drawn, leaf).sum(), leaf),
        *grad(trail.log_prob(q, drawn, leaf.detach()).sum(), parameters, allow_unused=True, retain_graph=True),
    ]
    theirs = [
        *grad((weight * wanted).sum(), parameters, allow_unused=True, retain_graph=True),
        *grad(held.log_prob(leaf).sum(), leaf),
        *grad(q.log_prob(leaf.detach()).sum(), parameters, allow_unused=True),
    ]
    assert (trail.log_prob(held, drawn, leaf) - held.log_prob(leaf)).abs().max() < 1e-9
    for left, right in zip(mine, theirs, strict=True):
        assert (left is None) == (right is None)
        assert left is None or (left - right).abs().max() < 1e-8 * right.abs().max().clamp(min=1)


FLAT = {  # many samples round to the edge in float32, and the noise that makes them
    "tanh": (
        lambda a, b: TransformedDistribution(Normal(a, b), [transforms.TanhTransform(cache_size=1)]), (7.0, 1.0), Normal
    ),
    "Kumaraswamy": (lambda a, b: Kumaraswamy(a, b), (0.2, 0.2), Uniform),
}  # fmt: skip
NOISE = torch.Generator().manual_seed(2)
NOISE = {Normal: torch.randn(64, generator=NOISE), Uniform: torch.rand(64, generator=NOISE)}


def _evaluated(monkeypatch, name, dtype):
    """64 samples in that dtype from the same noise; the parameters have that dtype too."""
    build, values, base = FLAT[name]
    parameters = [torch.tensor(value, dtype=dtype, requires_grad=True) for value in values]
    noise = NOISE[base].to(dtype)
    draws = {
        Normal: lambda self, shape=None: self.loc + self.scale * noise,
        Uniform: lambda self, shape=None: self.low + (self.high - self.low) * noise,
    }
    monkeypatch.setattr(base, "rsample", draws[base])
    return dreg.evaluate(build(*parameters), lambda z: -((z - 0.3) ** 2), 64), parameters


@pytest.mark.parametrize("name", FLAT)
def test_samples_that_round_to_the_edge_keep_their_density(monkeypatch, name):
    """float32 agrees with float64: the values, and every estimator's gradient to K eps max |log w|."""
    low, of_low = _evaluated(monkeypatch, name, torch.float32)
    high, of_high = _evaluated(monkeypatch, name, torch.float64)
    assert (low.z == 1).any()  # from z alone the inverse is infinite
    error = 64 * torch.finfo(torch.float32).eps * high.log_w.abs().max()
    assert (low.log_q - high.log_q).abs().max() < 1e-6 * high.log_q.abs().max()
    assert (low.log_w - high.log_w).abs().max() < 1e-6 * high.log_w.abs().max()
    for each in dreg.ESTIMATORS:
        mine, wanted = (
            torch.stack(grad(dreg.surrogate(s, each), p, retain_graph=True))
            for s, p in ((low, of_low), (high, of_high))
        )
        assert (mine - wanted).norm() < error * wanted.norm().clamp(min=1)


def test_samples_without_a_path_do_not_move():
    """It is a transform with a parameter, after a base that cannot be reparameterised."""
    q = _chain(_affine(), base=Poisson(torch.tensor([2.0, 3.0]).double()))
    assert not trail.draw(q, 3).z.requires_grad


def test_the_reference_in_float64_equals_the_closed_form(monkeypatch):
    """tanh of N(7, 1): log q = log N(x; 7, 1) - log (1 - tanh(x)^2), by logarithms of e^-2x."""
    samples, _ = _evaluated(monkeypatch, "tanh", torch.float64)
    x = 7 + NOISE[Normal].double()
    wanted = Normal(7.0, 1.0).log_prob(x) - 2 * (torch.tensor(2.0).double().log() - x - torch.log1p((-2 * x).exp()))
    assert (samples.log_q - wanted).abs().max() < 1e-12


def test_a_sample_with_infinite_density_is_rejected(monkeypatch):
    """0^5 of u = 0: the density of Kumaraswamy is infinite there."""
    q = Kumaraswamy(torch.tensor(0.2, requires_grad=True), 0.2)
    monkeypatch.setattr(Uniform, "rsample", lambda self, shape: torch.zeros(shape))
    with pytest.raises(ValueError, match=r"\Alog q must be finite at the proposal's own samples, got 3 of 3"):
        dreg.evaluate(q, lambda z: -z, 3)
