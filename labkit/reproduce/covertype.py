"""Bayesian logistic regression on Covertype: accuracy and log-likelihood against steps (Liu & Wang 2016, section 5).

100 particles, minibatches of 100 rows, Adagrad at .05, 6000 steps, one fifth of the rows held out. Two modes:
    original  the original program's arithmetic: α begins with the rate taken for a scale and w with variance 1/α, rows
              are taken in turn, and steps stay as large to the end, where the noise of the minibatches keeps the
              particles from rest; features are scaled to [0, 1], without which its accuracy does not come out
    default   α begins in its prior and w near 0, rows are drawn, steps fall to 0 by a cosine, features have mean 0 and
              deviation 1
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from labkit.data.tables import Table
from labkit.reproduce import descent
from labkit.targets.logistic import LogisticRegression

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
    posterior: LogisticRegression, mode: str = "original", seed: int = 0, steps: int = STEPS, every: int = EVERY
) -> Iterator[Point]:
    """Measurements along one run."""
    generator = torch.Generator().manual_seed(seed)
    original = mode == "original"
    first = posterior.initial(PARTICLES, generator, gamma_scale=original)
    batches = posterior.minibatch(BATCH, "cyclic" if original else "random")
    sizes = (descent.constant if original else descent.falling)(STEP_SIZE, steps)
    yield _point(posterior, first, 0)
    for t, x in enumerate(descent.particles(first, batches, sizes, generator), 1):
        if t % every == 0 or t == steps:
            yield _point(posterior, x, t)


def _point(posterior: LogisticRegression, x: torch.Tensor, step: int) -> Point:
    return Point(step, float(posterior.accuracy(x)), float(posterior.test_log_likelihood(x)))


def converged(posterior: LogisticRegression) -> float:
    """The accuracy of a logistic regression fitted to its end (scikit-learn, no prior) on the same split."""
    from sklearn.linear_model import LogisticRegression as Fitted

    (x, y), (x_test, y_test) = posterior.tables
    fitted = Fitted(C=1e6, max_iter=1000, fit_intercept=False).fit(x.numpy(), y.numpy())
    return float(fitted.score(x_test.numpy(), y_test.numpy()))
