"""Sums over all pairs of particles, in strips: the memory is O(block n), never n^2.

For a radial kernel everything that SVGD needs has one form: out = M @ v with M symmetric and
M[i, j] = f(|a_i - a_j|^2). A strip holds some rows of M from the diagonal to the right; by symmetry it serves
those rows and, transposed, the columns below, so that f is evaluated once a pair.

Arrays are transposed here, (c, n) with the particles last: a few rows times a wide matrix is what BLAS does fast
(measured 3 to 6 times faster than a wide matrix times a few columns).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 128  # rows of a strip: with 1000 columns it fits a core's second-level cache
WHOLE = 256  # up to here one strip holds everything
ELEMENTS = 4_000_000  # of a strip, all leading axes counted
DIRECT = 3  # up to so many dimensions differences are taken directly: the expanded square loses digits in float32


class Apart(NamedTuple):
    """x around its mean, (..., n, d); the squared lengths of that, (..., n); |x_i - x_j|^2 / 2, (..., n, n)."""

    centred: Tensor
    squares: Tensor
    halves: Tensor


Profile = Callable[[Tensor], tuple[Tensor, ...]]


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|^2 for a (..., d, n) and b (..., d, m): (..., n, m)."""
    if a.shape[-2] > DIRECT:
        return _expanded(a, b)
    difference = a[..., 0, :, None] - b[..., 0, None, :]
    total = difference.square_()  # not mul_(difference): autograd could not go back through it
    for k in range(1, a.shape[-2]):
        difference = a[..., k, :, None] - b[..., k, None, :]
        total.addcmul_(difference, difference)
    return total


def _expanded(a: Tensor, b: Tensor) -> Tensor:
    """The same as one matrix product, [-2a, |a|^2, 1] with [b, 1, |b|^2]; tiny negatives are clamped."""
    a2, b2 = (a * a).sum(-2, keepdim=True), (b * b).sum(-2, keepdim=True)
    left = torch.cat([-2 * a, a2, torch.ones_like(a2)], -2)
    right = torch.cat([b, torch.ones_like(b2), b2], -2)
    return (left.mT @ right).clamp_(min=0)


def apart(x: Tensor) -> Apart:
    """Few particles x (..., n, d) and all their pairs, in few calls.

    Around the mean the digits of a common offset are not lost; where some are far from the others, digits still are.
    """
    mean = x.mean(-2, keepdim=True)
    centred = x - mean
    minus = (mean - x) @ centred.mT
    squares = minus.diagonal(dim1=-2, dim2=-1).neg()
    halves = minus.add_(squares.unsqueeze(-1), alpha=0.5).add_(squares.unsqueeze(-2), alpha=0.5)
    return Apart(centred, squares, halves)


def is_whole(x: Tensor) -> bool:
    """Whether one strip holds all pairs of x (..., n, d)."""
    n, d = x.shape[-2:]
    return n <= WHOLE and x.numel() // d * n <= ELEMENTS


def blocks(a: Tensor) -> Iterator[slice]:
    """Row ranges of the strips for a (..., d, n)."""
    n = a.shape[-1]
    runs = a.numel() // (a.shape[-2] * n)
    size = n if is_whole(a.mT) else max(1, min(BLOCK, ELEMENTS // (runs * n)))
    for i in range(0, n, size):
        yield slice(i, min(i + size, n))


def sums(a: Tensor, profile: Profile, fields: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """M_m @ v_m for every matrix m of the profile.

    Args:
        a: positions divided by the bandwidth, (..., d, n).
        profile: squared distances (..., b, k) -> one matrix for every field; it may write into its argument.
        fields: v_m, each (..., c_m, n).

    Returns:
        for every field (..., c_m, n): sum over j of M_m[i, j] v_m[j].
    """
    n = a.shape[-1]
    out = None
    for rows in blocks(a):
        d2 = squared_distances(a[..., rows], a[..., rows.start :])
        if a.shape[-2] > DIRECT:
            d2.diagonal(dim1=-2, dim2=-1).zero_()  # a rounding error there is a great one under Matern's square root
        strip = profile(d2)
        if rows == slice(0, n):
            return tuple(v @ m for m, v in zip(strip, fields, strict=True))
        out = out or tuple(torch.zeros_like(v) for v in fields)
        for total, m, v in zip(out, strip, fields, strict=True):
            total[..., rows] += v[..., rows.start :] @ m.mT
            total[..., rows.stop :] += v[..., rows] @ m[..., rows.stop - rows.start :]
    return out
