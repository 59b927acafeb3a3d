"""Bayesian logistic regression on Covertype: accuracy and log-likelihood against steps (Liu & Wang 2016, section 5).

100 particles, minibatches of 100 rows, Adagrad at .05, 6000 steps, one fifth of the rows held out. Two modes:
    original  the original program's arithmetic. The first α uses the rate as a scale, and w has variance 1/α. Rows are
              taken in order. The step size is constant, so the noise of the minibatches keeps the particles moving.
              Features are scaled to [0, 1]; otherwise its accuracy is not reproduced.
    default   α starts from its prior and w near 0. Rows are drawn at random. The step size falls to 0 by a cosine.
              Features have mean 0 and deviation 1. Numbers are float32, with rounding far below the minibatch noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.data.tables import Table
from labkit.reproduce import descent
from labkit.targets.logistic import LogisticRegression, Together

PARTICLES, BATCH, STEPS, STEP_SIZE = 100, 100, 6000, 0.05
EVERY = 500  # steps from one measurement to the next


@dataclass(frozen=True)
class Point:
    """A step, with accuracy and mean log-likelihood (in nats) of the particles' mean on the held-out rows."""

    step: int
    accuracy: float
    log_likelihood: float


def target(table: Table, mode: str, seed: int) -> LogisticRegression:
    """Return the posterior for the split with this seed."""
    scaling = "range" if mode == "original" else "standard"
    return LogisticRegression(table.x, table.y, seed=seed, features=table.features, scaling=scaling)


def run(
    posteriors: list[LogisticRegression], mode: str, seeds: list[int], steps: int = STEPS, every: int = EVERY
) -> Iterator[list[Point]]:
    """Yield measurements of the runs of several splits, which are stepped together but do not affect each other.

    Args:
        seeds: seed of the first particles of each split. All splits use the same row numbers for a minibatch.
    """
    original = mode == "original"
    starts = [torch.Generator().manual_seed(seed) for seed in seeds]
    first = [each.initial(PARTICLES, g, gamma_scale=original) for each, g in zip(posteriors, starts, strict=True)]
    x = torch.stack(first) if original else torch.stack(first).float()
    batches = Together(posteriors).minibatch(BATCH, "cyclic" if original else "random")
    sizes = (descent.constant if original else descent.falling)(STEP_SIZE, steps)
    yield _points(posteriors, x, 0)
    for t, now in enumerate(descent.particles(x, batches, sizes, torch.Generator().manual_seed(0)), 1):
        if t % every == 0 or t == steps:
            yield _points(posteriors, now, t)


def _points(posteriors: list[LogisticRegression], x: Tensor, step: int) -> list[Point]:
    return [
        Point(step, float(each.accuracy(own)), float(each.test_log_likelihood(own)))
        for each, own in zip(posteriors, x, strict=True)
    ]


def converged(posterior: LogisticRegression) -> float:
    """Return the accuracy of a converged logistic regression (scikit-learn, no prior) on the same split."""
    from sklearn.linear_model import LogisticRegression as Fitted

    (x, y), (x_test, y_test) = posterior.tables
    fitted = Fitted(C=1e6, max_iter=1000, fit_intercept=False).fit(x.numpy(), y.numpy())
    return float(fitted.score(x_test.numpy(), y_test.numpy()))
