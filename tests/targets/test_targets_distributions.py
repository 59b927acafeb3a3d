"""Every torch distribution becomes a target in coordinates of R^d, or raises an error with the reason."""

import inspect
import math
import re

import pytest
import torch
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

from labkit import targets
from labkit.targets import supports, wrap

F64 = torch.float64


def c(value):
    return torch.tensor(value, dtype=F64)


def mixture_of(component):
    return td.MixtureSameFamily(td.Categorical(c([0.3, 0.7])), component)


TILTED = c([[2.0, 0.7], [0.7, 1.0]])
GAMMAS = td.Gamma(c([[3.0, 2.0, 1.0], [2.0, 4.0, 2.0]]), c(1.5))
WORKING = {
    "Beta": td.Beta(c(2.0), c(5.0)),
    "Beta with poles at its ends": td.Beta(c(0.5), c(0.5)),
    "Cauchy": td.Cauchy(c(0.0), c(1.0)),
    "Chi2": td.Chi2(c(4.0)),
    "ContinuousBernoulli": td.ContinuousBernoulli(c(0.3)),
    "Dirichlet": td.Dirichlet(c([2.0, 3.0, 4.0])),
    "Exponential": td.Exponential(c(2.0)),
    "FisherSnedecor": td.FisherSnedecor(c(5.0), c(9.0)),
    "Gamma": td.Gamma(c(3.0), c(2.0)),
    "GeneralizedPareto": td.GeneralizedPareto(c(1.0), c(2.0), c(0.2)),
    "GeneralizedPareto with an upper end": td.GeneralizedPareto(c(1.0), c(2.0), c(-0.5)),
    "Gumbel": td.Gumbel(c(0.0), c(1.0)),
    "HalfCauchy": td.HalfCauchy(c(1.0)),
    "HalfNormal": td.HalfNormal(c(2.0)),
    "Independent": td.Independent(td.Gamma(c([3.0, 2.0]), c([1.0, 2.0])), 1),
    "Independent over a matrix": td.Independent(GAMMAS, 2),
    "Independent normals over a matrix": td.Independent(td.Normal(torch.zeros(2, 2, dtype=F64), c(2.0)), 2),
    "InverseGamma": td.InverseGamma(c(5.0), c(2.0)),
    "Kumaraswamy": td.Kumaraswamy(c(2.0), c(3.0)),
    "Laplace": td.Laplace(c(0.0), c(1.0)),
    "LogNormal": td.LogNormal(c(0.0), c(0.5)),
    "LogisticNormal": td.LogisticNormal(torch.zeros(2, dtype=F64), torch.ones(2, dtype=F64)),
    "LogitRelaxedBernoulli": LogitRelaxedBernoulli(c(0.7), c(0.3)),
    "LowRankMultivariateNormal": td.LowRankMultivariateNormal(c([0.0, 1.0]), c([[1.0], [0.5]]), c([1.0, 0.5])),
    "MixtureSameFamily": mixture_of(td.Gamma(c([3.0, 9.0]), c([2.0, 1.0]))),
    "MixtureSameFamily on a simplex": mixture_of(td.Dirichlet(c([[1.0, 2.0, 3.0], [3.0, 3.0, 1.0]]))),
    "MixtureSameFamily of equal ends": mixture_of(td.Pareto(c([1.0, 1.0]), c([2.0, 4.0]))),
    "MultivariateNormal": td.MultivariateNormal(c([0.0, 1.0]), TILTED),
    "Normal": td.Normal(c(1.0), c(2.0)),
    "Pareto": td.Pareto(c(1.0), c(5.0)),
    "RelaxedBernoulli": td.RelaxedBernoulli(c(0.7), c(0.3)),
    "RelaxedOneHotCategorical": td.RelaxedOneHotCategorical(c(0.7), c([0.2, 0.3, 0.5])),
    "StudentT": td.StudentT(c(5.0)),
    "TransformedDistribution": td.TransformedDistribution(td.Normal(c(0.0), c(1.0)), td.TanhTransform()),
    "TransformedDistribution by a shift": td.TransformedDistribution(
        td.Gamma(c(3.0), c(2.0)), td.AffineTransform(1.0, -2.0)
    ),
    "Uniform": td.Uniform(c(1.0), c(3.0)),
    "Weibull": td.Weibull(c(2.0), c(1.5)),
    "Wishart": td.Wishart(c(6.0), TILTED),
}
REFUSED = {
    "Bernoulli": (td.Bernoulli(c(0.3)), "Bernoulli is discrete"),
    "Binomial": (td.Binomial(5, c(0.3)), "Binomial is discrete"),
    "Categorical": (td.Categorical(c([0.3, 0.7])), "Categorical is discrete"),
    "Geometric": (td.Geometric(c(0.3)), "Geometric is discrete"),
    "Multinomial": (td.Multinomial(5, c([0.3, 0.7])), "Multinomial is discrete"),
    "NegativeBinomial": (td.NegativeBinomial(c(5.0), c(0.3)), "NegativeBinomial is discrete"),
    "OneHotCategorical": (td.OneHotCategorical(c([0.3, 0.7])), "OneHotCategorical is discrete"),
    "OneHotCategoricalStraightThrough": (td.OneHotCategoricalStraightThrough(c([0.3, 0.7])), "is discrete"),
    "Poisson": (td.Poisson(c(3.0)), "Poisson is discrete, but SVGD needs the gradient of log p; use a continuous"),
    "Poisson, shifted": (
        td.TransformedDistribution(td.Poisson(c(3.0)), td.AffineTransform(0.0, 2.0)),
        "TransformedDistribution of Poisson is discrete",
    ),
    "mixture of Poissons": (mixture_of(td.Poisson(c([3.0, 9.0]))), "MixtureSameFamily of Poisson is discrete"),
    "mixture of different supports": (mixture_of(td.Uniform(c([0.0, 1.0]), c([2.0, 3.0]))), "must have one support"),
    "VonMises": (td.VonMises(c(0.5), c(2.0)), "VonMises is a distribution on the circle; cut the circle open: targets"),
    "ExpRelaxedCategorical": (ExpRelaxedCategorical(c(0.7), c([0.5, 0.5])), "is a distribution on a surface"),
    "no density": (
        td.TransformedDistribution(td.Normal(c(0.0), c(1.0)), td.AbsTransform()),
        "torch cannot compute log_prob: a transform has no inverse",
    ),
    "one point": (td.Dirichlet(c([1.0])), "is a single point; use a larger event"),
    "a batch": (td.Gamma(c([1.0, 2.0]), c(1.0)), r"got Gamma with batch \[2\] and event \[\]; wrap a batch"),
}


