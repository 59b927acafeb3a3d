"""A test of bias that may be looked at after every block of replicates and still holds its level.

The estimator on trial minus a reference without bias, on the same samples, averaged over blocks: x_1, ..., x_n in d
dimensions. With T^2 that of Hotelling for their mean, u = T^2 / (n - 1) and a few scales g, the evidence against "no
bias" is

    e_n = mean over g of (g / (n + g))^(d/2) ((1 + u) / (1 + u g / (n + g)))^(n/2)                              (1)

the Bayes factor of a mean N(0, C/g) against 0 under the invariant prior on the covariance C. It depends on the x's by
what no linear map changes, whose law is the same for every C: a martingale from 1, so that P(e_n >= 1/level for some n)
<= level without bias (Ville), wherever one stops. The t-test of d = 1 is Lai (1976) and Wang & Ramdas (arXiv
2310.03722), the argument for groups Perez-Ortiz et al. (arXiv 2208.07610).

Assumed: the means of blocks are independent and normal, of any covariance. Gradients are not normal, but their
coefficients are bounded, and a block has many of them. The m whose e_n(x - m) < 1/level for all n hold the true mean
with 1 - level.
"""

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

BLOCK = 64  # replicates of which a mean is taken to be normal
SCALES = (1.0, 10.0, 100.0, 1000.0)  # g: an effect is found soonest that shows in about g blocks
ROUNDING = 1e-13  # of the largest variance: what is below is 0 but for the arithmetic


@dataclass(frozen=True, eq=False)
class State:
    """What n blocks have told of one estimator at one K.

    blocks: moments of the means of blocks, with covariances, [D] and [D, D]. gradients: of the estimator's own
    gradients, [D]. log_e: of (1), now; peak: its greatest value so far. low, high: the |bias| that no block so far has
    excluded.
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
        """Replicates so far."""
        return self.gradients.n

    @property
    def bias(self) -> Tensor:
        """Mean difference, [D]."""
        return self.blocks.mean

    @property
    def norm(self) -> float:
        """|bias|, upwards of the truth by its own noise."""
        return self.bias.norm().item()

    @property
    def p(self) -> float:
        """Valid at every look: the greatest evidence so far, upside down."""
        return math.exp(-self.peak)

    @property
    def scatter(self) -> float:
        """Root of the gradient's total variance: |bias| of c times that is lost in the noise of 1/c^2 gradients."""
        return self.gradients.variance.sum().sqrt().item()

    @property
    def t2(self) -> float:
        """Hotelling's T^2 of the mean difference, now."""
        means, variances, certain = _spectrum(self)
        return math.inf if certain else float(self.blocks.n * (means**2 / variances).sum())

    def coordinate_t(self) -> tuple[Tensor, Tensor]:
        """Student's t and p of each coordinate, [D] each, for ONE look."""
        return t_test(self.blocks.n, self.bias, self.blocks.variance.diagonal())

    def scalar_t(self) -> tuple[Tensor, Tensor]:
        """Student's t and p of the sum over coordinates, for ONE look; coordinates of opposite bias cancel in it."""
        return t_test(self.blocks.n, self.bias.sum(), self.blocks.variance.sum())

    def scalar_log_e(self) -> float:
        """(1) of that sum, with d = 1."""
        t, _ = self.scalar_t()
        return log_evidence(self.blocks.n, t * t, 1).item() if self.blocks.n > 2 and t.isfinite() else 0.0


class Verdict(NamedTuple):
    """word: "biased", "none found" (the effect is excluded) or "undecided" (the budget is spent); why, in words."""

    word: str
    why: str


def start(
    toy: Gaussian, estimator: str, k: int, *, level: float = 0.05, parameters: Mapping[str, Any] | None = None
) -> State:
    """The state before the first block. The reference is DReG; for DReG itself it is IWAE, which is noisy.

    Args:
        parameters: of the estimator, e.g. {"alpha": 0.5}. level: of the test, and 1 - level of the interval.

    Raises:
        ValueError: an unknown estimator; fewer samples than it needs; a level that is not inside (0, 1).
        TypeError: a parameter that the estimator does not have.
    """
    least = find(estimator, parameters or ()).least
    if k < least:
        raise ValueError(f"{estimator} needs K >= {least} samples, got K = {k}; draw more")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}; 0.05 is usual")
    reference = "iwae" if estimator == laboratory.REFERENCE else laboratory.REFERENCE
    zero = toy.mean.new_zeros(toy.dim)
    blocks = RunningMoments(0, zero, zero.new_zeros(toy.dim, toy.dim))
    return State(estimator, reference, k, level, dict(parameters or {}), blocks, empty(zero))


