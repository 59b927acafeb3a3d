"""Means and variances of a stream, merged batch by batch, and tests of a mean.

Welford's update as Chan, Golub & LeVeque (1979) write it for batches, in float64: nothing is kept but what it needs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.special import fdtrc, stdtr
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RunningMoments:
    """n draws of a [...] quantity: mean [...], and spread [...], the sum of squares about it.

    With `crossed`, spread is [..., d, d]: products of the last axis, from which covariances come.
    """

    n: int
    mean: Tensor
    spread: Tensor

    @property
    def variance(self) -> Tensor:
        """Unbiased: spread / (n - 1); NaN before two draws."""
        return self.spread / (self.n - 1) if self.n > 1 else torch.full_like(self.spread, torch.nan)


def moments(x: Float[Tensor, " n *quantity"]) -> RunningMoments:
    """Of one batch, in two passes."""
    mean = x.mean(0)
    return RunningMoments(len(x), mean, (x - mean).square_().sum(0))


def crossed(x: Float[Tensor, "n *quantity d"]) -> RunningMoments:
    """Of one batch, with the products of its last axis."""
    mean = x.mean(0)
    away = (x - mean).movedim(0, -2)
    return RunningMoments(len(x), mean, away.mT @ away)


def merge(a: RunningMoments, b: RunningMoments) -> RunningMoments:
    """As though both had been one batch."""
    if not a.n or not b.n:
        return a if a.n else b
    n, apart = a.n + b.n, b.mean - a.mean
    square = apart * apart if a.spread.shape == apart.shape else apart.unsqueeze(-1) * apart.unsqueeze(-2)
    return RunningMoments(n, a.mean + apart * (b.n / n), a.spread + b.spread + square * (a.n * b.n / n))


def empty(like: Tensor) -> RunningMoments:
    """No draws yet of a quantity of that shape."""
    return RunningMoments(0, torch.zeros_like(like), torch.zeros_like(like))


def t_test(n: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Student's t and its two-sided p for each coordinate of a mean of n draws being 0; 0 and 1 where all are 0."""
    t = mean / (variance / n).sqrt()
    t = torch.where((mean == 0) & (variance == 0), 0.0, t)
    p = 2 * stdtr(n - 1, -t.abs().cpu().numpy())
    return t, torch.as_tensor(p, dtype=t.dtype, device=t.device)


def hotelling(
    n: int, mean: Float[Tensor, "*batch d"], covariance: Float[Tensor, "*batch d d"]
) -> tuple[Tensor, Tensor]:
    """Hotelling's T^2 and its p for the whole mean [..., d] of n draws being 0: coordinates cannot cancel.

    (n - d) / (d (n - 1)) T^2 is F(d, n - d). 0 and 1 where every draw was 0; NaN while n <= d, and where the covariance
    is singular otherwise.
    """
    d = mean.shape[-1]
    nothing = (mean == 0).all(-1) & (covariance == 0).all(-1).all(-1)
    root, info = torch.linalg.cholesky_ex(covariance)
    away = torch.linalg.solve_triangular(root, mean.unsqueeze(-1), upper=False).squeeze(-1)
    bad = (info != 0) | (n <= d)
    t2 = torch.where(nothing, 0.0, torch.where(bad, torch.nan, n * away.square().sum(-1)))
    p = fdtrc(d, max(n - d, 1), (t2 * max(n - d, 1) / (d * max(n - 1, 1))).cpu().numpy())
    return t2, torch.as_tensor(p, dtype=t2.dtype, device=t2.device)
