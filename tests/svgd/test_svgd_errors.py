"""An error for wrong input gives what was expected, the value, and what to do, where the input enters."""

import re
from itertools import islice

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd.checks import check_particles

X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

WAYS = {
    "start": lambda x, score=torch.neg, **kw: svgd.start(x, score, **kw),
    "flow": lambda x, score=torch.neg, **kw: svgd.flow(score, x, **kw),
    "phi": lambda x, score=torch.neg, **kw: svgd.phi(x, score, **kw),
    "ksd": lambda x, score=torch.neg, **kw: svgd.ksd(x, score, **kw),
    "update": lambda x, score=torch.neg, **kw: svgd.SVGD().update(x, score, 2, **kw),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_particles_that_are_not_finite_raise_an_error_with_their_index(way, value):
    x = X.clone()
    x[3, 1] = value
    with pytest.raises(ValueError, match=r"particles must be finite, got 1 of 12 .* first at index \(3, 1\); check"):
        way(x)


def test_finite_particles_with_an_infinite_sum_are_accepted():
    big = torch.full((4, 1), 1e308, dtype=torch.float64)
    check_particles(big)


@pytest.mark.parametrize("shape", [(6,), (0, 2), (6, 0), (0, 6, 2)])
def test_particles_of_a_wrong_shape_are_rejected(way, shape):
    wanted = re.escape(f"particles must be (..., n, d) with n and d at least 1, got {shape}; for one dimension use")
    with pytest.raises(ValueError, match=wanted):
        way(torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.bfloat16, torch.complex64])
def test_particles_of_a_wrong_dtype_are_rejected(way, dtype):
    with pytest.raises(TypeError, match=rf"float32 or float64 tensor, got {dtype}; use torch.as_tensor\(x, dtype"):
        way(X.to(dtype))


@pytest.mark.parametrize("thing", [np.zeros((3, 1)), [[0.0], [1.0]], None])
def test_particles_must_be_a_tensor(thing):
    """This calls the check itself, because in test runs jaxtyping checks the types of `start` before it."""
    with pytest.raises(TypeError, match=f"float32 or float64 tensor, got {type(thing).__name__}; use torch.as_tensor"):
        check_particles(thing)


@pytest.mark.parametrize("score", [lambda x: x.mT, lambda x: x[:3], lambda x: x[None], lambda x: -x.sum()])
def test_a_score_of_a_wrong_shape_is_rejected(way, score):
    with pytest.raises(
        ValueError, match=r"the score must return a tensor \(6, 2\) like the particles, got \(.*; differ"
    ):
        way(X, score)


@pytest.mark.parametrize(("d", "keepdim"), [(1, False), (2, False), (2, True)])
def test_a_log_density_passed_as_a_score_raises_an_error_with_a_hint(way, d, keepdim):
    hint = re.escape("this looks like a log-density; wrap it: targets.from_log_prob(f)")
    with pytest.raises(ValueError, match=hint):
        way(X[:, :d], lambda x: -0.5 * (x * x).sum(-1, keepdim=keepdim))


def test_the_log_prob_of_a_distribution_is_rejected_as_a_score(way):
    """In one dimension it has the shape of a score, and the particles would diverge without an error."""
    normal = torch.distributions.Normal(0.0, 1.0)
    with pytest.raises(TypeError, match=r"the score must not be a log-density, got Normal.log_prob; pass the Normal i"):
        way(X[:, :1], normal.log_prob)


def test_a_score_must_return_a_tensor_of_the_particles_dtype(way):
    with pytest.raises(ValueError, match=r"a tensor \(6, 2\) like the particles, got NoneType; differentiate"):
        way(X, lambda x: None)
    with pytest.raises(ValueError, match=r"return torch.float64 like the particles, got torch.float32; make its const"):
        way(X, lambda x: -x.float())


def test_a_score_that_is_not_finite_is_rejected(way):
    with pytest.raises(
        ValueError, match=r"the score at step 0 must be finite, got 12 of 12 .* take a smaller step size"
    ):
        way(X, lambda x: x * float("nan"))


def test_a_score_that_becomes_nan_names_the_step_and_keeps_earlier_states():
    calls = []

    def score(x):
        calls.append(x)
        return -x if len(calls) <= 3 else torch.where(x == x.max(), float("nan"), -x)

    run = svgd.flow(score, X)
    states = list(islice(run, 3))
    with pytest.raises(ValueError, match="the score at step 3 must be finite, got 1 of 12 that are not"):
        next(run)
    assert [state.t for state in states] == [0, 1, 2]
    assert svgd.step(states[2], torch.neg).x.isfinite().all()
    calls.clear()
    with pytest.raises(ValueError, match="the score at step 3 must be finite"):
        svgd.SVGD().update(X, score, 10)
    with pytest.raises(ValueError, match="the score at step 0 must be finite"):
        svgd.SVGD().update(X.numpy(), lambda x: x * np.nan, 10)


