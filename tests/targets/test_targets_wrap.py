"""Functions, torch distributions and scores that change with the step."""

import math

import pytest
import torch
from torch import distributions as td

from labkit import targets


def points(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_function_becomes_a_target_with_its_gradient_as_score():
    """log p = -x1⁴/4 - x2²/2 has score (-x1³, -x2), detached, even in no_grad and inference_mode."""
    target = targets.from_log_prob(lambda x: -(x[..., 0] ** 4) / 4 - x[..., 1] ** 2 / 2, dim=2)
    x = points(20, 2).reshape(4, 5, 2)
    wanted = torch.stack([-(x[..., 0] ** 3), -x[..., 1]], -1)
    with torch.no_grad():
        assert torch.allclose(target.score(x), wanted)
    with torch.inference_mode():
        assert torch.allclose(target.score(x * 1), wanted)
    score = target.score(x.clone().requires_grad_())
    assert not score.requires_grad and torch.allclose(score, wanted)


def test_moments_of_a_function_come_from_its_range_or_do_not_exist():
    def laplace(x):
        return -x.abs().sum(-1)

    wide = targets.from_log_prob(laplace, dim=1, plot_range=((-40.0, 40.0),))
    assert abs(wide.mean.item()) < 1e-12 and wide.covariance.item() == pytest.approx(2, abs=1e-3)
    # this range cuts off 2 %
    assert targets.from_log_prob(laplace, dim=1, plot_range=((-4.0, 4.0),)).covariance is None
    assert targets.from_log_prob(laplace, dim=3).mean is None
    assert targets.from_log_prob(laplace).score(torch.ones(2, 7)).tolist() == [[-1.0] * 7] * 2


def test_a_function_of_the_wrong_shape_is_rejected():
    for f in (lambda x: x, lambda x: x.sum(), lambda x: 0.0):
        with pytest.raises(ValueError, match="log_prob must map"):
            targets.from_log_prob(f, dim=2).score(torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r"x must be \[\.\.\., 2\]"):
        targets.from_log_prob(lambda x: -x.sum(-1), dim=2).score(torch.zeros(3, 3))
    with pytest.raises(ValueError, match="plot_range must hold 2 pairs"):
        targets.from_log_prob(torch.sum, dim=2, plot_range=((0.0, 1.0),))


def mixture_of(component):
    weights = torch.tensor([0.25, 0.75], dtype=torch.float64)
    return td.MixtureSameFamily(td.Categorical(weights), component)


MEANS = torch.tensor([[-2.0, 0.0], [2.0, 1.0]], dtype=torch.float64)
ROUND = torch.tensor([[1.0, 0.5], [0.3, 0.8]], dtype=torch.float64)
DISTRIBUTIONS = {
    "scalar": td.Normal(torch.tensor(1.0).double(), torch.tensor(2.0).double()),
    "student": td.StudentT(torch.tensor(9.0).double()),
    "independent": td.Independent(td.Normal(MEANS[0], ROUND[0]), 1),
    "correlated": td.MultivariateNormal(MEANS[1], torch.tensor([[2.0, 0.7], [0.7, 1.0]]).double()),
    "mixture on the line": mixture_of(td.Normal(MEANS[:, 0], ROUND[:, 0])),
    "mixture of independent": mixture_of(td.Independent(td.Normal(MEANS, ROUND), 1)),
    "mixture of correlated": mixture_of(td.MultivariateNormal(MEANS, torch.diag_embed(ROUND))),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_torch_distribution_becomes_a_target_with_its_moments(name):
    d, n = DISTRIBUTIONS[name], 40_000
    target = targets.from_distribution(d)
    assert target.dim == (d.event_shape[0] if d.event_shape else 1) == len(target.plot_range)
    state = torch.get_rng_state()
    x = target.sample(n, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), state)  # the global generator does not change
    assert torch.equal(x, target.sample(n, torch.Generator().manual_seed(0)))
    products = (x - target.mean)[:, :, None] * (x - target.mean)[:, None, :]
    stein = target.score(x)[:, :, None] * x[:, None, :]
    eye = torch.eye(target.dim, dtype=torch.float64)
    for draws, exact in ((x, target.mean), (products, target.covariance), (stein, -eye)):
        assert ((draws.mean(0) - exact).abs() < 5 * draws.std(0) / n**0.5).all()


def test_torch_and_labkit_agree_on_the_papers_mixture():
    weights = torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)
    modes = td.Normal(torch.tensor([-2.0, 2.0], dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    wrapped = targets.from_distribution(td.MixtureSameFamily(td.Categorical(weights), modes))
    x, ours = 4 * points(50, 1), targets.make("mixture")
    assert torch.allclose(wrapped.log_prob(x), ours.log_prob(x), atol=1e-12)
    assert torch.allclose(wrapped.score(x), ours.score(x), atol=1e-12)
    assert torch.allclose(wrapped.covariance, ours.covariance)


def test_unknown_moments_become_none_and_a_batch_is_rejected():
    cauchy = targets.from_distribution(td.Cauchy(0.0, 1.0))
    assert cauchy.mean is None and cauchy.covariance is None
    with pytest.raises(ValueError, match="Independent"):
        targets.from_distribution(td.Normal(torch.zeros(3), torch.ones(3)))


def test_as_score_accepts_only_a_score_a_target_or_a_distribution():
    x = points(6, 2)
    target = targets.make("standard")
    assert targets.as_score(torch.neg) is torch.neg
    only_log_prob = type("OnlyLogProb", (), {"log_prob": lambda self, x: -0.5 * (x * x).sum(-1)})()
    distribution = td.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    for thing in (target, only_log_prob, distribution):
        assert torch.allclose(targets.as_score(thing)(x), -x)
    with pytest.raises(TypeError, match=r"must be a score, a target or a distribution, got int; pass"):
        targets.as_score(3)


def test_as_score_keeps_at():
    annealed = targets.Annealed(torch.neg, targets.linear_schedule(4))
    assert targets.as_score(annealed)(torch.ones(1)) == -1  # not tempered
    assert targets.as_score(annealed).at(0, None)(torch.ones(1)) == -0.25

    class Changing:
        def log_prob(self, x):
            return -0.5 * (x * x).sum(-1)

        def at(self, t, generator):
            return lambda x: -t * x

    score = targets.as_score(Changing())
    assert score(torch.ones(1, 1)).item() == -1 and score.at(3, None)(torch.ones(1, 1)).item() == -3


def test_annealing_tempers_the_score_and_ends_at_the_target():
    """β s is the score of p^β; for N(0, 1) it is the score of N(0, 1/β)."""
    x = points(5, 1)
    annealed = targets.Annealed(targets.make("mixture"), targets.linear_schedule(10))
    full = targets.make("mixture").score(x)
    for t, beta in ((0, 0.1), (4, 0.5), (9, 1.0), (500, 1.0)):
        assert torch.allclose(annealed.at(t)(x), beta * full, atol=1e-14)
    with pytest.raises(ValueError, match=r"β in \(0, 1\]"):
        targets.Annealed(torch.neg, lambda t: math.nan).at(0)


def test_the_cyclical_schedule_rises_to_one_in_every_cycle():
    beta = targets.cyclical_schedule(20, cycles=4, power=2.0)
    cycle = [(k / 5) ** 2 for k in range(1, 6)]
    assert [beta(t) for t in range(20)] == pytest.approx(cycle * 4)
    assert beta(20) == beta(1000) == 1
    with pytest.raises(ValueError, match="steps >= cycles"):
        targets.cyclical_schedule(3, cycles=4)
