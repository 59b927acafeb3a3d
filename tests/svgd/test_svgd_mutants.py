"""A test of the tests (reference 6.M): each check fails when labkit is broken in the way that it should detect."""

import math

import pytest
import torch

from labkit import svgd
from labkit.svgd.fast import median
from labkit.svgd.kernels import RBF, Products

SIZES = ((20, 2), (21, 1), (300, 1))


def _push(factor: float):
    """Return the RBF with its repulsion multiplied, in both ways to phi."""
    products = RBF.products

    def broken(self, x, score, h):
        drive, repulsion, trace = products(self, x, score, h)
        return Products(drive, factor * repulsion, trace)

    def phi(self, x, score, h):
        drive, repulsion, _ = broken(self, x, score, h)
        return drive + repulsion

    return [(RBF, "products", broken), (RBF, "phi", phi)]


def _log_n():
    right = median.squared_distance

    def broken(x, apart=None):
        return right(x, apart) * math.log(x.shape[-2] + 1) / math.log(x.shape[-2])

    return [(median, "squared_distance", broken)]


def _without_the_diagonal():
    def pairs_only(x, apart=None):
        i, j = torch.triu_indices(x.shape[-2], x.shape[-2], 1)
        return (x[..., i, :] - x[..., j, :]).square().sum(-1).quantile(0.5, -1)

    return [(median, "squared_distance", pairs_only)]


def _a_tenth_of_the_first_square():
    right = svgd.Adagrad.__call__

    def broken(self, direction, memory=None):
        return right(self, direction, torch.zeros_like(direction) if memory is None else memory)

    return [(svgd.Adagrad, "__call__", broken)]


MUTANTS = {
    "repulsion's sign flipped": (lambda: _push(-1), ["phi", "path", "spread"]),
    "repulsion twice": (lambda: _push(2), ["phi", "path", "spread"]),
    "repulsion deleted": (lambda: _push(0), ["phi", "path", "spread"]),
    "log N for log(N + 1)": (_log_n, ["bandwidth", "phi", "path"]),
    "median without the diagonal": (_without_the_diagonal, ["bandwidth", "phi", "path"]),
    "first history .1 phi^2": (_a_tenth_of_the_first_square, ["first move", "path"]),
}


@pytest.fixture
def named(checks, reference):
    return {
        "bandwidth": lambda: [checks.bandwidth_is_the_originals(reference, n, d) for n, d in SIZES],
        "phi": lambda: [checks.phi_is_the_originals(reference, n, d) for n, d in SIZES],
        "path": lambda: checks.path_is_the_originals(reference),
        "first move": checks.first_move_is_a_sign_step,
        "spread": checks.spread_of_a_normal_is_found,
        "mean": checks.mean_of_a_normal_is_found,
    }


@pytest.fixture
def broken(monkeypatch):
    def apply(mutant: str) -> None:
        for owner, name, value in MUTANTS[mutant][0]():
            monkeypatch.setattr(owner, name, value)

    return apply


@pytest.fixture(scope="module")
def passed() -> set[str]:
    """The checks that have passed for labkit itself."""
    return set()


@pytest.mark.slow
@pytest.mark.parametrize(("mutant", "check"), [(m, c) for m, (_, found_by) in MUTANTS.items() for c in found_by])
def test_the_check_fails_for_the_mutant(named, broken, passed, mutant, check):
    if check not in passed:  # it passes before
        named[check]()
        passed.add(check)
    broken(mutant)
    with pytest.raises(AssertionError):
        named[check]()


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("mutant", ["log N for log(N + 1)", "median without the diagonal"])
def test_a_wrong_median_is_detected_at_every_size(checks, reference, broken, mutant, n, d):
    broken(mutant)
    with pytest.raises(AssertionError):
        checks.bandwidth_is_the_originals(reference, n, d)


def test_the_mean_does_not_detect_missing_repulsion(named, broken):
    """This is why spread is checked: with all particles at the mode of a normal, the mean is right."""
    broken("repulsion deleted")
    named["mean"]()
