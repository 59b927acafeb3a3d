"""Runs on targets with a bounded support."""

from itertools import islice

import pytest
import torch
from torch import distributions as td
from torch.distributions import constraints

from labkit import svgd, targets
from labkit.targets import scores


def c(value):
    return torch.tensor(value, dtype=torch.float64)


BOUNDED = {
    "Gamma": td.Gamma(c(3.0), c(2.0)),
    "Beta": td.Beta(c(2.0), c(5.0)),
    "Dirichlet": td.Dirichlet(c([2.0, 3.0, 4.0])),
    "LogNormal": td.LogNormal(c(0.0), c(0.5)),
}


def test_particles_stay_in_the_support_and_the_state_has_their_coordinates(draw):
    target, x0 = targets.from_distribution(BOUNDED["Dirichlet"]), 5 * draw(20, 2)
    for state in islice(svgd.flow(target, x0), 20):
        assert constraints.simplex.check(target.constrain(state.x)).all()
        assert torch.equal(state.score, target.score(state.x))
    assert torch.allclose(target.constrain(target.unconstrain(target.constrain(state.x))), target.constrain(state.x))


def test_a_distribution_and_its_target_give_the_same_run(draw):
    d, x0 = BOUNDED["Gamma"], draw(20, 1)
    scores._say_unconstrained.cache_clear()  # it warns once per process and kind
    with pytest.warns(UserWarning, match="Gamma has a bounded support"):
        bare = list(islice(svgd.flow(d, x0), 5))[-1]
    state = list(islice(svgd.flow(targets.from_distribution(d), x0), 5))[-1]
    assert torch.equal(bare.x, state.x) and torch.equal(bare.ksd, state.ksd)


def test_particles_that_leave_an_unnamed_support_stop_the_run(draw):
    """Exponential(1) is a function that is -inf below 0. Without this error particles would leave unnoticed."""
    run = svgd.flow(targets.from_log_prob(lambda x: torch.where(x > 0, -x, -torch.inf).sum(-1)), draw(20, 1).abs())
    with pytest.raises(ValueError, match=r"not finite at \d+ of 20 particles, .*use targets.from_log_prob"):
        list(islice(run, 200))


@pytest.mark.slow  # two hundred steps of 200 particles for each
@pytest.mark.parametrize("name", BOUNDED)
def test_mean_and_variance_on_a_bounded_support_are_within_5_percent(name, draw):
    """200 particles move by the RBF with twice the median rule's length, with steps of .1 and then of .01.

    At .1 the last steps still move the particles by several percent. The length of the median rule shrinks the variance
    of LogNormal by 5 %, twice this length by 2 %.
    """
    d, kernel = BOUNDED[name], svgd.RBF(2.0)
    target = targets.from_distribution(d)
    state = svgd.start(draw(200, target.dim), target, kernel=kernel)
    for size, steps in ((0.1, 100), (0.01, 100)):
        for _ in range(steps):
            state = svgd.step(state, target, kernel=kernel, optimizer=svgd.Adagrad(size))
    y = target.constrain(state.x)
    for found, exact in ((y.mean(0), d.mean), (y.var(0, correction=0), d.variance)):
        assert (found / exact - 1).abs().max() < 0.05
