"""Importance weights and what is left of them when one is left out, in O(K) and from their logarithms alone.

    w_k = exp(lw_k) / S,   S = sum_k exp(lw_k),   loo_i = log sum_{j != i} exp(lw_j)                            (1)
    m_p,j = 1/K sum_{i != j} (exp(lw_j) / sum_{l != i} exp(lw_l))^p                                             (2)

Log-weights are [K, ...]: samples first, then anything. In everything here samples may come in any order. A log-weight
of -inf is a weight of 0, as where p(x, z_k) = 0: the sample counts in K and takes no part in the sums.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

TAIL = 5  # of the weights, the fewest that a tail is fitted to

Alive = Callable[[int], int]  # of K samples, how many must have a weight above 0


def check_log_weights(log_w: object, least: int = 1, name: str = "log_w", alive: Alive | None = None) -> bool:
    """Refuse what cannot be log-weights of at least so many samples; return whether a weight among them is 0.

    `alive` says how many of K must have a weight above 0, `least` where it is left out.

    Raises:
        TypeError: not a tensor of floating point.
        ValueError: not [K, ...] with K >= least; NaN or +inf; too many of -inf.
    """
    if not isinstance(log_w, Tensor) or not log_w.is_floating_point():
        got = log_w.dtype if isinstance(log_w, Tensor) else type(log_w).__name__
        raise TypeError(f"log_w must be a tensor of floating point, got {got}; use torch.as_tensor(log_w).double()")
    if not log_w.ndim or not log_w.numel():
        raise ValueError(
            f"log_w must be [K, ...] with K at least 1, got {tuple(log_w.shape)}; put the samples on axis 0"
        )
    check_count(log_w.shape[0], least, name)
    # one sum finds nearly every good case in a single pass; finite values whose sum overflows get the second look
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
            f"at least one of the K = {k} log-weights must be finite, got -inf for all (every weight is 0); "
            "draw more samples, or give the proposal a support inside that of the model"
        )
    if few < alive:
        raise ValueError(
            f"{name} needs {alive} samples with a weight above 0, got {few} of K = {k} (log_w = -inf is weight 0); "
            "draw more samples, or use iwae or dreg, for which one is enough"
        )
    return bool((log_w == -math.inf).any())


def check_count(k: int, least: int, name: str) -> None:
    """Raise ValueError unless k samples are as many as the estimator of that name needs."""
    if k < least:
        raise ValueError(f"{name} needs K >= {least} samples, got K = {k}; it leaves one out, so draw more")


class Weights:
    """Log-weights [K, ...] and all that estimators make of them, each computed once and only when asked for."""

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
        """Their squares."""
        return self.w * self.w

    @cached_property
    def loo(self) -> Tensor:
        """log of the sum of the others, (1), [K, ...]; -inf where there are none."""
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
        """m_p of (2), [K, ...]."""
        return (power * self.log_w + logsumexp_others(-power * self.loo)).exp() / self.count


def logsumexp_others(x: Float[Tensor, " k *batch"]) -> Float[Tensor, " k *batch"]:
    """log sum_{j != i} exp(x_j) for every i: sums from the left meet sums from the right, nothing is subtracted."""
    return torch.logaddexp(*_both_sides(x, torch.logcumsumexp, -math.inf))


def mean_of_others(x: Float[Tensor, " k *batch"]) -> Float[Tensor, " k *batch"]:
    """1/(K-1) sum_{j != i} x_j for every i, in the same way: -inf where there is one among the others."""
    left, right = _both_sides(x, torch.cumsum, 0.0)
    return (left + right) / (x.shape[0] - 1)


def _both_sides(x: Tensor, run: Callable[[Tensor, int], Tensor], nothing: float) -> tuple[Tensor, Tensor]:
    """What `run` makes of all before i and of all after i, for every i."""
    none = torch.full_like(x[:1], nothing)
    return torch.cat([none, run(x, 0)[:-1]]), torch.cat([run(x.flip(0), 0).flip(0)[1:], none])


def effective_sample_size(log_w: Tensor) -> Tensor:
    """1 / sum w^2 of log_w [K, ...], [...]: from 1 (one weight has all) to K (all weigh the same)."""
    check_log_weights(log_w)
    return Weights(log_w).effective_size


def entropy(log_w: Tensor) -> Tensor:
    """-sum w log w of log_w [K, ...], [...], in nats: from 0 to log K; its exp is another effective sample size."""
    check_log_weights(log_w)
    return Weights(log_w - log_w.amax(0)).entropy


def pareto_k(log_w: Tensor) -> Tensor:
    """Shape of the generalised Pareto distribution fitted to the greatest min(K/5, 3 sqrt K) weights.

    Moments of the weights exist below order 1/k: beyond .5 their variance is infinite, beyond .7 means are not to be
    trusted (Vehtari et al. 2024, arXiv 1507.02646, with its prior of 10 observations at .5); the fit is that of
    Zhang & Stephens 2009. -inf where the weights do not differ: there is no tail.

    Raises:
        ValueError: fewer than 25 samples, or fewer than a tail with a weight above 0.
    """
    check_log_weights(log_w, TAIL * 5, "pareto_k", lambda k: _tail(k) + 1)
    n = _tail(log_w.shape[0])
    top = (log_w - log_w.amax(0)).exp().topk(n + 1, 0).values.flip(0)
    x = top[1:] - top[:1]
    flat = x[-1] < 1e-12  # of the greatest weight: rounding
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
    """How many of k weights a tail is fitted to."""
    return math.ceil(min(k / 5, 3 * math.sqrt(k)))
