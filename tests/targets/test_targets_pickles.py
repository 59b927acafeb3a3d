"""Targets, scores and schedules can be pickled and copied, before and after their use."""

import copy
import pickle

import pytest
import torch
from torch.distributions import (
    Beta,
    Dirichlet,
    Gamma,
    LKJCholesky,
    LogNormal,
    MultivariateNormal,
    Normal,
    Uniform,
    Wishart,
    constraints,
)

from labkit import targets
from labkit.targets import TARGETS, Annealed, as_score, cyclical_schedule, linear_schedule

SUPPORTS = {
    "positive": (constraints.positive, 2),
    "interval": (constraints.interval(0.0, 1.0), 2),
    "simplex": (constraints.simplex, 2),
    "stack": (constraints.stack([constraints.real, constraints.positive], -1), 2),
    "corr_cholesky": (constraints.corr_cholesky, 3),
}
DISTRIBUTIONS = [
    Normal(0.0, 2.0),
    Gamma(2.0, 1.0),
    Beta(2.0, 3.0),
    LogNormal(0.0, 1.0),
    Uniform(-1.0, 1.0),
    MultivariateNormal(torch.zeros(2), torch.eye(2)),
    Dirichlet(torch.ones(3)),
    LKJCholesky(3, 1.0),
    Wishart(torch.tensor(4.0), torch.eye(2)),
]


def log_p(y):
    return -y.flatten(1).square().sum(-1)


def check(target):
    """The copies have the same score, also of a target that was used."""
    x = torch.randn(5, target.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for ways in range(2):
        for made in (pickle.loads(pickle.dumps(target)), copy.deepcopy(target)):
            assert torch.equal(made.score(x), target.score(x)), ways
        assert target.plot_range is None or len(target.plot_range) == target.dim


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_of_the_registry_can_be_pickled(name):
    check(targets.make(name))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: type(d).__name__)
def test_a_target_of_a_distribution_can_be_pickled(distribution):
    check(targets.from_distribution(distribution))


@pytest.mark.parametrize("name", SUPPORTS)
def test_a_function_on_a_support_can_be_pickled(name):
    support, dim = SUPPORTS[name]
    check(targets.from_log_prob(log_p, support=support, dim=dim))


def test_scores_and_schedules_can_be_pickled():
    x = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for schedule in (linear_schedule(10), cyclical_schedule(12, 3, 2.0)):
        made = pickle.loads(pickle.dumps(schedule))
        assert [made(t) for t in range(20)] == [schedule(t) for t in range(20)]
        score = Annealed(targets.make("banana"), schedule)
        assert torch.equal(pickle.loads(pickle.dumps(score)).at(4)(x), score.at(4)(x))
    score = as_score(MultivariateNormal(torch.zeros(2), torch.eye(2)))
    assert torch.allclose(pickle.loads(pickle.dumps(score))(x), -x)


def test_arrays_and_frames_are_refused_with_the_call_that_converts(unchecked):
    import pandas as pd

    frame = pd.DataFrame(torch.zeros(3, 2).numpy())
    of_function = targets.from_log_prob(log_p, dim=2)
    bounded = targets.from_log_prob(log_p, support=constraints.positive)
    for call in (
        targets.make("banana").log_prob,
        targets.make("banana").score,
        of_function.log_prob,
        of_function.score,
    ):
        with pytest.raises(
            TypeError, match=r"x must be a tensor, got DataFrame; use torch.as_tensor\(x.to_numpy\(\), dt"
        ):
            call(frame)
        with pytest.raises(
            TypeError, match=r"x must be a tensor, got ndarray; use torch.as_tensor\(x, dtype=torch.float"
        ):
            call(frame.to_numpy())
    with pytest.raises(TypeError, match=r"points must be a tensor, got ndarray; use torch.as_tensor\(points, dtype"):
        bounded.unconstrain(frame.to_numpy())
