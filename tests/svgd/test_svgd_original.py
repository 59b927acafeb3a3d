"""labkit's numbers equal the original's: the direction, the median and the path (reference 6, A to C)."""

import warnings
from itertools import islice

import numpy as np
import pytest
import torch

from labkit import svgd, targets

SIZES = [2, 3, 100, 101, 256, 257, 1000, 1001]  # even and odd, and both sides of every change of method


@pytest.mark.parametrize(("n", "d"), [(n, d) for n in SIZES for d in (1, 2, 50) if (n, d) != (1000, 50)])
def test_direction_and_median_equal_the_originals(checks, reference, n, d):
    checks.bandwidth_is_the_originals(reference, n, d)
    checks.phi_is_the_originals(reference, n, d)


@pytest.mark.slow  # the reference computes all 25 million pairs
def test_direction_and_median_equal_the_originals_for_5000_particles_in_one_dimension(checks, reference):
    checks.bandwidth_is_the_originals(reference, 5000, 1)
    checks.phi_is_the_originals(reference, 5000, 1)


@pytest.mark.parametrize("d", [1, 3, 4])
def test_the_path_equals_the_originals(checks, reference, d):
    checks.path_is_the_originals(reference, d=d)


@pytest.mark.slow
def test_the_path_equals_the_originals_on_the_mixture(reference):
    x0 = np.random.default_rng(0).normal(-10, 1, (301, 1))
    wanted = reference.update(x0, reference.mixture_score, 200, 0.05)
    got = svgd.SVGD().update(x0, reference.mixture_score, n_iter=200, stepsize=0.05)
    assert np.abs(got - wanted).max() < 1e-10


def test_flow_equals_update_at_every_step(draw):
    x0 = draw(40, 2)
    stream = svgd.flow(torch.neg, x0, optimizer=svgd.Adagrad(0.05))
    for t, state in zip(range(20), stream, strict=False):
        assert torch.allclose(state.x, svgd.SVGD().update(x0, torch.neg, t, 0.05), rtol=0, atol=1e-12)


def test_the_first_move_is_a_sign_step(checks):
    checks.first_move_is_a_sign_step()


@pytest.mark.parametrize("h", [0.3, 2.0])
def test_a_fixed_bandwidth_is_used(checks, reference, h):
    """The original ignores it: there every value means the median."""
    checks.phi_is_the_originals(reference, 60, 2, h)
    x0 = np.random.default_rng(0).normal(-12, 1, (30, 2))
    got = svgd.SVGD().update(x0, np.negative, n_iter=100, stepsize=0.05, bandwidth=h)
    assert np.abs(got - reference.update(x0, np.negative, 100, 0.05, h)).max() < 1e-10
    assert np.abs(got - svgd.SVGD().update(x0, np.negative, n_iter=100, stepsize=0.05)).max() > 0.01


def test_alpha_is_the_decay_of_adagrad(reference):
    x0 = np.random.default_rng(0).normal(-12, 1, (30, 2))
    got = svgd.SVGD().update(x0, np.negative, n_iter=50, stepsize=0.05, alpha=0.5)
    assert np.abs(got - reference.update(x0, np.negative, 50, 0.05, alpha=0.5)).max() < 1e-10


def test_one_particle_follows_the_score(draw):
    """k(x, x) = 1 and grad k = 0 there, so phi is the score; the original gives NaN."""
    x = draw(1, 3) + 2
    state = svgd.start(x, torch.neg)
    assert torch.equal(state.phi, -x) and torch.equal(state.repulsion, torch.zeros(1, 3, dtype=x.dtype))
    assert state.bandwidth == 1
    plain = svgd.step(state, torch.neg, optimizer=svgd.Plain(0.25))
    assert torch.equal(plain.x, 0.75 * x)
    assert np.isfinite(svgd.SVGD().update(x.numpy(), np.negative, n_iter=300, stepsize=0.1)).all()