def test_these_tests_cover_every_torch_distribution():
    kinds = {name for name in td.__all__ if inspect.isclass(k := getattr(td, name)) and issubclass(k, td.Distribution)}
    tried = {type(d).__name__ for d in (*WORKING.values(), *(d for d, _ in REFUSED.values()))} | {"LKJCholesky"}
    assert kinds - {"Distribution", "ExponentialFamily"} <= tried


@pytest.mark.filterwarnings("ignore:Singular sample")  # torch's Wishart checks its samples
@pytest.mark.parametrize("name", WORKING)
def test_samples_of_a_distribution_satisfy_steins_identities_in_its_coordinates(name):
    """E s(x) = 0 and E s(x) x' = -I: a wrong Jacobian violates them."""
    target, n = targets.from_distribution(WORKING[name]), 4000
    x = target.sample(n, torch.Generator().manual_seed(0))
    assert x.shape == (n, target.dim) == (n, len(target.plot_range))
    s = target.score(x)
    stein = s[:, :, None] * x[:, None, :] + torch.eye(target.dim, dtype=F64)
    for each in (s, stein):
        assert (each.mean(0).abs() < 5 * each.std(0) / n**0.5).all()
    low, high = torch.tensor(target.plot_range, dtype=F64).T
    if target.is_bounded:
        assert ((x > low) & (x < high)).double().mean(0).min() > 0.99
    y = target.constrain(x)
    assert y.shape == (n, *(WORKING[name].event_shape or (1,)))
    # near an end of its support, different x have the same y
    assert torch.allclose(target.unconstrain(y[x.abs().amax(-1) < 12]), x[x.abs().amax(-1) < 12], atol=1e-7)


