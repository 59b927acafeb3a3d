"""Importance weights, and the weights without one sample, are computed in O(K) from their logarithms.

    w_k = exp(lw_k) / S,   S = sum_k exp(lw_k),   loo_i = log sum_{j != i} exp(lw_j)                            (1)
    m_p,j = 1/K sum_{i != j} (exp(lw_j) / sum_{l != i} exp(lw_l))^p                                             (2)

Log-weights are [K, ...], with samples on the first axis, in any order. A log-weight of -inf is a weight of 0, for
example where p(x, z_k) = 0: the sample counts in K but adds nothing to the sums.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from labkit import arrays

TAIL = 5  # fewest weights to which a tail is fitted

Alive = Callable[[int], int]  # K -> how many samples must have a weight above 0


def check_log_weights(log_w: object, least: int = 1, name: str = "log_w", alive: Alive | None = None) -> bool:
    """Raise an error unless log_w are log-weights of at least `least` samples; return whether one of the weights is 0.

    `alive` maps K to the number of samples that must have a weight above 0; without it this is `least`.

    Raises:
        TypeError: log_w is not a tensor of floating point.
        ValueError: log_w is not [K, ...] with K >= least, has NaN or +inf, or has too many -inf.
    """
    if not isinstance(log_w, Tensor) or not log_w.is_floating_point():
        got = log_w.dtype if isinstance(log_w, Tensor) else type(log_w).__name__
        how = "log_w.double()" if isinstance(log_w, Tensor) else arrays.conversion(log_w, "log_w")
        raise TypeError(f"log_w must be a tensor of floating point, got {got}; use {how}")
    if not log_w.ndim or not log_w.numel():
        raise ValueError(
            f"log_w must be [K, ...] with K at least 1, got {tuple(log_w.shape)}; put the samples on axis 0"
        )
    check_count(log_w.shape[0], least, name)
    # nearly every good tensor passes with one sum; a finite tensor with an infinite sum needs a second look
    if math.isfinite(log_w.detach().sum()):
        return False
    return _check_alive(log_w.detach(), least if alive is None else alive(log_w.shape[0]), name)


def _check_alive(log_w: Tensor, alive: int, name: str) -> bool:
    bad = int((log_w.isnan() | (log_w == math.inf)).sum())
    if bad:
        raise ValueError(
            f"log_w must be finite, or -inf for a weight of 0; got {bad} of {log_w.numel()} that are NaN or +inf; "
            "check log p and log q"
        )
    k, few = log_w.shape[0], int((log_w > -math.inf).sum(0).min())
    if not few:
        raise ValueError(
            f"at least one of the K = {k} log-weights must be finite, got -inf for all (every weight is 0). "
            "Draw more samples, or use a proposal with a support inside that of the model"
        )
    if few < alive:
        raise ValueError(
            f"{name} needs {alive} samples with a weight above 0, got {few} of K = {k} (log_w = -inf is weight 0); "
            "draw more samples, or use iwae or dreg, which need only one"
        )
    return bool((log_w == -math.inf).any())


def check_count(k: int, least: int, name: str) -> None:
    """Raise ValueError unless k samples are enough for the estimator with that name."""
    if k < least:
        raise ValueError(f"{name} needs K >= {least} samples, got K = {k}; draw more, because it leaves one out")


class Weights:
    """Log-weights [K, ...] and the quantities that estimators need of them, each computed once at its first use."""

    def __init__(self, log_w: Tensor):
        self.log_w = log_w
        self.count = log_w.shape[0]

    @cached_property
    def total(self) -> Tensor:
        """log S, [...]."""
        return self.log_w.logsumexp(0)

    @cached_property
    def w(self) -> Tensor:
        """Weights that sum to 1, [K, ...]."""
        return self.log_w.softmax(0)

    @cached_property
    def w2(self) -> Tensor:
        """The squares of the weights, [K, ...]."""
        return self.w * self.w

    @cached_property
    def loo(self) -> Tensor:
        """The log of the sum of the other weights, (1), [K, ...]; -inf if there are no others."""
        return logsumexp_others(self.log_w)

    @property
    def effective_size(self) -> Tensor:
        """1 / sum w^2, [...]."""
        return 1 / self.w2.sum(0)

    @property
    def entropy(self) -> Tensor:
        """-sum w log w, [...]."""
        return self.total - torch.where(self.w == 0, 0, self.w * self.log_w).sum(0)  # 0 log 0 = 0

    def loo_mean(self, power: int) -> Tensor:
        """Return m_p of (2), [K, ...]."""
        return (power * self.log_w + logsumexp_others(-power * self.loo)).exp() / self.count


def logsumexp_others(x: Float[Tensor, " k *batch"]) -> Float[Tensor, " k *batch"]:
    """Return log sum_{j != i} exp(x_j) for every i, by sums from both sides without a subtraction."""
    return torch.logaddexp(*_both_sides(x, torch.logcumsumexp, -math.inf))


def mean_of_others(x: Float[Tensor, " k *batch"]) -> Float[Tensor, " k *batch"]:
    """Return 1/(K-1) sum_{j != i} x_j for every i in the same way; -inf if one of the others is -inf."""
    left, right = _both_sides(x, torch.cumsum, 0.0)
    return (left + right) / (x.shape[0] - 1)


def _both_sides(x: Tensor, run: Callable[[Tensor, int], Tensor], nothing: float) -> tuple[Tensor, Tensor]:
    """Return the result of `run` for all before i and for all after i, for every i."""
    none = torch.full_like(x[:1], nothing)
    return torch.cat([none, run(x, 0)[:-1]]), torch.cat([run(x.flip(0), 0).flip(0)[1:], none])


def effective_sample_size(log_w: Tensor) -> Tensor:
    """Return 1 / sum w^2 of log_w [K, ...], [...]: from 1 (one weight dominates) to K (all weights are equal).

    Raises:
        TypeError, ValueError: log_w is not a tensor [K, ...] of log-weights.
    """
    check_log_weights(log_w)
    return Weights(log_w).effective_size


def entropy(log_w: Tensor) -> Tensor:
    """Return -sum w log w of log_w [K, ...], [...], in nats, from 0 to log K; its exp is another effective sample size.

    Raises:
        TypeError, ValueError: log_w is not a tensor [K, ...] of log-weights.
    """
    check_log_weights(log_w)
    return Weights(log_w - log_w.amax(0)).entropy


def pareto_k(log_w: Tensor) -> Tensor:
    """Return the shape of the generalised Pareto distribution fitted to the largest min(K/5, 3 sqrt K) weights, [...].

    Moments of the weights exist below order 1/k. Above .5 their variance is infinite, above .7 means cannot be trusted
    (Vehtari et al. 2024, arXiv 1507.02646, with its prior of 10 observations at .5). The fit follows Zhang & Stephens
    2009. The result is -inf if all weights are equal, because there is no tail.

    Raises:
        ValueError: there are fewer than 25 samples, or too few weights above 0 for a tail.
    """
    check_log_weights(log_w, TAIL * 5, "pareto_k", lambda k: _tail(k) + 1)
    n = _tail(log_w.shape[0])
    top = (log_w - log_w.amax(0)).exp().topk(n + 1, 0).values.flip(0)
    x = top[1:] - top[:1]
    flat = x[-1] < 1e-12  # below this fraction of the largest weight there is only rounding
    x = torch.where(flat, torch.arange(1, n + 1, device=x.device, dtype=x.dtype).view(-1, *[1] * flat.ndim), x)
    quarter = x[int(n / 4 + 0.5) - 1].clamp(min=torch.finfo(x.dtype).tiny)
    m = 30 + int(math.sqrt(n))
    grid = 1 - (m / (torch.arange(1, m + 1, device=x.device, dtype=x.dtype) - 0.5)).sqrt()
    theta = 1 / x[-1] + grid.view(-1, *[1] * flat.ndim) / (3 * quarter)
    k = torch.log1p(-theta[:, None] * x).mean(1)
    theta = (theta * (n * ((-theta / k).log() - k - 1)).softmax(0)).sum(0)
    k = torch.log1p(-theta * x).mean(0)
    return torch.where(flat, -math.inf, (n * k + 5) / (n + 10))


def _tail(k: int) -> int:
    """Return the number of weights, of k, to which a tail is fitted."""
    return math.ceil(min(k / 5, 3 * math.sqrt(k)))
