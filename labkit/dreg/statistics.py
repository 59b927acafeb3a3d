"""Means and variances of a stream are merged batch by batch; tests of a mean use them.

This is Welford's update for batches, in float64 (Chan, Golub & LeVeque 1979). It keeps only what it needs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.special import fdtrc, stdtr
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RunningMoments:
    """The moments of n samples of a quantity [...]: mean [...], and spread [...], the sum of squares about it.

    With `crossed`, spread is [..., d, d]: products of the last axis, from which covariances come.
    """

    n: int
    mean: Tensor
    spread: Tensor

    @property
    def variance(self) -> Tensor:
        """The unbiased variance spread / (n - 1); NaN before two samples."""
        return self.spread / (self.n - 1) if self.n > 1 else torch.full_like(self.spread, torch.nan)


def moments(x: Float[Tensor, " n *quantity"]) -> RunningMoments:
    """Return the moments of one batch, in two passes."""
    mean = x.mean(0)
    return RunningMoments(len(x), mean, (x - mean).square_().sum(0))


def crossed(x: Float[Tensor, "n *quantity d"]) -> RunningMoments:
    """Return the moments of one batch, with the products of its last axis."""
    mean = x.mean(0)
    away = (x - mean).movedim(0, -2)
    return RunningMoments(len(x), mean, away.mT @ away)


def merge(a: RunningMoments, b: RunningMoments) -> RunningMoments:
    """Return the moments of both batches together."""
    if not a.n or not b.n:
        return a if a.n else b
    n, apart = a.n + b.n, b.mean - a.mean
    square = apart * apart if a.spread.shape == apart.shape else apart.unsqueeze(-1) * apart.unsqueeze(-2)
    return RunningMoments(n, a.mean + apart * (b.n / n), a.spread + b.spread + square * (a.n * b.n / n))


def empty(like: Tensor) -> RunningMoments:
    """Return the moments of 0 samples of a quantity with this shape."""
    return RunningMoments(0, torch.zeros_like(like), torch.zeros_like(like))


def t_test(n: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return Student's t and its two-sided p for each coordinate of a mean of n samples being 0.

    They are 0 and 1 if all samples are 0.
    """
    t = mean / (variance / n).sqrt()
    t = torch.where((mean == 0) & (variance == 0), 0.0, t)
    p = 2 * stdtr(n - 1, -t.abs().cpu().numpy())
    return t, torch.as_tensor(p, dtype=t.dtype, device=t.device)


def hotelling(
    n: int, mean: Float[Tensor, "*batch d"], covariance: Float[Tensor, "*batch d d"]
) -> tuple[Tensor, Tensor]:
    """Return Hotelling's T^2 and its p for the whole mean [..., d] of n samples being 0: coordinates cannot cancel.

    (n - d) / (d (n - 1)) T^2 is F(d, n - d). The result is 0 and 1 if every sample was 0. It is NaN while n <= d, and
    if the covariance is singular for another reason.
    """
    d = mean.shape[-1]
    nothing = (mean == 0).all(-1) & (covariance == 0).all(-1).all(-1)
    root, info = torch.linalg.cholesky_ex(covariance)
    away = torch.linalg.solve_triangular(root, mean.unsqueeze(-1), upper=False).squeeze(-1)
    bad = (info != 0) | (n <= d)
    t2 = torch.where(nothing, 0.0, torch.where(bad, torch.nan, n * away.square().sum(-1)))
    p = fdtrc(d, max(n - d, 1), (t2 * max(n - d, 1) / (d * max(n - 1, 1))).cpu().numpy())
    return t2, torch.as_tensor(p, dtype=t2.dtype, device=t2.device)