@pytest.mark.filterwarnings("ignore:Singular sample")
@pytest.mark.parametrize("name", [n for n, d in WORKING.items() if targets.from_distribution(d).dim == 1])
def test_the_density_in_its_coordinates_integrates_to_one(name):
    """The trapezoidal rule with step .01 is used.

    It is exact except for Cauchy's tail, the cusp of Laplace and torch's formula in float32. Also y rounds to 1 for
    x > 36, and beyond that the Beta with poles has e^-18 of its mass.
    """
    target = targets.from_distribution(WORKING[name])
    reach = 600.0 if name in ("Cauchy", "StudentT") else 60.0
    x = torch.linspace(-reach, reach, int(200 * reach) + 1, dtype=F64)[:, None]
    outside = 2 / (math.pi * reach) if name == "Cauchy" else 0.0
    precision = {"Cauchy": outside**2, "Laplace": 1e-5, "Beta with poles at its ends": math.exp(-18)}.get(name, 1e-9)
    if name.startswith("Generalized"):
        precision = 1e-6
    assert target.log_prob(x).exp().sum() * 0.01 + outside == pytest.approx(1, abs=precision)


@pytest.mark.filterwarnings("ignore:Singular sample")
@pytest.mark.parametrize("name", WORKING)
def test_float32_particles_have_float32_scores_that_agree_with_float64(name):
    target = targets.from_distribution(WORKING[name])
    x = target.sample(50, torch.Generator().manual_seed(1)).float()
    exact, rough = target.score(x.double()), target.score(x)
    assert rough.dtype == torch.float32
    assert ((rough - exact).abs() / (1 + exact.abs().amax(-1, keepdim=True))).max() < 1e-4


@pytest.mark.parametrize("name", REFUSED)
def test_a_distribution_that_cannot_be_a_target_raises_an_error_with_the_reason(name):
    d, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        targets.from_distribution(d).score(torch.zeros(3, 1, dtype=F64))


def test_a_circle_that_is_cut_open_as_the_error_advises_is_a_target():
    """E cos(y - loc) = I1(κ)/I0(κ) for y ~ VonMises(loc, κ)."""
    d = td.VonMises(c(3.0), c(2.0))
    with pytest.raises(ValueError, match="cut the circle open") as caught:
        targets.from_distribution(d)
    advice = str(caught.value).split("cut the circle open: ")[1]
    target = eval(advice, {"targets": targets, "torch": torch, "math": math, "d": d})
    x = torch.linspace(-40, 40, 8001, dtype=F64)[:, None]
    found = (target.log_prob(x).exp() * (target.constrain(x)[:, 0] - 3).cos()).sum() * 0.01
    assert found.item() == pytest.approx((torch.special.i1(c(2.0)) / torch.special.i0(c(2.0))).item(), abs=1e-7)


def test_correlations_under_lkj_have_their_known_variance():
    """Each of LKJ(η) in D dimensions has (r + 1)/2 ~ Beta(b, b), b = η + D/2 - 1, so that Var r = 1/(2b + 1) = 1/6.

    Importance sampling from normals is used, because torch's own sampler gives .21 for two of the three (torch 2.13).
    """
    target, n = targets.from_distribution(td.LKJCholesky(3, c(2.0))), 100_000
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
    w = (target.log_prob(x) + 0.5 * (x * x).sum(-1)).exp() * (2 * math.pi) ** 1.5
    root = target.constrain(x)
    r = (root @ root.mT)[:, [1, 2, 2], [0, 0, 1]]
    for each, exact in ((w[:, None], 1.0), (w[:, None] * (r * r - 1 / 6), 0.0)):
        assert ((each.mean(0) - exact).abs() < 5 * each.std(0) / n**0.5).all()


