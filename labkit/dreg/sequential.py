"""A test of bias that keeps its level although you may look at it after every block of replicates.

The tested estimator minus an unbiased reference, on the same samples, is averaged over blocks: x_1, ..., x_n in d
dimensions. T^2 is Hotelling's for their mean, and u = T^2 / (n - 1). With a few scales g, the evidence against "no
bias" is

    e_n = mean over g of (g / (n + g))^(d/2) ((1 + u) / (1 + u g / (n + g)))^(n/2)                              (1)

This is the Bayes factor of a mean N(0, C/g) against 0, under the invariant prior on the covariance C. It depends only
on functions of the x that no linear map changes. Their law is the same for every C. So e_n is a martingale that starts
at 1. Without bias, P(e_n >= 1/level for some n) <= level (Ville), wherever you stop. The t-test of d = 1 is from Lai
(1976) and Wang & Ramdas (arXiv 2310.03722), the argument for groups from Perez-Ortiz et al. (arXiv 2208.07610).

It assumes that the means of blocks are independent and normal, with any covariance. Gradients are not normal, but
their coefficients are bounded, and a block has many of them. The set of m with e_n(x - m) < 1/level for all n contains
the true mean with probability 1 - level.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import brentq
from torch import Tensor

from labkit.dreg import laboratory
from labkit.dreg.estimators import find
from labkit.dreg.gaussian import Gaussian
from labkit.dreg.statistics import RunningMoments, crossed, empty, merge, t_test

BLOCK = 64  # replicates per block; their mean is treated as normal
SCALES = (1.0, 10.0, 100.0, 1000.0)  # g: each scale is best for an effect that shows after about g blocks
ROUNDING = 1e-13  # variances below this fraction of the largest are rounding errors


@dataclass(frozen=True, eq=False)
class State:
    """The measurements of n blocks of one estimator at one K.

    blocks: moments of the means of blocks, with covariances, [D] and [D, D].
    gradients: moments of the estimator's own gradients, [D].
    log_e: log of (1), now; peak: its largest value so far.
    low, high: the interval of |bias| that all blocks so far allow.
    """

    estimator: str
    reference: str
    k: int
    level: float
    parameters: Mapping[str, Any]
    blocks: RunningMoments
    gradients: RunningMoments
    log_e: float = 0.0
    peak: float = 0.0
    low: float = 0.0
    high: float = math.inf
    t: int = 0

    @property
    def n(self) -> int:
        """The number of replicates so far."""
        return self.gradients.n

    @property
    def bias(self) -> Tensor:
        """The mean difference, [D]."""
        return self.blocks.mean

    @property
    def norm(self) -> float:
        """|bias|, which its own noise makes too large on average."""
        return self.bias.norm().item()

    @property
    def p(self) -> float:
        """A p-value that is valid each time you look: 1 / (the largest evidence so far)."""
        return math.exp(-self.peak)

    @property
    def scatter(self) -> float:
        """The root of the gradient's total variance.

        A |bias| of c times this equals the noise in the mean of 1/c^2 gradients.
        """
        return self.gradients.variance.sum().sqrt().item()

    @property
    def t2(self) -> float:
        """Hotelling's T^2 of the mean difference, now."""
        means, variances, certain = _spectrum(self)
        return math.inf if certain else float(self.blocks.n * (means**2 / variances).sum())

    def coordinate_t(self) -> tuple[Tensor, Tensor]:
        """Return Student's t and p of each coordinate, [D] each, valid for ONE look."""
        return t_test(self.blocks.n, self.bias, self.blocks.variance.diagonal())

    def scalar_t(self) -> tuple[Tensor, Tensor]:
        """Return Student's t and p of the sum over coordinates, valid for ONE look; opposite biases cancel in it."""
        return t_test(self.blocks.n, self.bias.sum(), self.blocks.variance.sum())

    def scalar_log_e(self) -> float:
        """Return the log of (1) for that sum, with d = 1."""
        t, _ = self.scalar_t()
        return log_evidence(self.blocks.n, t * t, 1).item() if self.blocks.n > 2 and t.isfinite() else 0.0


