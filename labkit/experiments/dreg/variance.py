"""The Gaussian laboratory as a run: batches of replicates, with confidence bands and exact curves.

By symmetry every mean gradient is parallel to m - a. Three numbers describe an estimator at K: q, the true gradient
along that line (DReG's mean), e, the bias along it, and v, the variance summed over coordinates. With B batches and C
the covariance of their (q, e, v), a quantity f(q, e, v) has the interval

    f +- r,   r = t(B - 1, .975) sqrt(g C g / B),   g the gradient of f                                          (1)

The variance and the mean squared error are positive and have the interval f exp(+- r / f). For f = v / D this is
Student's interval of the batches' variances. It assumes that a mean of batches is almost normal. This fails while much
of a variance comes from replicates so rare that none has occurred. So there is no band before `labkit.dreg.tails`
reports enough replicates, and none at all if weights have too few moments.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
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
from labkit.experiments.shared import Same, Shared
from labkit.training import schedules

COVERED = 0.95  # confidence level of the intervals
STEP = 60.0  # approximate duration of a batch in milliseconds
OF_ESTIMATOR, OF_DIMENSION = 0.06, 0.005  # part of it for one replicate of 1024 samples (measured)
STATES = 64_000_000  # bytes of the newest states that runs with equal settings share
ROUNDING, ROUNDING_EXACT = 1e-24, 1e-12  # relative to squares: a smaller variance is rounding error
SLOPES_FROM = 64  # smallest K for the slopes

# f of (1): q, e, v [E, S], whether the estimator's mean is the true gradient [E, 1], D
QUANTITIES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]] = {
    "variance": lambda q, e, v, steady, dim: v / dim,
    "SNR": lambda q, e, v, steady, dim: torch.where(steady, q, q + e).abs() / v.sqrt(),
    "bias": lambda q, e, v, steady, dim: e.abs(),
    "mean squared error": lambda q, e, v, steady, dim: e * e + v,
}
POSITIVE = "variance", "mean squared error"
# number of replicates from which a band is valid
TRUSTED: dict[str, Callable[[tails.Enough], Tensor]] = {
    "variance": lambda enough: enough.variance,
    "SNR": lambda enough: torch.maximum(*enough),
    "bias": lambda enough: enough.mean,
    "mean squared error": lambda enough: torch.maximum(*enough),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """The measurements of all batches so far.

    total: moments of all replicates. batches: moments of each batch's (q, e, v), [E, S, 3], with covariances. exact:
    (q, e, v) of the estimators with exact values, [E', S, 3]; `known` has their names. enough: minimum number of
    replicates for a band.
    """

    toy: Gaussian
    total: laboratory.State
    batches: RunningMoments
    known: tuple[str, ...]
    exact: Tensor
    enough: tails.Enough
    _reached: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False)

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
        """Return the quantity, [E, S]; NaN if an estimator does not exist at that K."""
        return _of(quantity, _numbers(self.total, self.toy), self.estimators, self.toy.dim)

    def interval(self, quantity: str) -> tuple[Tensor, Tensor]:
        """Return both ends of (1), [E, S] each; the lower one may be below 0. NaN before two batches, and before
        `enough`."""
        values, reach = self._reach(quantity)
        reach = reach.where(self.total.n >= TRUSTED[quantity](self.enough), torch.nan)
        if quantity in POSITIVE:
            factor = torch.where(values > 0, reach / values, reach).exp()
            return values / factor, values * factor
        return values - reach, values + reach

    def doubted(self, quantity: str) -> list[list[int]]:
        """Return the sizes K of each estimator without a band, because it needs more replicates."""
        values, reach = self._reach(quantity)
        early = (self.total.n < TRUSTED[quantity](self.enough)) & ~(values + reach).isnan()
        return [[k for k, bad in zip(self.sizes, row, strict=True) if bad] for row in early.tolist()]

    def _reach(self, quantity: str) -> tuple[Tensor, Tensor]:
        """Return f and r of (1), [E, S] each, computed once for each quantity."""
        if quantity not in self._reached:
            self._reached[quantity] = self._find_reach(quantity)
        return self._reached[quantity]

    def _find_reach(self, quantity: str) -> tuple[Tensor, Tensor]:
        numbers = _numbers(self.total, self.toy).requires_grad_()
        values = _of(quantity, numbers, self.estimators, self.toy.dim)
        (slope,) = torch.autograd.grad(values.nansum(), numbers)
        square = torch.einsum("esi,esij,esj->es", slope, self.batches.variance, slope)
        freedom = self.batches.n - 1
        t = float(stdtrit(freedom, (1 + COVERED) / 2)) if freedom else torch.nan
        return values.detach(), t * (square / self.batches.n).sqrt()

    def slopes(self, quantity: str) -> list[float]:
        """Return the slope of each estimator, from the values that are more than r of (1) above 0."""
        values, reach = self._reach(quantity)
        return [slope(self.sizes, row) for row in values.where(values > reach, torch.nan)]

    def truths(self, quantity: str) -> Tensor:
        """Return the exact quantity of the `known` estimators, [E', S]."""
        return _of(quantity, self.exact, self.known, self.toy.dim)


def slope(sizes: Sequence[int], values: Tensor, least: int = SLOPES_FROM) -> float:
    """Return the least squares slope of log values [S] against log K, over K >= least.

    It is NaN with fewer than two positive values."""
    k = torch.tensor(sizes, dtype=values.dtype)
    good = (k >= least) & (values > 0)  # false for NaN
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
    """Return (q, e, v) of a state, [E, S, 3]; q and e are 0 if q has the posterior's mean."""
    along = toy.direction.nan_to_num()
    spread, error = state.gradients.variance.sum(-1), state.bias @ along
    spread = torch.where(spread < ROUNDING * state.gradients.mean.square().sum(-1), 0.0, spread)
    return torch.stack([(state.reference.mean @ along).expand_as(spread), error, spread], -1)


Rows = tuple[tuple[str, Estimator], ...]  # rows of `ESTIMATORS`: a name may get another row later


def _rows(names: Iterable[str]) -> Rows:
    return tuple((name, ESTIMATORS[name]) for name in names)


@lru_cache(maxsize=64)
def _enough(dim: int, distance: float, variance: float, rows: Rows, sizes: tuple[int, ...]) -> tails.Enough:
    """Return `tails.enough` for the Gaussian model."""
    return tails.enough(gaussian.instance(dim, distance, variance), [name for name, _ in rows], sizes)


def truth(dim: int, distance: float, variance: float, sizes: tuple[int, ...]) -> Tensor:
    """Return (q, e, v) of every estimator with exact values, [E', S, 3]."""
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
        sizes: K, in increasing order. batch: replicates per step, at least 2; None fits the time of a step.
        device: the device that computes the replicates.
    """

    quantity: "param.Selector[str]" = param.Selector(
        objects=list(QUANTITIES), label="Quantity",
        doc="What is shown of the gradient in the mean m of q. Variance: averaged over coordinates. SNR "
        "(signal-to-noise ratio): |mean| divided by the noise, which is the root of the summed variance. Bias: |mean "
        "− gradient of the bound L|. Mean squared error: |bias|² + summed variance.",
    )  # fmt: skip
    estimators = parameters.estimators()
    dim = parameters.dimensions()
    distance = parameters.offset(
        gaussian.DISTANCE,
        "Distance |m − a| from the mean m of q to the mean a of the posterior. Its direction does not matter.",
    )
    variance = parameters.variance(
        parameters.VARIANCE
        + " If V is 3/8 or less, a few samples with huge weights dominate, and the variance of DReG "
        "no longer falls like K⁻³."
    )
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
        """Return D, |m - a| and V."""
        return (self.dim, 0.0, gaussian.POSTERIOR_VARIANCE) if self.snap else (self.dim, self.distance, self.variance)

    def start(self) -> Measured:
        """Return the state after the first batch.

        Raises:
            ValueError: no estimator is chosen.
        """
        toy = _toy(*self.where())
        chosen = [name for name in ESTIMATORS if name in self.estimators]
        key = self.where(), self.sizes, self._how(toy, chosen, self.sizes)
        return _states.take(key, lambda: self._first(toy, chosen))

    def _first(self, toy: Gaussian, chosen: list[str]) -> Measured:
        known = tuple(name for name in exact.known() if name in chosen)
        rows = [exact.known().index(name) for name in known]
        total = self._batch(toy, chosen, self.sizes)
        batches = crossed(_numbers(total, toy)[None])
        true = truth(*self.where(), self.sizes)[rows]
        enough = _enough(*self.where(), _rows(chosen), self.sizes)
        return Measured(toy, total, batches, known, true, enough)

    def step(self, state: Measured) -> Measured:
        """Return the state after one more batch: the same object for runs with equal settings, computed once."""
        return _states.take((state, self._then(state)), lambda: self._next(state))

    @property
    def steps(self) -> Same[Measured]:
        return Same(self.step, self._then)

    def _then(self, state: Measured) -> Hashable:
        """Return what the next state depends on, except the state."""
        return self._how(state.toy, state.estimators, state.sizes)

    def _how(self, toy: Gaussian, names: Sequence[str], sizes: tuple[int, ...]) -> tuple[Rows, int, int, str]:
        """Return the estimators, the replicates of a batch, the seed and the device."""
        return _rows(names), self._replicates(toy, names, sizes), self.seed, self.device

    def _replicates(self, toy: Gaussian, names: Sequence[str], sizes: tuple[int, ...]) -> int:
        return self.batch or batch_size(len(names), toy.dim, sizes[-1])

    def _next(self, state: Measured) -> Measured:
        new = self._batch(state.toy, state.estimators, state.sizes, state.t)
        batches = merge(state.batches, crossed(_numbers(new, state.toy)[None]))
        return replace(state, total=laboratory.merged(state.total, new), batches=batches)

    def _batch(self, toy: Gaussian, names: Sequence[str], sizes: tuple[int, ...], t: int = 0) -> laboratory.State:
        empty, source = laboratory.start(toy, names, sizes), noise(schedules.seed("dreg", self.seed, t), self.device)
        begun, there = moved(empty, self.device), moved(toy, self.device)
        return kept(laboratory.step(begun, there, generator=source, replicates=self._replicates(toy, names, sizes)))


_states: Shared[Measured] = Shared(STATES)


@lru_cache(maxsize=64)
def _toy(dim: int, distance: float, variance: float) -> Gaussian:
    """Return the Gaussian model: the same object for equal settings."""
    return gaussian.instance(dim, distance, variance)


def batch_size(estimators: int, dim: int, largest: int) -> int:
    """Return the number of replicates for about `STEP` milliseconds: a power of 2, at least 2."""
    each = (OF_ESTIMATOR * (estimators + 1) + OF_DIMENSION * dim) * largest / laboratory.SIZES[-1]
    return 1 << max(1, int(STEP / each).bit_length() - 1)


def between(sizes: Sequence[int]) -> str:
    """Return sizes K as text: one size, or the smallest and the largest."""
    return f"K = {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
