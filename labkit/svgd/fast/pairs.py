"""Sums over all pairs of particles are computed in strips, with memory O(block n) and never n^2.

For a radial kernel all sums that SVGD needs have one form: out = M @ v. Here M is symmetric and
M[i, j] = f(|a_i - a_j|^2). A strip holds some rows of M from the diagonal to the right. By symmetry it serves those
rows and, transposed, the columns below. So f is evaluated once per pair.

Arrays are transposed here, (c, n) with the particles last. BLAS multiplies a few rows by a wide matrix fast.
This is 3 to 6 times faster than a wide matrix times a few columns.
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.private.torch import transforms_active

BLOCK = 128  # rows of a strip; with 1000 columns it fits into the second-level cache of a core
WHOLE = 256  # largest number of particles for which one strip holds all pairs
ELEMENTS = 4_000_000  # largest number of elements of a strip, over all leading axes
DIRECT = 3  # dimensions up to which differences are as fast as an expanded square, and are always used
NEAR = 2.0**-10  # fraction of the largest |a|^2; for closer pairs an expanded square has too few digits for a root


_kept = threading.local()


class Apart(NamedTuple):
    """x minus its mean (..., n, d), its squared lengths (..., n), and |x_i - x_j|^2 / 2 (..., n, n)."""

    centred: Tensor
    squares: Tensor
    halves: Tensor


Profile = Callable[[Tensor], tuple[Tensor, ...]]
Strips = Iterator[tuple[slice, Tensor]]  # rows i, and |a_i - a_j|^2 for these i and all j >= the first of them


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return |a_i - b_j|^2 for a (..., d, n) and b (..., d, m), (..., n, m), in the faster way."""
    return _expanded(_left(a), _right(b)) if a.shape[-2] > DIRECT else differences(a, b)


def differences(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the same from the difference of every coordinate, which loses no digits at any distance."""
    first = (a.mT, b) if a.shape[-2] == 1 else (a[..., 0, :, None], b[..., 0, None, :])
    total = torch.sub(*first, out=out).square_()  # not mul_(difference), because autograd cannot differentiate it
    for k in range(1, a.shape[-2]):
        difference = a[..., k, :, None] - b[..., k, None, :]
        total.addcmul_(difference, difference)
    return total


def passing(a: Tensor) -> Tensor:
    """Return differences(a, a) for a (..., d, n), which the next call on this thread may overwrite.

    In a program that also keeps small arrays, each new large matrix is in memory that was not used before. To clear
    its pages takes the system longer than all sums over the pairs of thirty runs.
    """
    if a.ndim == 2 or a.is_cuda or a.requires_grad or transforms_active():
        return differences(a, a)
    shape = (*a.shape[:-2], a.shape[-1], a.shape[-1])
    return differences(a, a, room("squares", shape, a))


def room(name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Return memory on the CPU that the next call with this name on this thread returns again."""
    size, kept = math.prod(shape), getattr(_kept, name, None)
    if kept is None or kept.dtype != like.dtype or kept.numel() < size:
        with torch.inference_mode(False):  # a tensor of that mode could not be written outside it
            kept = like.new_empty(size)
        setattr(_kept, name, kept)
    return kept[:size].view(shape)


def _left(a: Tensor) -> Tensor:
    a2 = (a * a).sum(-2, keepdim=True)
    return torch.cat([-2 * a, a2, torch.ones_like(a2)], -2)


def _right(b: Tensor) -> Tensor:
    b2 = (b * b).sum(-2, keepdim=True)
    return torch.cat([b, torch.ones_like(b2), b2], -2)


def _expanded(left: Tensor, right: Tensor) -> Tensor:
    """Return the squares as one matrix product, [-2a, |a|^2, 1] with [b, 1, |b|^2], with negatives set to 0."""
    return (left.mT @ right).clamp_(min=0)


def apart(x: Tensor) -> Apart:
    """Return few particles x (..., n, d) and all their pairs, with few torch calls.

    Subtracting the mean keeps the digits that a common offset would cost. Digits are still lost if some particles are
    far from the others.
    """
    mean = x.mean(-2, keepdim=True)
    centred = x - mean
    minus = (mean - x) @ centred.mT
    squares = minus.diagonal(dim1=-2, dim2=-1).neg()
    halves = minus.add_(squares.unsqueeze(-1), alpha=0.5).add_(squares.unsqueeze(-2), alpha=0.5)
    return Apart(centred, squares, halves)


def is_whole(x: Tensor) -> bool:
    """Return whether one strip holds all pairs of x (..., n, d)."""
    n, d = x.shape[-2:]
    return n <= WHOLE and x.numel() // d * n <= ELEMENTS


def blocks(a: Tensor) -> Iterator[slice]:
    """Yield the row ranges of the strips for a (..., d, n)."""
    n = a.shape[-1]
    runs = a.numel() // (a.shape[-2] * n)
    size = n if is_whole(a.mT) else max(1, min(BLOCK, ELEMENTS // (runs * n)))
    for i in range(0, n, size):
        yield slice(i, min(i + size, n))


def strips(a: Tensor) -> Strips:
    """Return all strips of a (..., d, n), in the faster way."""
    return exact_strips(a) if a.shape[-2] <= DIRECT else _expanded_strips(a)


def _expanded_strips(a: Tensor) -> Strips:
    left, right = _left(a), _right(a)
    for rows in blocks(a):
        d2 = _expanded(left[..., rows], right[..., rows.start :])
        d2.diagonal(dim1=-2, dim2=-1).zero_()
        yield rows, d2


def exact_strips(a: Tensor) -> Strips:
    """Yield all strips, by differences."""
    if is_whole(a.mT):
        yield slice(0, a.shape[-1]), passing(a)  # skips the call that slices everything
        return
    for rows in blocks(a):
        yield rows, differences(a[..., rows], a[..., rows.start :])


def rooted_strips(a: Tensor) -> Strips:
    """Yield all strips with the digits that a square root needs: by differences where pairs are near.

    On a GPU it always uses differences, because testing for near pairs would wait for the device.
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
    """Return M_m @ v_m for every matrix m of the profile.

    Args:
        a: positions divided by the bandwidth, (..., d, n).
        profile: squared distances (..., b, k) -> one matrix for every field; it may write into its argument.
        fields: v_m, each (..., c_m, n).
        strips: the function that yields the squared distances.

    Returns:
        For every field (..., c_m, n): sum over j of M_m[i, j] v_m[j].
    """
    n = a.shape[-1]
    out: tuple[Tensor, ...] = ()
    for rows, d2 in strips(a):
        matrices = profile(d2)
        if rows == slice(0, n):
            found = tuple(v @ m for m, v in zip(matrices, fields, strict=True))
            if any(each.requires_grad for each in found):  # their gradient needs the matrices
                _kept.__dict__.clear()
            return found
        out = out or tuple(torch.zeros_like(v) for v in fields)
        for total, m, v in zip(out, matrices, fields, strict=True):
            _add(total, m, v, rows)
    return out


def _add(total: Tensor, m: Tensor, v: Tensor, rows: slice) -> None:
    """Add the part of M @ v from the strip m: to its rows, and by symmetry to the columns after them."""
    total[..., rows] += v[..., rows.start :] @ m.mT
    total[..., rows.stop :] += v[..., rows] @ m[..., rows.stop - rows.start :]