@pytest.mark.parametrize(
    "support",
    [constraints.simplex, constraints.corr_cholesky, constraints.lower_cholesky, constraints.positive_definite],
)
def test_the_log_jacobian_of_a_map_is_taken_in_its_free_coordinates(support):
    target = targets.from_log_prob(lambda y: y.flatten(1).sum(-1) * 0, support=support)
    x = torch.randn(6, generator=torch.Generator().manual_seed(0), dtype=F64)

    def free(x):
        y = target.constrain(x)
        if support is constraints.simplex:
            return y[:-1]
        rows, columns = torch.tril_indices(len(y), len(y), -1 if support is constraints.corr_cholesky else 0)
        return y[rows, columns]

    exact = torch.linalg.slogdet(torch.autograd.functional.jacobian(free, x)).logabsdet
    assert target.log_prob(x[None]).item() == pytest.approx(exact.item(), abs=1e-11)
    assert support.check(target.constrain(x)) and torch.allclose(target.unconstrain(target.constrain(x)), x)


ENDS = {
    "positive": (constraints.positive, torch.exp, lambda x: x),
    "greater_than": (constraints.greater_than(c([1.0, -3.0])), lambda x: c([1.0, -3.0]) + x.exp(), lambda x: x),
    "less_than": (constraints.less_than(2.0), lambda x: 2 - x.exp(), lambda x: x),
    "interval": (
        constraints.interval(-1.0, 3.0),
        lambda x: 4 * torch.sigmoid(x) - 1,
        lambda x: math.log(4) + torch.nn.functional.logsigmoid(x) + torch.nn.functional.logsigmoid(-x),
    ),
    "stack": (
        constraints.stack([constraints.real, constraints.positive], -1),
        lambda x: torch.stack([x[..., 0], x[..., 1].exp()], -1),
        lambda x: x * c([0.0, 1.0]),
    ),
    "real": (constraints.real_vector, lambda x: x, torch.zeros_like),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_function_on_a_support_is_transformed_by_its_map(name):
    """log p(x) = f(T(x)) + log |T'(x)|, where the test writes T and T' itself."""
    support, to, log_slope = ENDS[name]

    def f(y):
        return -(y**2).sum(-1) + y[..., 0]

    target = targets.from_log_prob(f, support=support)
    x = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0), dtype=F64)
    leaf = x.clone().requires_grad_()
    wanted = f(to(leaf)) + log_slope(leaf).sum(-1)
    assert torch.allclose(target.constrain(x), to(x)) and torch.allclose(target.unconstrain(to(x)), x)
    assert torch.allclose(target.log_prob(x), wanted)
    assert torch.allclose(target.score(x), torch.autograd.grad(wanted.sum(), leaf)[0])


def test_a_function_and_a_distribution_on_the_same_support_agree():
    d = td.Dirichlet(c([2.0, 3.0, 4.0]))
    named, whole = targets.from_log_prob(d.log_prob, support=d.support, dim=2), targets.from_distribution(d)
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=F64)
    assert torch.equal(named.score(x), whole.score(x)) and torch.equal(named.constrain(x), whole.constrain(x))
    # E log(y1/y3) = digamma(2) - digamma(4), and x2 = log(y2/y3) without an offset
    assert whole.mean[1].item() == pytest.approx((torch.digamma(c(3.0)) - torch.digamma(c(4.0))).item(), abs=1e-9)


def test_a_uniform_density_has_the_logistic_score():
    """x is the logit of y, so that p(x) = σ(x) σ(-x), and the score is -tanh(x/2)."""
    target = targets.from_distribution(td.Uniform(2.0, 5.0))
    x = torch.linspace(-30, 30, 50, dtype=F64)[:, None]
    assert torch.allclose(target.score(x), -torch.tanh(x / 2), atol=1e-12)
    flat = targets.from_log_prob(lambda y: torch.zeros(y.shape[:-1]), support=constraints.interval(2.0, 5.0))
    assert torch.allclose(flat.score(x), -torch.tanh(x / 2), atol=1e-12)
    assert target.mean.item() == pytest.approx(0, abs=1e-9)
    assert target.covariance.item() == pytest.approx(math.pi**2 / 3, abs=1e-5)