@pytest.mark.parametrize("thing", [np.full((6, 2), "a"), np.zeros((6, 2)) + 1j, np.full((6, 2), object())])
def test_update_rejects_particles_and_scores_that_are_not_real_numbers(thing):
    with pytest.raises(TypeError, match="particles must be real numbers of one shape, got .*; use np.asarray"):
        svgd.SVGD().update(thing, np.negative, 2)
    with pytest.raises(TypeError, match="the score's values must be real numbers of one shape, got .*; use np.asarray"):
        svgd.SVGD().update(X.numpy(), lambda x: thing, 2)


def test_a_step_that_makes_particles_overflow_is_an_error():
    with pytest.raises(ValueError, match="must be finite, got .* take a smaller step"):
        list(islice(svgd.flow(lambda x: -(x**3), X, optimizer=svgd.Plain(1e3)), 20))


BANDWIDTHS = [0, 0.0, -0.5, float("nan"), float("inf"), torch.tensor(0.0)]


@pytest.mark.parametrize("h", BANDWIDTHS)
def test_a_bandwidth_that_is_not_a_length_is_rejected(way, h):
    with pytest.raises(
        ValueError, match="bandwidth must be a finite number > 0, got .*; give a length or name a rule: med"
    ):
        way(X, bandwidth=h)


def test_an_unknown_rule_raises_an_error_with_the_known_ones():
    for name in ("start", "flow", "phi", "ksd"):
        with pytest.raises(ValueError, match="'medain' is unknown; give a number, a callable, or median, paper"):
            WAYS[name](X, bandwidth="medain")
    with pytest.raises(ValueError, match="'medain' is unknown; .* a callable, or median"):
        svgd.mmd(X, X, bandwidth="medain")


@pytest.mark.parametrize("h", [0.0, float("nan"), torch.ones(2)])
def test_a_rule_that_does_not_return_a_length_is_rejected(h):
    wanted = (
        r"finite numbers > 0, got .* at step 0; correct|one number per run, shape \(\), got \(2,\) at step 0; reduce"
    )
    with pytest.raises(ValueError, match=wanted):
        svgd.start(X, torch.neg, bandwidth=lambda x: h)


def test_bandwidths_for_another_number_of_runs_are_rejected():
    with pytest.raises(ValueError, match=r"the shape of the runs, \(2,\), got \(3,\); give one number, or one per run"):
        svgd.start(X.expand(2, 6, 2), torch.neg, bandwidth=torch.ones(3))


@pytest.mark.parametrize("stepsize", [0.0, -0.1, float("nan"), float("inf")])
def test_update_rejects_a_step_size_that_is_not_positive(stepsize):
    with pytest.raises(ValueError, match="step_size must be .*, got .*; a common choice is 0.1"):
        svgd.SVGD().update(X, torch.neg, stepsize=stepsize)


@pytest.mark.parametrize("n_iter", [-1])
def test_update_rejects_a_negative_number_of_steps(n_iter):
    with pytest.raises(ValueError, match="n_iter must be a whole number >= 0, got -1"):
        svgd.SVGD().update(X, torch.neg, n_iter=n_iter)
    assert torch.equal(svgd.SVGD().update(X, torch.neg, n_iter=0), X)


def test_an_impossible_kernel_is_rejected():
    with pytest.raises(ValueError, match="scale must be > 0, got 0"):
        svgd.RBF(scale=0.0)
    with pytest.raises(ValueError, match="Sum needs at least one kernel, got none"):
        svgd.Sum(())
    with pytest.raises(ValueError, match=r"Sum needs kernels of x itself.*PerDimension\(Sum"):
        svgd.Sum((svgd.PerDimension(), svgd.RBF()))
    with pytest.raises(ValueError, match="the base must be a kernel of x itself"):
        svgd.PerDimension(svgd.PerDimension())
    with pytest.raises(ValueError, match="positive definite, got a matrix that is not; add a multiple"):
        svgd.Preconditioned(torch.diag(torch.tensor([1.0, -1.0])))
    with pytest.raises(ValueError, match="symmetric"):
        svgd.Preconditioned(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match=r"precision has shape \(3, 3\), got particles of 2 dim.*; give both the same"):
        svgd.start(X, torch.neg, kernel=svgd.Preconditioned(torch.eye(3)))


@pytest.mark.parametrize("rule", [svgd.Subsampled, svgd.Lagged])
def test_a_rule_with_count_0_is_rejected(rule):
    with pytest.raises(ValueError, match="must be a whole number >= 1, got 0"):
        rule(0)