class Verdict(NamedTuple):
    """The result of a test as a word, and why as a sentence.

    The word is "biased", "none found" (no bias above the effect) or "undecided" (the budget is used up).
    """

    word: str
    why: str


def start(
    toy: Gaussian, estimator: str, k: int, *, level: float = 0.05, parameters: Mapping[str, Any] | None = None
) -> State:
    """Return the state before the first block; the reference is DReG, and for DReG itself IWAE, which is noisier.

    Args:
        estimator: a name of `ESTIMATORS`.
        k: the number of samples.
        level: the level of the test; the interval has confidence 1 - level.
        parameters: parameters of the estimator, for example {"alpha": 0.5}.

    Raises:
        ValueError: an unknown estimator, fewer samples than it needs, or a level that is not inside (0, 1).
        TypeError: the estimator does not have a parameter.
    """
    least = find(estimator, parameters or ()).least
    if k < least:
        raise ValueError(f"{estimator} needs K >= {least} samples, got K = {k}; draw more")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}; 0.05 is common")
    reference = "iwae" if estimator == laboratory.REFERENCE else laboratory.REFERENCE
    zero = toy.mean.new_zeros(toy.dim)
    blocks = RunningMoments(0, zero, zero.new_zeros(toy.dim, toy.dim))
    return State(estimator, reference, k, level, dict(parameters or {}), blocks, empty(zero))


def step(state: State, toy: Gaussian, *, generator: torch.Generator, replicates: int = BLOCK) -> State:
    """Return the state after one more block; use the same number of replicates for all blocks."""
    names, given = (state.estimator, state.reference), {state.estimator: state.parameters}
    first = laboratory.start(toy, names, (state.k,), given)
    made = laboratory.step(first, toy, generator=generator, replicates=replicates)
    one, other = made.bias[:, 0]
    own = RunningMoments(made.n, made.gradients.mean[0, 0], made.gradients.spread[0, 0])
    new = replace(
        state,
        blocks=merge(state.blocks, crossed((one - other)[None])),
        gradients=merge(state.gradients, own),
        t=state.t + 1,
    )
    return judged(new)


def judged(state: State) -> State:
    """Return the state with the evidence of its moments and the interval of |bias|."""
    n, spectrum = state.blocks.n, _spectrum(state)
    d = len(spectrum.variances)
    if n <= d + 1:  # too few blocks to span their space, so the evidence is 1
        return state
    log_e = math.inf if spectrum.certain > 0 else 0.0
    low = high = spectrum.certain
    if d:
        square = n * (spectrum.means**2 / spectrum.variances).sum()
        log_e += log_evidence(n, torch.tensor(square), d).item()
        reach = critical(n, d, state.level)
        low, high = (math.hypot(spectrum.certain, end) for end in norms(spectrum.means, spectrum.variances / n, reach))
    peak = max(state.peak, log_e)
    return replace(state, log_e=log_e, peak=peak, low=max(state.low, low), high=min(state.high, high))


def verdict(state: State, effect: float, budget: int) -> Verdict | None:
    """Return the result of the test, or `None` while it continues.

    Without bias the result is "biased" with probability at most `level`. With a |bias| above the effect it is "none
    found" with probability at most `level`.

    Args:
        effect: the largest |bias| that does not matter, as a fraction of the gradient's scatter (`State.scatter`).
        budget: the largest number of replicates.
    """
    if state.peak >= -math.log(state.level):
        return Verdict(
            "biased", f"the evidence has reached {1 / state.level:g} ({-math.log10(state.level):.1f} in log₁₀)"
        )
    if state.high <= effect * state.scatter:
        return Verdict(
            "none found", f"the whole interval of |bias| is below {effect:g} times the noise of one gradient"
        )
    if state.n >= budget:
        return Verdict("undecided", f"the budget of {budget:,} replicates is spent")
    return None