def test_a_density_without_a_gradient_is_an_error_unless_it_is_constant_on_a_support():
    x = torch.zeros(4, 1)
    for flat in (lambda x: torch.zeros(len(x)), td.Normal(0.0, 1.0).log_prob(torch.zeros(4)).mul):
        with pytest.raises(
            ValueError, match="without a gradient; .* If the density is constant on a support, use targets"
        ):
            targets.from_log_prob(lambda x, flat=flat: flat(x) if flat(x).ndim == 1 else flat(1.0)).score(x)
    detached = targets.from_log_prob(lambda y: -y.detach().sum(-1), support=constraints.positive)
    with pytest.raises(ValueError, match="without a gradient; use no detach"):
        detached.score(torch.linspace(0, 1, 4)[:, None])


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("name", ["Gamma", "Beta", "Beta with poles at its ends", "Dirichlet", "narrow"])
def test_far_out_scores_stay_finite_and_point_inward_though_y_rounds_to_an_end(name, dtype):
    """There exp and sigmoid round to 0 or to an end, where torch's log_prob is -inf."""
    d = td.Uniform(c(100.0), c(101.0)) if name == "narrow" else WORKING[name]
    target = targets.from_distribution(d)
    for reach in (40.0, 60.0, 80.0):
        right = target.score(torch.full((1, target.dim), reach, dtype=dtype))
        left = target.score(torch.full((1, target.dim), -reach, dtype=dtype))
        assert torch.isfinite(right).all() and torch.isfinite(left).all() and (right < 0).all() and (left > 0).all()


def half_line(x):
    return torch.where(x[..., 0] > 0, -x[..., 0], -math.inf)


def test_a_log_density_that_is_not_finite_raises_an_error_with_the_number_and_advice():
    x = c([[1.0], [-2.0], [3.0], [-4.0]])
    with pytest.raises(ValueError, match=r"finite at 2 of 4 particles, the first at x = \[-2.0\]; .*support=\.\.\."):
        targets.from_log_prob(half_line).score(x)
    with pytest.raises(ValueError, match="not finite at 4 of 4 particles"):
        targets.from_log_prob(lambda x: x.sum(-1) * math.nan).score(x)
    big = targets.from_log_prob(lambda x: x.sum(-1))  # finite values whose sum overflows
    assert torch.equal(big.score(torch.full((4, 1), 1e308, dtype=F64)), torch.ones(4, 1, dtype=F64))
    unvalidated = td.Gamma(c(3.0), c(2.0), validate_args=False)
    with pytest.raises(ValueError, match="not finite at 2 of 4 particles"):
        targets.from_log_prob(lambda x: unvalidated.log_prob(x[..., 0])).score(x)
    # pictures need this
    assert targets.from_log_prob(half_line).log_prob(x).tolist() == [-1.0, -math.inf, -3.0, -math.inf]


