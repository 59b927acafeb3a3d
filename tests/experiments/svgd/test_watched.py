"""A run on a user's own target: its states equal those of `svgd.flow`, and its density is normalised."""

import math
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch.distributions import Gamma, MultivariateNormal

from labkit import svgd, targets
from labkit.experiments.svgd import numbers
from labkit.experiments.svgd.watched import WatchedRun
from labkit.targets import scores

X = torch.randn(12, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LINE = torch.linspace(-3, 3, 61, dtype=torch.float64)[:, None]


def log_ring(x):
    return -((x.norm(dim=-1) - 2) ** 2) / 0.18


def taken(run, steps):
    state = run.start()
    for _ in range(steps):
        state = run.step(state)
    return state


def last(stream, steps):
    return next(islice(stream, steps, steps + 1))


@pytest.mark.parametrize(
    ("target", "how"),
    [
        ("banana", {}),
        (torch.neg, {"kernel": "imq", "optimizer": "adam", "bandwidth": 0.7}),
        (targets.from_log_prob(log_ring), {"bandwidth": "paper", "optimizer": svgd.Plain(0.2)}),
        (MultivariateNormal(torch.zeros(2), torch.eye(2)), {"kernel": svgd.Matern32()}),
    ],
)
def test_the_states_equal_those_of_a_flow(target, how):
    run = WatchedRun(target, X.numpy(), **how)
    assert torch.equal(taken(run, 3).x, last(svgd.flow(target, X, **how), 3).x)
    assert torch.equal(taken(run, 3).x, taken(run, 3).x)


def test_a_run_with_a_generator_starts_again_with_the_same_numbers():
    posterior = targets.make("logistic").minibatch(20)
    x, generator = 0.1 * X[:5].repeat(1, 16), torch.Generator().manual_seed(3)
    run = WatchedRun(posterior, x, generator=generator)
    wanted = last(svgd.flow(posterior, x, generator=torch.Generator().manual_seed(3)), 2)
    assert torch.equal(taken(run, 2).x, wanted.x) and torch.equal(taken(run, 2).x, wanted.x)
    assert run.density().labels[-1] == "log α"


def test_a_run_may_continue_from_a_state():
    state = last(svgd.flow("banana", X), 4)
    run = WatchedRun("banana", state)
    assert run.start() is state and torch.equal(run.step(state).x, last(svgd.flow("banana", X), 5).x)


# densities on a line


def density(run):
    return run.density().log_prob(LINE).exp()


@pytest.mark.parametrize("box", [None, ((-3.0, 3.0),), ((-9.0, 9.0),)])
def test_a_function_up_to_a_constant_is_normalised(box):
    """N(0.5, 0.5²) times e^7."""
    run = WatchedRun(targets.from_log_prob(lambda x: 7 - 2 * (x[..., 0] - 0.5) ** 2), X[:, :1], box=box)
    wanted = (-2 * (LINE[:, 0] - 0.5) ** 2).exp() * math.sqrt(2 / math.pi)
    assert torch.allclose(density(run), wanted, atol=1e-9)


def test_a_score_alone_has_the_density_of_its_integral():
    """For the score x - x³ it is exp(x²/2 - x⁴/4), here normalised by a sum."""
    run = WatchedRun(lambda x: x - x**3, X[:, :1], box=((-4.0, 4.0),))
    grid = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    mass = (grid**2 / 2 - grid**4 / 4).exp().sum() * 1e-3
    wanted = (LINE[:, 0] ** 2 / 2 - LINE[:, 0] ** 4 / 4).exp() / mass
    assert torch.allclose(density(run), wanted, atol=1e-5)


def test_a_bounded_distribution_has_the_density_of_its_coordinate():
    """x = log y of Gamma(3, 1): p(x) = e^(3x - e^x) / 2."""
    scores._say_unconstrained.cache_clear()  # it warns once per process and kind
    with pytest.warns(UserWarning, match="bounded support"):
        run = WatchedRun(Gamma(3.0, 1.0), X[:, :1])
    wanted = (3 * LINE[:, 0] - LINE[:, 0].exp()).exp() / 2
    assert torch.allclose(density(run), wanted, rtol=1e-4)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("alone", [True, False], ids=["score", "log-density"])
def test_pictures_use_the_dtype_of_the_particles(dim, alone):
    """N(0, 1), with a matrix in float32, as a user writes it who works in float32."""
    eye = torch.eye(dim)

    def log_prob(x):
        return -((x @ eye) * x).sum(-1) / 2

    target = (lambda x: -x @ eye) if alone else targets.from_log_prob(log_prob, dim=dim)
    run = WatchedRun(target, X[:, :dim].float(), box=((-8.0, 8.0),) * dim)
    assert torch.equal(taken(run, 2).x, last(svgd.flow(target, X[:, :dim].float()), 2).x)
    if dim == 1:
        assert torch.allclose(density(run), (-(LINE[:, 0] ** 2) / 2).exp() / math.sqrt(2 * math.pi), atol=1e-5)
    found = run.density()
    assert found.has_density is (dim == 1 or not alone)
    if not alone:
        assert found.covariance is None or torch.allclose(found.covariance, eye.double(), atol=0.01)
        assert found.log_prob(X[:, :dim]).dtype == torch.float64


def test_a_density_that_fails_on_a_grid_is_not_drawn():
    def score(x):
        if len(x) != len(X):
            raise RuntimeError("for these particles only")
        return -x

    run = WatchedRun(score, X[:, :1])
    assert not run.density().has_density and taken(run, 2).t == 2


def test_a_density_on_a_grid_is_computed_in_parts():
    """A posterior with 1,000 rows has a number for each row and point; all at once would need gigabytes."""
    sizes = []

    def log_prob(x):
        sizes.append(x[..., 0].numel())
        return -(x**2).sum(-1) / 2

    found = WatchedRun(targets.from_log_prob(log_prob, dim=2, plot_range=((-8, 8), (-8, 8))), X).density()
    assert torch.allclose(found.covariance, torch.eye(2, dtype=torch.float64), atol=1e-6)
    found.log_prob(torch.zeros(120, 120, 2))
    assert max(sizes) <= 2048 and sum(sizes) > 160_000


def test_a_score_in_the_plane_has_no_density():
    density = WatchedRun(torch.neg, X).density()
    assert not density.has_density and density.covariance is None
    with pytest.raises(ValueError, match="only the score is known, not the density; use targets.from_log_prob"):
        density.log_prob(X)
    assert WatchedRun("banana", X).density().has_density


# ranges and numbers


def test_the_picture_holds_the_target_and_the_first_particles():
    run = WatchedRun("banana", X - 20)
    low, high = np.array(run.box).T
    known = np.array(targets.make("banana").plot_range)
    assert (low < (X - 20).amin(0).numpy()).all() and (low <= known[:, 0]).all() and (high >= known[:, 1]).all()
    assert WatchedRun("banana", X, box=((-1, 1), (-2, 2))).box == ((-1, 1), (-2, 2))


def test_wrong_particles_and_ranges_are_refused():
    with pytest.raises(
        ValueError, match=r"shows one run \(n, d\), got \(2, 12, 2\); give one of them, such as x0\[0\]"
    ):
        WatchedRun("banana", torch.stack([X, X]))
    with pytest.raises(ValueError, match=r"box must hold 2 pairs \(low, high\), one per dimension, got 1; change it"):
        WatchedRun("banana", X, box=((-1, 1),))
    with pytest.raises(ValueError, match="kernel 'imp' is unknown"):
        WatchedRun("banana", X, kernel="imp")
    with pytest.raises(ValueError, match="must be finite"):
        WatchedRun("banana", replace(svgd.start(X, "banana"), x=X * math.nan).x)


def test_numbers_need_what_the_target_knows():
    def titles(target):
        return [each.title for each in numbers.of_run(WatchedRun(target, X))]

    known = ["Stein discrepancy", "Error of the moments"]
    assert titles(torch.neg) == known[:1]
    assert titles("banana") == titles(targets.from_log_prob(log_ring, dim=2)) == known