def log_evidence(n: int, t2: Float[Tensor, "*batch"], d: int) -> Float[Tensor, "*batch"]:
    """Return the log of (1) for Hotelling's T^2 of n samples in d dimensions; 0 while n <= d."""
    if n <= d:
        return torch.zeros_like(t2)
    g, u = t2.new_tensor(SCALES), t2[..., None] / (n - 1)
    rho = g / (n + g)
    log_e = d / 2 * rho.log() + n / 2 * (torch.log1p(u) - torch.log1p(rho * u))
    return log_e.logsumexp(-1) - math.log(len(SCALES))


def critical(n: int, d: int, level: float) -> float:
    """Return the T^2 at which (1) reaches 1/level; infinite if it cannot."""

    def short(log_t2: float) -> float:
        return log_evidence(n, torch.tensor(math.exp(log_t2), dtype=torch.float64), d).item() + math.log(level)

    most = 60.0  # largest log T^2
    return math.exp(brentq(short, -20.0, most, xtol=1e-10)) if short(most) > 0 else math.inf


def first_interval(d: int, level: float) -> int:
    """Return the number of blocks from which the interval of |bias| in d dimensions is finite."""
    return next(n for n in itertools.count(d + 2) if critical(n, d, level) < math.inf)


def norms(means: np.ndarray, variances: np.ndarray, reach: float) -> tuple[float, float]:
    """Return the smallest and largest norm of the m with sum (m - means)^2 / variances <= reach.

    By Lagrange's condition the nearest is m = means c / (c + variances), c >= 0; the farthest is m = means c / (c -
    variances), c above all variances.
    """
    if reach == math.inf:
        return 0.0, math.inf
    top, squares = variances.max(), means**2

    def beyond(log_c: float, sign: int) -> float:
        """Return the excess over the ellipsoid at c, where c is measured from its pole."""
        return (variances * squares / _from_pole(log_c, sign) ** 2).sum() - reach

    def _from_pole(log_c: float, sign: int) -> np.ndarray:
        """Return c + variances, or c - variances without cancellation."""
        return math.exp(log_c) + (variances if sign > 0 else top - variances)

    scale, low, ends = math.log(top), 0.0, (-60.0, 60.0)
    if (squares / variances).sum() > reach:
        at = brentq(beyond, scale + ends[0], scale + ends[1], args=(1,), xtol=1e-12)
        low = float(np.linalg.norm(means * math.exp(at) / _from_pole(at, 1)))
    hard = (
        beyond(scale + ends[0], -1) <= 0
    )  # the mean has no part along the longest axis, which gets the rest of the reach
    at = scale + ends[0] if hard else brentq(beyond, scale + ends[0], scale + ends[1], args=(-1,), xtol=1e-12)
    far = means * (top + math.exp(at)) / _from_pole(at, -1)
    return low, math.sqrt((far**2).sum() - (top * beyond(at, -1) if hard else 0.0))


class _Spectrum(NamedTuple):
    """Means and variances of blocks along the axes in which they vary, and |mean| across, which has no noise."""

    means: np.ndarray
    variances: np.ndarray
    certain: float


def _spectrum(state: State) -> _Spectrum:
    if state.blocks.n < 2:
        return _Spectrum(np.zeros(state.blocks.n), np.ones(state.blocks.n), 0.0)
    variances, axes = np.linalg.eigh(state.blocks.variance.numpy(force=True))
    means = axes.T @ state.bias.numpy(force=True)
    size = (state.gradients.mean.square() + state.gradients.variance).sum().item()
    varies = variances > ROUNDING * max(variances[-1], ROUNDING * size)
    certain = float(np.linalg.norm(means[~varies]))
    return _Spectrum(means[varies], variances[varies], certain if certain**2 > ROUNDING * size else 0.0)