@pytest.mark.parametrize("d", [1, 2, 4, 50])
@pytest.mark.parametrize("n", [6, 300])
def test_particles_that_coincide_get_bandwidth_1_and_one_warning_per_call(draw, n, d):
    x = torch.cat([draw(1, d).expand(n - n // 6, d), draw(n // 6, d, seed=1)])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        state = svgd.start(x, torch.neg)
    assert [str(w.message) for w in said] == [
        "the median distance is 0 because at least half of all pairs coincide, so the bandwidth is set to 1; "
        "spread the particles or give a bandwidth"
    ]
    assert state.bandwidth == 1
    assert all(value.isfinite().all() for value in (state.phi, state.drive, state.repulsion, state.ksd))
    assert svgd.step(state, torch.neg, bandwidth=1.0).x.isfinite().all()


def test_a_few_duplicates_keep_the_median_and_move_together(draw, reference):
    x = torch.cat([draw(50, 2), draw(50, 2)[:5]])
    state = svgd.start(x, torch.neg)
    assert abs(state.bandwidth.item() - reference.bandwidth(x.numpy())) < 1e-12
    assert (state.phi[:5] - state.phi[50:]).abs().max() < 1e-14


def test_arrays_return_arrays_and_tensors_return_tensors_of_their_dtype(draw):
    for dtype in (np.float32, np.float64):
        x0 = draw(20, 2).numpy().astype(dtype)
        assert svgd.SVGD().update(x0, np.negative, n_iter=3).dtype == dtype
        out = svgd.SVGD().update(torch.from_numpy(x0), torch.neg, n_iter=3)
        assert isinstance(out, torch.Tensor) and out.numpy().dtype == dtype
    whole = np.arange(6).reshape(3, 2)
    assert svgd.SVGD().update(whole, np.negative, n_iter=3).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.longdouble, object, ">f8", np.float64])
def test_update_accepts_arrays_of_every_layout_and_every_kind_of_float(dtype):
    """The values are exact in float64, so the path equals that of float64; a flipped view has negative strides."""
    x0 = np.random.default_rng(0).normal(size=(6, 2))
    wanted = svgd.SVGD().update(x0, np.negative, n_iter=5)
    backwards = np.flip(np.flip(x0).astype(dtype))
    assert np.array_equal(svgd.SVGD().update(backwards, np.negative, n_iter=5), wanted)
    assert np.array_equal(svgd.SVGD().update(x0, lambda x: np.flip(np.flip(-x).astype(dtype)), n_iter=5), wanted)
    one = svgd.SVGD().update(x0[:, :1], lambda x: np.flip(-x, 1), n_iter=5)  # contiguous for numpy, but not for torch
    assert np.array_equal(one, svgd.SVGD().update(x0[:, :1], np.negative, n_iter=5))


def test_update_accepts_a_target_as_its_score(draw):
    x0, normal = draw(20, 2), targets.make("standard")
    wanted = svgd.SVGD().update(x0, normal.score, n_iter=5)
    assert torch.equal(svgd.SVGD().update(x0, normal, n_iter=5), wanted)
    assert np.array_equal(svgd.SVGD().update(x0.numpy(), normal, n_iter=5), wanted.numpy())


def negative_in_place(x):
    return np.negative(x, out=x)


WRITERS = {
    "through the tensor": lambda x: x.neg_(),
    "through an array of its memory": lambda x: torch.from_numpy(negative_in_place(x.numpy())),
    "through a view": lambda x: x.view(-1).neg_().view(x.shape),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_score_that_writes_into_its_argument_does_not_change_the_run(draw, writer):
    score, x0 = WRITERS[writer], draw(20, 2)
    for state, wanted in zip(islice(svgd.flow(score, x0), 4), svgd.flow(torch.neg, x0), strict=False):
        assert torch.equal(state.x, wanted.x) and torch.equal(state.score, -state.x)
    assert torch.equal(svgd.SVGD().update(x0, score, n_iter=4), svgd.SVGD().update(x0, torch.neg, n_iter=4))
    assert torch.equal(svgd.phi(x0, score), svgd.phi(x0, torch.neg))
    assert torch.equal(svgd.ksd(x0, score), svgd.ksd(x0, torch.neg))


def test_writing_into_arrays_and_in_bandwidth_rules_does_not_change_the_run(draw):
    x0 = draw(20, 2)
    wanted = svgd.SVGD().update(x0, torch.neg, n_iter=4, bandwidth=1.0)
    got = svgd.SVGD().update(x0.numpy(), negative_in_place, n_iter=4, bandwidth=lambda x: x.fill_(1.0)[0, 0])
    assert np.array_equal(got, wanted.numpy())
