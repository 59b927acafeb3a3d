"""Bayesian logistic regression on Covertype: accuracy and log-likelihood against steps (Liu & Wang 2016, section 5).

100 particles, minibatches of 100 rows, Adagrad at .05, 6000 steps, one fifth of the rows held out. Two modes:
    original  the original program's arithmetic: α begins with the rate taken for a scale and w with variance 1/α, rows
              are taken in turn, and steps stay as large to the end, where the noise of the minibatches keeps the
              particles from rest; features are scaled to [0, 1], without which its accuracy does not come out
    default   α begins in its prior and w near 0, rows are drawn, steps fall to 0 by a cosine, features have mean 0 and
              deviation 1; numbers are float32, whose rounding is far below the noise of the minibatches
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
    """After so many steps: accuracy and mean log-likelihood, in nats, of the particles' mean on the rows held out."""

    step: int
    accuracy: float
    log_likelihood: float


def target(table: Table, mode: str, seed: int) -> LogisticRegression:
    """The posterior of the split of that seed."""
    scaling = "range" if mode == "original" else "standard"
    return LogisticRegression(table.x, table.y, seed=seed, features=table.features, scaling=scaling)


def run(
    posteriors: list[LogisticRegression], mode: str, seeds: list[int], steps: int = STEPS, every: int = EVERY
) -> Iterator[list[Point]]:
    """Measurements along the runs of several splits, which are stepped together; a split's numbers are its own.

    Args:
        seeds: of each split's first particles. Rows are those of the same numbers in every split.
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
    """The accuracy of a logistic regression fitted to its end (scikit-learn, no prior) on the same split."""
    from sklearn.linear_model import LogisticRegression as Fitted

    (x, y), (x_test, y_test) = posterior.tables
    fitted = Fitted(C=1e6, max_iter=1000, fit_intercept=False).fit(x.numpy(), y.numpy())
    return float(fitted.score(x_test.numpy(), y_test.numpy()))