def test_torchs_error_for_points_outside_a_support_becomes_short():
    gamma = td.Gamma(c([3.0]), c([2.0]), validate_args=True)  # torch.compile switches the default off
    target = targets.from_log_prob(lambda x: gamma.log_prob(x).sum(-1))
    with pytest.raises(ValueError, match=r"log_prob rejected some of x \[50, 1\]: .*GreaterThanEq.*support=") as caught:
        target.score(torch.linspace(-1, 1, 50, dtype=F64)[:, None])
    assert "found invalid" not in str(caught.value) and len(str(caught.value)) < 500

    def own(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        targets.from_log_prob(own).score(torch.zeros(2, 1))


@pytest.mark.parametrize(
    ("support", "error", "reason"),
    [
        (constraints.positive_integer, ValueError, "must be continuous"),
        (constraints.lower_triangular, ValueError, "there is no map from R.d onto the support"),
        (td.Uniform.support, ValueError, "use the support of an object"),
        (constraints.independent(constraints.positive, 2), ValueError, "reshape inside f"),
        (constraints.cat([constraints.simplex, constraints.real]), ValueError, "must join supports of single numbers"),
        (constraints.stack([constraints.positive, constraints.real]), ValueError, "got dim = 0; give dim=-1"),
    ],
)
def test_an_impossible_support_is_rejected(support, error, reason):
    with pytest.raises(error, match=reason):
        targets.from_log_prob(torch.sum, support=support)


def test_a_support_that_is_not_a_constraint_is_rejected():
    """This calls the check itself, because in test runs jaxtyping checks the types of `from_log_prob` before it."""
    with pytest.raises(TypeError, match="support must be one of torch.distributions.constraints, got str; use const"):
        wrap.onto("positive")


def test_a_vector_that_does_not_fill_a_triangle_is_rejected():
    target = targets.from_log_prob(lambda y: y.sum((-2, -1)), support=constraints.positive_definite)
    with pytest.raises(ValueError, match=re.escape("has 1, 3, 6, 10, ... numbers, got x of 4")):
        target.score(torch.zeros(2, 4))


def test_a_function_may_write_into_its_argument():
    """log p = -x²/2 is computed in place: its score is -x, and x does not change."""
    x = c([[1.0], [-2.0]])
    target = targets.from_log_prob(lambda x: x.square_().mul_(-0.5).sum(-1))
    assert torch.equal(target.score(x), -x) and torch.equal(target.log_prob(x), -0.5 * x[:, 0] ** 2)
    assert x.tolist() == [[1.0], [-2.0]]
    bounded = targets.from_log_prob(lambda y: y.neg_().sum(-1), support=constraints.positive)
    assert torch.allclose(bounded.score(x), 1 - x.exp())  # y ~ Exponential(1): log p(x) = x - e^x


@pytest.mark.parametrize("name", ["LowRankMultivariateNormal", "MultivariateNormal", "StudentT", "Gamma", "Wishart"])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_parameters_and_particles_may_differ_in_dtype(name, dtype):
    narrow = {
        "LowRankMultivariateNormal": td.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)),
        "MultivariateNormal": td.MultivariateNormal(torch.zeros(2), torch.eye(2)),
        "StudentT": td.StudentT(torch.tensor(5.0)),
        "Gamma": td.Gamma(torch.tensor(3.0), torch.tensor(2.0)),
        "Wishart": td.Wishart(torch.tensor(6.0), torch.eye(2)),
    }[name]
    target = targets.from_distribution(narrow)
    x = torch.randn(8, target.dim, generator=torch.Generator().manual_seed(0), dtype=dtype)
    s, leaf = target.score(x), x.float().requires_grad_()
    wanted = torch.autograd.grad(target.log_prob(leaf).sum(), leaf)[0]
    assert s.dtype == dtype and torch.allclose(s.float(), wanted, rtol=1e-4, atol=1e-4)
    assert narrow.mean.dtype == torch.float32  # the user's own object does not change


def test_a_bare_distribution_with_a_bounded_support_warns_how_to_convert_particles():
    class Mine(td.Exponential):
        pass

    d, x = Mine(c(1.0)), torch.zeros(3, 1, dtype=F64)
    with pytest.warns(UserWarning, match=r"Mine has a bounded support, .* convert them with target.constrain\(x\)"):
        score = targets.as_score(d)
    assert torch.allclose(score(x), 1 - x.exp())  # log p(x) = x - e^x


def test_points_that_leave_a_simplex_only_by_rounding_are_accepted():
    """In float32 some sums of 10,000 parts differ from 1 by more than the 1e-6 that torch allows."""
    d = td.Dirichlet(torch.ones(10_000), validate_args=True)
    target, x = targets.from_distribution(d), torch.randn(50, 9999, generator=torch.Generator().manual_seed(0))
    assert not d.support.check(target.constrain(x)).all()
    assert torch.isfinite(target.score(x)).all()


def test_the_inverse_of_a_copied_transform_belongs_to_the_copy():
    """A transform that was inverted before refers to its inverse, and the inverse refers to it."""
    original = td.AffineTransform(torch.ones(2), torch.ones(2))
    kept = original.inv
    for made in (supports.copied(original, c([0.0])), supports.copied(kept, c([0.0])).inv):
        assert made.inv.inv is made and made.loc.dtype == F64 and kept.inv is original
    used = WORKING["TransformedDistribution"]
    used.log_prob(c(0.5))
    assert torch.isfinite(targets.from_distribution(used).score(torch.zeros(2, 1))).all()


def test_constrain_returns_x_for_targets_on_all_of_space():
    x = torch.zeros(3, 2)
    for target in (targets.make("banana"), targets.from_log_prob(torch.sum), targets.from_distribution(TWO)):
        assert target.constrain(x) is x and target.unconstrain(x) is x


TWO = td.MultivariateNormal(torch.zeros(2), torch.eye(2))
