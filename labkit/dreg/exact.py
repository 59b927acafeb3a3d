"""Bound, gradient and variance of the Gaussian model are computed at every K and D without random numbers.

A sum S = sum W_k of K independent weights is split by 1/S^n = 1/(n-1)! int_0^inf t^(n-1) e^(-tS) dt. This leaves
powers of expectations over ONE sample, here two integrals, along m - a and over the rest of the squared norm. For an
estimator sum_k W_k F_k / S + W_k^2 F'_k / S^2, with y = tW, phi = E e^(-y), and t = e^v:

    mean          = K int E[(y F + y^2 F') e^(-y)] phi^(K-1) dv                                                 (1)
    second moment = int E[(X^2 + X Y + Y^2 / 6) e^(-tS)] dv,   X = sum_k y_k F_k,   Y = sum_k y_k^2 F'_k        (2)
    L             = int e^(-e^v) - phi^K dv - log K                                                             (3)

For analytic functions the trapezoidal rule converges faster than any power of the spacing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.special import roots_genlaguerre
from torch import Tensor

from labkit.dreg.estimators import ESTIMATORS, find
from labkit.dreg.gaussian import POSTERIOR_VARIANCE, Gaussian

ALONG, SPACING = 10.0, 0.125  # range and spacing of nodes along m - a, in standard deviations of q
ACROSS = 48  # number of nodes for the rest of the squared norm
STEP = 0.25  # spacing of v
ENTRIES = 1 << 20  # entries of the integrand in memory at a time


@dataclass(frozen=True, eq=False)
class Answers:
    """The exact values of E estimators at S sizes K.

    mean: [E, S], along the direction of the true gradient (it is zero across it).
    variance: [E, S], of the gradient, a mean over its D coordinates.
    bound: [S], L in nats.
    """

    estimators: tuple[str, ...]
    sizes: tuple[int, ...]
    mean: Tensor
    variance: Tensor
    bound: Tensor


class Nodes(NamedTuple):
    """The nodes of one sample, [N] each: probability, log W, squared norm across; G and H along the gradient."""

    p: Tensor
    log_w: Tensor
    across: Tensor
    path: Tensor
    score: Tensor


def known() -> tuple[str, ...]:
    """Return the estimators with exact values: those whose coefficients are polynomials of w."""
    return tuple(name for name, each in ESTIMATORS.items() if each.polynomial is not None)


def answers(toy: Gaussian, sizes: Sequence[int], estimators: Sequence[str] | None = None) -> Answers:
    """Return mean, variance and bound of these estimators at these K; by default of all `known` estimators.

    They are exact to 1e-8 for the published proposal. They are exact to a part in a thousand if D is near 100, or if q
    is so narrow that a few weights dominate.

    Raises:
        ValueError: an estimator's coefficients are not a polynomial of w, or a size is below 1.
    """
    estimators = known() if estimators is None else estimators
    if unknown := [name for name in estimators if name not in known()]:
        raise ValueError(f"there are exact values for {', '.join(known())}; got {unknown[0]}; choose one of these")
    if not sizes or min(sizes) < 1:
        raise ValueError(f"sizes must be numbers of samples >= 1, got {tuple(sizes)}; for example 1, 2, 4")
    found, k = nodes(toy), torch.tensor(sizes, dtype=torch.float64)
    columns = _columns(estimators, found, toy)
    bound, mean, second = (
        k.new_zeros(len(k)),
        k.new_zeros(len(estimators), len(k)),
        k.new_zeros(len(estimators), len(k)),
    )
    for v in _grid(found.log_w):
        y = (v[:, None] + found.log_w).clamp_(max=50).exp_()  # above this e^(-y) is 0
        felt = (-y).exp_()
        log_phi = _log_phi(y, felt, found.p)[:, None]
        bound += STEP * ((-v.exp()).exp()[:, None] - (k * log_phi).exp()).sum(0)
        felt.mul_(found.p)
        # E y^n e^(-y) of every column, [V, E] each
        x, x2_own, own3, own4 = (felt.mul_(y) @ each for each in columns)
        x2, own2 = x2_own.chunk(2, 1)
        once, twice = k * ((k - 1) * log_phi).exp(), k * (k - 1) * ((k - 2).clamp(min=0) * log_phi).exp()
        mean += STEP * (x + x2).T @ once
        second += STEP * ((own2 + own3 + own4 / 6).T @ once + (x * x + x * x2 + x2 * x2 / 6).T @ twice)
    variance = (second - mean**2) / toy.dim
    return Answers(tuple(estimators), tuple(sizes), mean, variance, bound - k.log() + toy.log_z)


def _log_phi(y: Tensor, felt: Tensor, p: Tensor) -> Tensor:
    """Return log E e^(-y), exact if it is near 0 and if it is near -infinity."""
    gone = -torch.expm1(-y) @ p
    small = (felt @ p).clamp(min=1e-300).log()  # never -inf, because 0 times it must be 0 for K - 1 = 0
    return torch.where(gone < 0.5, torch.log1p(-gone.clamp(max=0.5)), small)


def nodes(toy: Gaussian) -> Nodes:
    """Return the quadrature nodes of e for one sample: u along the true gradient, and r = |e|^2 - u^2.

    r is chi-squared with D - 1 degrees of freedom. log W is measured from log Z, so that weights are near 1.
    """
    u = torch.arange(-ALONG, ALONG + SPACING / 2, SPACING, dtype=torch.float64)
    p_u = (-u * u / 2).exp() * (SPACING / math.sqrt(2 * math.pi))
    r, p_r = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    if toy.dim > 1:
        roots, weights, total = roots_genlaguerre(ACROSS, (toy.dim - 3) / 2, mu=True)
        r, p_r = 2 * torch.from_numpy(roots), torch.from_numpy(weights) / total
    u, r, p = u[:, None].expand(-1, len(r)).flatten(), r.repeat(len(u)), (p_u[:, None] * p_r).flatten()
    s, v, distance = POSTERIOR_VARIANCE, toy.variance, toy.distance
    log_w = toy.dim * math.log(v / s) / 2 - distance**2 / (2 * s) + (1 - v / s) / 2 * (u * u + r)
    log_w = log_w + toy.sigma / s * distance * u  # the true gradient points from m to a
    return Nodes(p, log_w, r, distance / s + toy.path_slope * u, u / toy.sigma)


def _columns(estimators: Sequence[str], nodes: Nodes, toy: Gaussian) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the factors of y, y^2, y^3 and y^4 in (1) and (2): F; F' and |F|^2; F.F'; |F'|^2.

    They are [N, E], the second one [N, 2E]. Products belong to the same sample, along the gradient and across it. For
    two samples the parts across cancel.
    """
    rows = torch.tensor([find(name).polynomial for name in estimators], dtype=torch.float64)
    (path, path2), (score, score2) = rows.permute(1, 2, 0)
    f, f2 = (a * nodes.path[:, None] + b * nodes.score[:, None] for a, b in ((path, score), (path2, score2)))
    g, g2 = (a * toy.path_slope + b / toy.sigma for a, b in ((path, score), (path2, score2)))
    rest = nodes.across[:, None]
    return f, torch.cat([f2, f * f + g * g * rest], 1), f * f2 + g * g2 * rest, f2 * f2 + g2 * g2 * rest


def _grid(log_w: Tensor) -> Iterator[Tensor]:
    """Yield v from where all e^(-y) are 1 to where all are 0, a few at a time."""
    v = torch.arange(-log_w.max().item() - 45, -log_w.min().item() + 6, STEP, dtype=torch.float64)
    return iter(v.split(max(1, ENTRIES // len(log_w))))
