"""The Gaussian laboratory as a run: batch after batch of replicates, with confidence bands and exact curves.

By symmetry every mean gradient lies along m - a. Three numbers of an estimator at K say all: q, the true gradient along
that line (DReG's mean), e, the bias along it, and v, the variance summed over coordinates. With B batches and C the
covariance of their (q, e, v), a quantity f(q, e, v) has the interval

    f +- r,   r = t(B - 1, .975) sqrt(g C g / B),   g the gradient of f                                          (1)

and the variance and the mean squared error, which are positive, f exp(+- r / f). For f = v / D this is Student's
interval of the batches' own variances. It assumes that a mean of batches is close to normal, which it is not while
replicates that are too rare to have occurred carry much of a variance: there is no band before `labkit.dreg.tails` says
that there are enough replicates. Where weights have too few moments, that is never.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import param
import torch
from scipy.special import stdtrit
from torch import Tensor

from labkit.dreg import ESTIMATORS, Estimator, exact, gaussian, laboratory, tails
from labkit.dreg.gaussian import Gaussian
from labkit.dreg.statistics import RunningMoments, crossed, merge
from labkit.experiments.devices import kept, moved, noise
from labkit.experiments.dreg import parameters
from labkit.experiments.settings import ExperimentSettings
from labkit.training import schedules

COVERED = 0.95  # of the intervals
STEP = 60.0  # milliseconds that a batch takes, about
OF_ESTIMATOR, OF_DIMENSION = 0.06, 0.005  # of them, for one replicate of 1024 samples (measured)
ROUNDING, ROUNDING_EXACT = 1e-24, 1e-12  # relative to squares: a variance below is 0 but for the arithmetic
SLOPES_FROM = 64  # K, from which slopes are fitted

# f of (1): q, e, v [E, S], whether the estimator's mean is the true gradient [E, 1], D
QUANTITIES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]] = {
    "variance": lambda q, e, v, steady, dim: v / dim,
    "SNR": lambda q, e, v, steady, dim: torch.where(steady, q, q + e).abs() / v.sqrt(),
    "bias": lambda q, e, v, steady, dim: e.abs(),
    "mean squared error": lambda q, e, v, steady, dim: e * e + v,
}
POSITIVE = "variance", "mean squared error"
# replicates from which a band is trusted
TRUSTED: dict[str, Callable[[tails.Enough], Tensor]] = {
    "variance": lambda enough: enough.variance,
    "SNR": lambda enough: torch.maximum(*enough),
    "bias": lambda enough: enough.mean,
    "mean squared error": lambda enough: torch.maximum(*enough),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """What the batches so far have told.

    total: of all replicates. batches: moments of each batch's (q, e, v), [E, S, 3], with covariances. exact: (q, e, v)
    of those estimators that have exact answers, [E', S, 3], by `known`, their names. enough: replicates before a band.
    """

    toy: Gaussian
    total: laboratory.State
    batches: RunningMoments
    known: tuple[str, ...]
    exact: Tensor
    enough: tails.Enough

    @property
    def t(self) -> int:
        return self.total.t

    @property
    def estimators(self) -> tuple[str, ...]:
        return self.total.estimators

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.total.sizes

    def values(self, quantity: str) -> Tensor:
        """The quantity, [E, S]; NaN where an estimator has none at that K."""
        return _of(quantity, _numbers(self.total, self.toy), self.estimators, self.toy.dim)

    def interval(self, quantity: str) -> tuple[Tensor, Tensor]:
        """Both ends of (1), [E, S] each, the lower one perhaps below 0; NaN before two batches, and before `enough`."""
        values, reach = self._reach(quantity)
        reach = reach.where(self.total.n >= TRUSTED[quantity](self.enough), torch.nan)
        if quantity in POSITIVE:
            factor = torch.where(values > 0, reach / values, reach).exp()
            return values / factor, values * factor
        return values - reach, values + reach

    def doubted(self, quantity: str) -> list[list[int]]:
        """Of each estimator, the sizes K that have no band because `enough` has not been reached."""
        values, reach = self._reach(quantity)
        early = (self.total.n < TRUSTED[quantity](self.enough)) & ~(values + reach).isnan()
        return [[k for k, bad in zip(self.sizes, row, strict=True) if bad] for row in early.tolist()]

    def _reach(self, quantity: str) -> tuple[Tensor, Tensor]:
        """f and r of (1), [E, S] each."""
        numbers = _numbers(self.total, self.toy).requires_grad_()
        values = _of(quantity, numbers, self.estimators, self.toy.dim)
        (slope,) = torch.autograd.grad(values.nansum(), numbers)
        square = torch.einsum("esi,esij,esj->es", slope, self.batches.variance, slope)
        freedom = self.batches.n - 1
        t = float(stdtrit(freedom, (1 + COVERED) / 2)) if freedom else torch.nan
        return values.detach(), t * (square / self.batches.n).sqrt()

    def slopes(self, quantity: str) -> list[float]:
        """Of each estimator, by `slope`, from the values that are more than r of (1) above 0."""
        values, reach = self._reach(quantity)
        return [slope(self.sizes, row) for row in values.where(values > reach, torch.nan)]

    def truths(self, quantity: str) -> Tensor:
        """The exact quantity of the `known`, [E', S]."""
        return _of(quantity, self.exact, self.known, self.toy.dim)


def slope(sizes: Sequence[int], values: Tensor, least: int = SLOPES_FROM) -> float:
    """Least squares slope of log values [S] against log K, over K >= least; NaN with fewer than two positive values."""
    k = torch.tensor(sizes, dtype=values.dtype)
    good = (k >= least) & (values > 0)  # NaN is not
    if good.sum() < 2:
        return float("nan")
    x, y = k[good].log(), values[good].log()
    x = x - x.mean()
    return float((x @ y) / (x @ x))


def _of(quantity: str, numbers: Tensor, estimators: Sequence[str], dim: int) -> Tensor:
    steady = torch.tensor([[ESTIMATORS[n].steady] for n in estimators])
    q, e, v = numbers.unbind(-1)
    return QUANTITIES[quantity](q, e, v, steady, dim)


def _numbers(state: laboratory.State, toy: Gaussian) -> Tensor:
    """(q, e, v) of a state, [E, S, 3]; q and e are 0 where q has the posterior's mean, and no direction."""
    along = toy.direction.nan_to_num()
    spread, error = state.gradients.variance.sum(-1), state.bias @ along
    spread = torch.where(spread < ROUNDING * state.gradients.mean.square().sum(-1), 0.0, spread)
    return torch.stack([(state.reference.mean @ along).expand_as(spread), error, spread], -1)


Rows = tuple[tuple[str, Estimator], ...]  # of `ESTIMATORS`: a name may stand for another row later


def _rows(names: Iterable[str]) -> Rows:
    return tuple((name, ESTIMATORS[name]) for name in names)


@lru_cache(maxsize=64)
def _enough(dim: int, distance: float, variance: float, rows: Rows, sizes: tuple[int, ...]) -> tails.Enough:
    """`tails.enough` of the Gaussian model."""
    return tails.enough(gaussian.instance(dim, distance, variance), [name for name, _ in rows], sizes)


def truth(dim: int, distance: float, variance: float, sizes: tuple[int, ...]) -> Tensor:
    """(q, e, v) of every estimator that has exact answers, [E', S, 3]."""
    return _truth(dim, distance, variance, _rows(exact.known()), sizes)


@lru_cache(maxsize=64)
def _truth(dim: int, distance: float, variance: float, rows: Rows, sizes: tuple[int, ...]) -> Tensor:
    found = exact.answers(gaussian.instance(dim, distance, variance), sizes, [name for name, _ in rows])
    mean, own = found.mean * (distance > 0), {name: i for i, name in enumerate(found.estimators)}
    true = mean[own["dreg"]].expand_as(mean)
    unbiased = torch.tensor([[ESTIMATORS[name].unbiased] for name in own])
    error = mean - true
    error = torch.where(unbiased | (error.abs() < ROUNDING_EXACT * distance), 0.0, error)
    scale = mean.square() / dim + found.variance[own["iwae"]]
    spread = torch.where(found.variance < ROUNDING_EXACT * scale, 0.0, dim * found.variance)
    return torch.stack([true, error, spread], -1)


class VarianceSettings(ExperimentSettings[Measured]):
    """Estimators on the Gaussian model: the settings, `start()` and `step(state)`.

    Args:
        sizes: K, in growing order. batch: replicates a step, at least 2; None takes what a step has time for.
        device: where the replicates are drawn.
    """

    quantity: "param.Selector[str]" = param.Selector(
        objects=list(QUANTITIES), label="Quantity",
        doc="What is shown of the gradient in the mean of q. Variance: a mean over coordinates. SNR: |mean| divided by "
        "the root of the summed variance. Bias: against the gradient of the bound L. Mean squared error: summed.",
    )  # fmt: skip
    estimators = parameters.estimators()
    dim = parameters.dimensions()
    distance = parameters.offset(
        gaussian.DISTANCE,
        "Distance |m − a| from the mean m of q to the mean a of the posterior. Its direction does not matter.",
    )
    variance = parameters.variance(parameters.VARIANCE + " At most 3/8, the K⁻³ law of dreg breaks.")
    snap = param.Boolean(
        default=False, label="Set q to the posterior", doc="Makes q the posterior itself: V = 1/2 and no offset."
    )
    seed = parameters.seed()

    def __init__(
        self, sizes: Sequence[int] = laboratory.SIZES, batch: int | None = None, device: str = "cpu", **params: Any
    ):
        self.sizes, self.batch, self.device = tuple(sizes), batch, device
        super().__init__(**params)

    def where(self) -> tuple[int, float, float]:
        """D, |m - a| and V."""
        return (self.dim, 0.0, gaussian.POSTERIOR_VARIANCE) if self.snap else (self.dim, self.distance, self.variance)

    def start(self) -> Measured:
        """Return the state after the first batch.

        Raises:
            ValueError: no estimator is chosen.
        """
        toy = gaussian.instance(*self.where())
        chosen = [name for name in ESTIMATORS if name in self.estimators]
        known = tuple(name for name in exact.known() if name in chosen)
        rows = [exact.known().index(name) for name in known]
        total = self._batch(laboratory.start(toy, chosen, self.sizes), toy)
        batches = crossed(_numbers(total, toy)[None])
        true = truth(*self.where(), self.sizes)[rows]
        enough = _enough(*self.where(), _rows(chosen), self.sizes)
        return Measured(toy, total, batches, known, true, enough)

    def step(self, state: Measured) -> Measured:
        """Return the state after one batch more."""
        new = self._batch(laboratory.start(state.toy, state.estimators, state.sizes), state.toy, state.t)
        batches = merge(state.batches, crossed(_numbers(new, state.toy)[None]))
        return replace(state, total=laboratory.merged(state.total, new), batches=batches)

    def _batch(self, empty: laboratory.State, toy: Gaussian, t: int = 0) -> laboratory.State:
        source = noise(schedules.seed("dreg", self.seed, t), self.device)
        empty, toy = moved(empty, self.device), moved(toy, self.device)
        return kept(laboratory.step(empty, toy, generator=source, replicates=self.batch or self._fitting(empty)))

    def _fitting(self, empty: laboratory.State) -> int:
        return batch_size(len(empty.estimators), self.dim, self.sizes[-1])


def batch_size(estimators: int, dim: int, largest: int) -> int:
    """Replicates of which a step takes about `STEP` milliseconds: a power of 2, at least 2."""
    each = (OF_ESTIMATOR * (estimators + 1) + OF_DIMENSION * dim) * largest / laboratory.SIZES[-1]
    return 1 << max(1, int(STEP / each).bit_length() - 1)


def between(sizes: Sequence[int]) -> str:
    """Return sizes K in words: one, or the least and the greatest."""
    return f"K = {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
