"""These checks pass for labkit and fail for a broken version of it; test_svgd_mutants proves that each can fail."""

from itertools import islice

import numpy as np
import torch

from labkit import svgd, targets


def _start(n: int, d: int) -> np.ndarray:
    """Return particles around -3 with unequal spreads, so that no symmetry hides a wrong sign."""
    generator = np.random.default_rng(n + d)
    return -3 + generator.normal(size=(n, d)) * np.linspace(0.5, 2, d)


def bandwidth_is_the_originals(reference, n: int, d: int) -> None:
    x = _start(n, d)
    wanted, tensor = reference.bandwidth(x), torch.from_numpy(x)
    for got in (svgd.median_bandwidth(tensor), svgd.start(tensor, torch.neg).bandwidth):
        assert abs(got.item() - wanted) < 1e-12 * wanted


def phi_is_the_originals(reference, n: int, d: int, h: float | None = None) -> None:
    """Both ways to compute phi, that of `phi` and that of a state, agree with the direct sums."""
    x = _start(n, d)
    wanted, tensor = reference.phi(x, -x, h), torch.from_numpy(x)
    bandwidth = "median" if h is None else h
    for got in (
        svgd.phi(tensor, torch.neg, bandwidth=bandwidth),
        svgd.start(tensor, torch.neg, bandwidth=bandwidth).phi,
    ):
        assert np.abs(got.numpy() - wanted).max() < 1e-12 * np.abs(wanted).max()


def path_is_the_originals(reference, n: int = 20, d: int = 2) -> None:
    """Over 200 steps of .05, the original, `update` with arrays, `update` with tensors and `flow` agree.

    From -13 all particles still move at the end. At rest Adagrad divides 0 by 0. Then the original itself leaves its
    own path by up to .1 if x0 changes by 1e-14 of its size.
    """
    x = _start(n, d) - 10
    wanted, tensor = reference.update(x, np.negative, 200, 0.05), torch.from_numpy(x)
    for got in (
        svgd.SVGD().update(x, np.negative, n_iter=200, stepsize=0.05),
        svgd.SVGD().update(tensor, torch.neg, n_iter=200, stepsize=0.05).numpy(),
        nth(svgd.flow(torch.neg, tensor, optimizer=svgd.Adagrad(0.05)), 200).x.numpy(),
    ):
        assert np.abs(got - wanted).max() < 1e-10


def first_move_is_a_sign_step() -> None:
    """The original's history starts with phi^2, so every coordinate moves by the step size (less 1e-6 / |phi|)."""
    x = torch.from_numpy(_start(30, 2))
    state = svgd.start(x, torch.neg)
    moved = svgd.step(state, torch.neg, optimizer=svgd.Adagrad(0.05)).x - x
    assert (moved - 0.05 * state.phi.sign()).abs().max() < 0.05 * 1e-6 / state.phi.abs().min() * 1.01


def _settled_normal() -> tuple[targets.Normal, torch.Tensor]:
    """Return 50 particles after 400 steps on the original's planar normal, whose longest axis has variance 5.6."""
    target = targets.make("correlated")
    x0 = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return target, nth(svgd.flow(target, x0), 400).x


def mean_of_a_normal_is_found() -> None:
    """The target and the kernel are symmetric about the mean, so the fixed point of the particles is too."""
    target, x = _settled_normal()
    assert (x.mean(0) - target.mean).abs().max() < 0.02 * target.covariance.diagonal().max().sqrt()


def spread_of_a_normal_is_found() -> None:
    """50 particles in two dimensions keep at least nine tenths of the variance (.92 with 100, reference section 3)."""
    target, x = _settled_normal()
    ratio = x.var(0, correction=0) / target.covariance.diagonal()
    assert ratio.min() > 0.8 and ratio.max() < 1.05


def nth(stream, t: int):
    """Return the state after t steps."""
    return next(islice(stream, t, None))