def step(state: State, toy: Gaussian, *, generator: torch.Generator, replicates: int = BLOCK) -> State:
    """One block more, always of the same number of replicates."""
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
    """The state with the evidence of its moments, and what they exclude of |bias|."""
    n, spectrum = state.blocks.n, _spectrum(state)
    d = len(spectrum.variances)
    if n <= d + 1:  # fewer blocks than would span their space: evidence is 1
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
    """How it ends; None while it goes on.

    Without bias "biased" is said with a chance of at most `level`; so is "none found" of a |bias| above the effect.

    Args:
        effect: the largest |bias| that is none, as a part of the gradient's own scatter (see `State.scatter`).
        budget: replicates that may be spent.
    """
    if state.peak >= -math.log(state.level):
        return Verdict("biased", f"the evidence has reached {1 / state.level:g}")
    if state.high <= effect * state.scatter:
        return Verdict("none found", f"a bias above {effect:g} of the gradient's scatter is excluded")
    if state.n >= budget:
        return Verdict("undecided", f"the budget of {budget:,} replicates is spent")
    return None


def log_evidence(n: int, t2: Float[Tensor, "*batch"], d: int) -> Float[Tensor, "*batch"]:
    """log of (1) for Hotelling's T^2 of n draws in d dimensions; 0 while n <= d."""
    if n <= d:
        return torch.zeros_like(t2)
    g, u = t2.new_tensor(SCALES), t2[..., None] / (n - 1)
    rho = g / (n + g)
    log_e = d / 2 * rho.log() + n / 2 * (torch.log1p(u) - torch.log1p(rho * u))
    return log_e.logsumexp(-1) - math.log(len(SCALES))


def critical(n: int, d: int, level: float) -> float:
    """T^2 at which (1) reaches 1/level; infinite where it cannot."""

    def short(log_t2: float) -> float:
        return log_evidence(n, torch.tensor(math.exp(log_t2), dtype=torch.float64), d).item() + math.log(level)

    most = 60.0  # of log T^2
    return math.exp(brentq(short, -20.0, most, xtol=1e-10)) if short(most) > 0 else math.inf


def norms(means: np.ndarray, variances: np.ndarray, reach: float) -> tuple[float, float]:
    """Least and greatest norm of the m with sum (m - means)^2 / variances <= reach, from Lagrange's condition.

    Nearest: m = means c / (c + variances), c >= 0; farthest: m = means c / (c - variances), c above all variances.
    """
    if reach == math.inf:
        return 0.0, math.inf
    top, squares = variances.max(), means**2

    def beyond(log_c: float, sign: int) -> float:
        """Of the ellipsoid, at c, counted from its pole."""
        return (variances * squares / _from_pole(log_c, sign) ** 2).sum() - reach

    def _from_pole(log_c: float, sign: int) -> np.ndarray:
        """c + variances, or c - variances without cancellation."""
        return math.exp(log_c) + (variances if sign > 0 else top - variances)

    scale, low, ends = math.log(top), 0.0, (-60.0, 60.0)
    if (squares / variances).sum() > reach:
        at = brentq(beyond, scale + ends[0], scale + ends[1], args=(1,), xtol=1e-12)
        low = float(np.linalg.norm(means * math.exp(at) / _from_pole(at, 1)))
    hard = (
        beyond(scale + ends[0], -1) <= 0
    )  # nothing of the mean along the longest axis: the rest of the reach is there
    at = scale + ends[0] if hard else brentq(beyond, scale + ends[0], scale + ends[1], args=(-1,), xtol=1e-12)
    far = means * (top + math.exp(at)) / _from_pole(at, -1)
    return low, math.sqrt((far**2).sum() - (top * beyond(at, -1) if hard else 0.0))


class _Spectrum(NamedTuple):
    """Means and variances of blocks along the axes in which they vary, and |mean| across, which is certain."""

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
