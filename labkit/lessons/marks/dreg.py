"""Marks for runs of DReG: variance, SNR, scatter and bias of gradient estimators."""

import math
from collections.abc import Sequence
from typing import Any

from labkit.dreg import exact
from labkit.lessons.marks.registry import mark

VARIANCE = ("dreg", "Variance against samples")
MICROSCOPE, BIAS, ALPHA = ("dreg", "Microscope"), ("dreg", "Bias meter"), ("dreg", "Alpha dial")


@mark(VARIANCE)
def measured(states: Sequence[Any], quantity: str, estimator: str, k: int) -> float:
    """Return a quantity of an estimator at K samples, such as "variance" or "SNR", as its line shows it."""
    last = states[-1]
    return float(last.values(quantity)[_one_of(estimator, last.estimators), _one_of(k, last.sizes)])


@mark(VARIANCE)
def slope(states: Sequence[Any], quantity: str, estimator: str) -> float:
    """Return the slope of an estimator's line, which the picture shows after its name."""
    last = states[-1]
    return float(last.slopes(quantity)[_one_of(estimator, last.estimators)])


@mark(VARIANCE)
def exact_variance(states: Sequence[Any], estimator: str, k: int) -> float:
    """Return the exact variance of an estimator at K samples, averaged over coordinates; it need not be shown."""
    return float(exact.answers(states[-1].toy, (k,), (estimator,)).variance)


@mark(MICROSCOPE)
def mean_sample_size(states: Sequence[Any]) -> float:
    """Return the effective sample size, averaged over the draws since the step was entered."""
    return sum(state.ess for state in states) / len(states)


@mark(MICROSCOPE)
def scatter(states: Sequence[Any], estimator: str) -> float:
    """Return how far the gradients of an estimator are from the true gradient: the root of the mean square."""
    last = states[-1]
    apart = last.gradients[:, _one_of(estimator, last.compared)] - last.truth
    return float(apart.square().sum(-1).mean().sqrt())


@mark(MICROSCOPE)
def distance_of_mean(states: Sequence[Any], estimator: str) -> float:
    """Return how far the mean of an estimator's gradients is from the true gradient."""
    last = states[-1]
    return float((last.gradients[:, _one_of(estimator, last.compared)].mean(0) - last.truth).norm())


@mark(BIAS)
def bias_verdict(states: Sequence[Any]) -> str:
    """Return the verdict of the test: "biased", "none found" or "undecided"; "" while it continues."""
    verdict = _decided(states).verdict
    return verdict.word if verdict else ""


@mark(BIAS)
def replicates(states: Sequence[Any]) -> float:
    """Return the number of replicates at the verdict; NaN while the test continues."""
    test = _decided(states)
    return float(test.state.n) if test.verdict else math.nan


@mark(BIAS)
def bias_size(states: Sequence[Any]) -> float:
    """Return the estimate of |bias| at the verdict, or now."""
    return float(_decided(states).state.norm)


@mark(BIAS)
def bias_over_noise(states: Sequence[Any]) -> float:
    """Return the estimate of |bias| divided by the noise of one gradient; infinite without noise."""
    state = _decided(states).state
    return float(state.norm / state.scatter) if state.scatter else math.inf


@mark(BIAS)
def bias_along(states: Sequence[Any]) -> float:
    """Return the part of the estimated bias along the true gradient: above 0 if the estimator's mean is too long."""
    return float(_decided(states).state.bias @ states[-1].toy.direction)


@mark(BIAS)
def evidence(states: Sequence[Any]) -> float:
    """Return log₁₀ of the evidence for a bias at the verdict, or now, from the test of all coordinates."""
    return float(_decided(states).state.log_e) / math.log(10)


@mark(BIAS)
def evidence_of_sum(states: Sequence[Any]) -> float:
    """Return log₁₀ of the evidence for a bias of the sum over coordinates, at the verdict or now."""
    return float(_decided(states).state.scalar_log_e()) / math.log(10)


@mark(ALPHA)
def best_alpha(states: Sequence[Any]) -> float:
    """Return the alpha with the smallest measured mean squared error."""
    return float(states[-1].measured.best)


def _decided(states: Sequence[Any]) -> Any:
    """Return the test at its verdict, or the newest without a verdict.

    A page pauses at the verdict; elsewhere the test may have gone on.
    """
    tests = [state.tests[0] for state in states]
    return next((test for test in tests if test.verdict), tests[-1])


def _one_of(name: Any, names: Sequence[Any]) -> int:
    if name not in names:
        raise ValueError(f"{name!r} is not measured here; choose one of {', '.join(map(str, names))}")
    return names.index(name)
