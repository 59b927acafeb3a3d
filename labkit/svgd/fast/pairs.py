"""Sums over all pairs of particles, in strips: the memory is O(block n), never n^2.

For a radial kernel everything that SVGD needs has one form: out = M @ v with M symmetric and
M[i, j] = f(|a_i - a_j|^2). A strip holds some rows of M from the diagonal to the right; by symmetry it serves
those rows and, transposed, the columns below, so that f is evaluated once a pair.

Arrays are transposed here, (c, n) with the particles last: a few rows times a wide matrix is what BLAS does fast
(measured 3 to 6 times faster than a wide matrix times a few columns).
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 128  # rows of a strip: with 1000 columns it fits a core's second-level cache
WHOLE = 256  # up to this many particles, one strip holds everything
ELEMENTS = 4_000_000  # of a strip, all leading axes counted
DIRECT = 3  # up to this many dimensions, differences are as quick as an expanded square and are always taken
NEAR = 2.0**-10  # a part of the greatest |a|^2: of closer pairs an expanded square has too few digits for a root


class Apart(NamedTuple):
    """x around its mean, (..., n, d); the squared lengths of that, (..., n); |x_i - x_j|^2 / 2, (..., n, n)."""

    centred: Tensor
    squares: Tensor
    halves: Tensor


Profile = Callable[[Tensor], tuple[Tensor, ...]]
Strips = Iterator[tuple[slice, Tensor]]  # rows i, and |a_i - a_j|^2 for these and every j from the first of them on


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|^2 for a (..., d, n) and b (..., d, m), (..., n, m), in the quicker way."""
    return _expanded(_left(a), _right(b)) if a.shape[-2] > DIRECT else differences(a, b)


def differences(a: Tensor, b: Tensor) -> Tensor:
    """The same from the difference of every coordinate: no digits are lost, however far apart the pairs are."""
    difference = a.mT - b if a.shape[-2] == 1 else a[..., 0, :, None] - b[..., 0, None, :]
    total = difference.square_()  # not mul_(difference): autograd could not go back through it
    for k in range(1, a.shape[-2]):
        difference = a[..., k, :, None] - b[..., k, None, :]
        total.addcmul_(difference, difference)
    return total


def _left(a: Tensor) -> Tensor:
    a2 = (a * a).sum(-2, keepdim=True)
    return torch.cat([-2 * a, a2, torch.ones_like(a2)], -2)


def _right(b: Tensor) -> Tensor:
    b2 = (b * b).sum(-2, keepdim=True)
    return torch.cat([b, torch.ones_like(b2), b2], -2)


def _expanded(left: Tensor, right: Tensor) -> Tensor:
    """The squares as one matrix product, [-2a, |a|^2, 1] with [b, 1, |b|^2]; tiny negatives are clamped."""
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


def strips(a: Tensor) -> Strips:
    """All strips of a (..., d, n), in the quicker way."""
    return exact_strips(a) if a.shape[-2] <= DIRECT else _expanded_strips(a)


def _expanded_strips(a: Tensor) -> Strips:
    left, right = _left(a), _right(a)
    for rows in blocks(a):
        d2 = _expanded(left[..., rows], right[..., rows.start :])
        d2.diagonal(dim1=-2, dim2=-1).zero_()
        yield rows, d2


def exact_strips(a: Tensor) -> Strips:
    """All strips, by differences."""
    if is_whole(a.mT):
        yield slice(0, a.shape[-1]), differences(a, a)  # a slice of everything is a call, too
        return
    for rows in blocks(a):
        yield rows, differences(a[..., rows], a[..., rows.start :])


def rooted_strips(a: Tensor) -> Strips:
    """All strips, as exact as the square root of a squared distance needs them: by differences where pairs are near.

    On a GPU always by differences, for to look would be to wait.
    """
    if a.shape[-2] <= DIRECT or a.is_cuda:
        yield from exact_strips(a)
        return
    near = NEAR * float((a * a).sum(-2).max())
    for rows, d2 in strips(a):
        diagonal = d2.diagonal(dim1=-2, dim2=-1)
        diagonal.fill_(math.inf)
        least = float(d2.min())
        diagonal.zero_()
        yield rows, differences(a[..., rows], a[..., rows.start :]) if least < near else d2


def sums(
    a: Tensor, profile: Profile, fields: tuple[Tensor, ...], strips: Callable[[Tensor], Strips] = strips
) -> tuple[Tensor, ...]:
    """M_m @ v_m for every matrix m of the profile.

    Args:
        a: positions divided by the bandwidth, (..., d, n).
        profile: squared distances (..., b, k) -> one matrix for every field; it may write into its argument.
        fields: v_m, each (..., c_m, n).
        strips: the way in which squared distances are found.

    Returns:
        for every field (..., c_m, n): sum over j of M_m[i, j] v_m[j].
    """
    n = a.shape[-1]
    out: tuple[Tensor, ...] = ()
    for rows, d2 in strips(a):
        matrices = profile(d2)
        if rows == slice(0, n):
            return tuple(v @ m for m, v in zip(matrices, fields, strict=True))
        out = out or tuple(torch.zeros_like(v) for v in fields)
        for total, m, v in zip(out, matrices, fields, strict=True):
            _add(total, m, v, rows)
    return out


def _add(total: Tensor, m: Tensor, v: Tensor, rows: slice) -> None:
    """Add what the strip m gives of M @ v: to its rows, and by symmetry to the columns after them."""
    total[..., rows] += v[..., rows.start :] @ m.mT
    total[..., rows.stop :] += v[..., rows] @ m[..., rows.stop - rows.start :]
