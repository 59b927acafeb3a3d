"""This module computes sums of a Gaussian kernel in one dimension in O(n) time, exact to rounding.

The line is divided into cells of width 3 h. Inside a cell the kernel is, to double precision, a polynomial of degree
ORDER - 1 in x and in y. So its values at ORDER Chebyshev points determine it:

    K = L^T G L,    L: Lagrange polynomials at the particles,    G: the kernel between the cells' Chebyshev points,  (1)
    L_o(t) = w_o / (t - t_o) / sum_p w_p / (t - t_p),    w_o = (-1)^o sin(angle of point o),                         (2)

where (2) is the barycentric formula (Berrut & Trefethen 2004, sections 4 and 5). It is stable in the whole cell.

The interpolation error is about (e r^2 / (4 ORDER))^(ORDER / 2) for a half width r (in h), here 1e-16. This follows
from Bernstein's bound for an entire function. Greengard & Strain 1991 do the same with Hermite series.
"""

import functools
import math

import torch
from torch import Tensor

WIDTH = 3.0  # width of a cell, in bandwidths
ORDER = 26  # number of Chebyshev points of a cell
FAR = 2.0**24  # largest number of cells at which a position within a cell keeps eight digits
ELEMENTS = 4_000_000  # entries of the kernel between Chebyshev points in memory at a time
TINY = 1e-200  # replaces a distance 0 from a Chebyshev point; all others are above 1e-18
PAYS = 2  # particles per Chebyshev point from which this way is faster


@functools.cache
def _chebyshev() -> tuple[Tensor, Tensor]:
    """Return the Chebyshev points in [-1, 1] and their weights w of (2)."""
    angle = (torch.arange(ORDER, dtype=torch.float64) + 0.5) * (math.pi / ORDER)
    signs = 1 - 2 * (torch.arange(ORDER) % 2)
    return torch.cos(angle), torch.sin(angle) * signs


def _lagrange(t: Tensor, points: Tensor, weights: Tensor) -> Tensor:
    """Return the Lagrange polynomials of the points at t (n,) in [-1, 1], (order, n), by (2)."""
    gap = t - points[:, None]
    gap.masked_fill_(gap == 0, TINY)  # at a point, its own polynomial becomes 1 and all others become 0
    found = weights[:, None] / gap
    return found.div_(found.sum(0))


def sums(a: Tensor, fields: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Return sum_j (a_i - a_j)^p exp(-(a_i - a_j)^2 / 2) v_j, where v is field p = 0, 1, ...

    For p = 1 and 2 these sums give the kernel's gradient and trace, and no digits cancel in them.

    Args:
        a: positions divided by the bandwidth, (n,) float64 on the CPU.
        fields: v_p, each (c_p, n).

    Returns:
        For every field (c_p, n) in float64. None if the particles are so far apart that summing all pairs is cheaper,
        or that positions within a cell lose digits.
    """
    points, weights = _chebyshev()
    a, order = a.sort()  # the particles of a cell become one slice, so its sums are small matrix products
    place = (a - a[0]) / WIDTH
    low = place.floor()
    cells, sizes = torch.unique_consecutive(low, return_counts=True)
    if cells.shape[0] * ORDER * PAYS > a.shape[0] or not float(cells[-1]) <= FAR:
        return None
    sizes = sizes.tolist()
    slices = _lagrange((place - low).mul_(2).sub_(1), points, weights).split_with_sizes(sizes, 1)
    v = torch.cat(fields).double().index_select(1, order)
    moments = torch.cat([some @ each.mT for some, each in zip(v.split_with_sizes(sizes, 1), slices, strict=True)], 1)
    counts = [field.shape[0] for field in fields]
    nodes = ((cells[:, None] + (points + 1) / 2) * WIDTH).flatten()
    found = [
        _at_nodes(some, nodes, moments.split_with_sizes(counts))
        for some in nodes.split(max(1, ELEMENTS // nodes.shape[0]))
    ]
    at_cells = torch.cat(found, 1).split(ORDER, 1)
    v[:, order] = torch.cat([field @ each for field, each in zip(at_cells, slices, strict=True)], 1)
    return v.split_with_sizes(counts)


def _at_nodes(some: Tensor, nodes: Tensor, moments: tuple[Tensor, ...]) -> Tensor:
    """Return the sums of all fields at some of the Chebyshev points, (c, points)."""
    gap = some - nodes[:, None]
    if len(moments) == 1:  # only the kernel, so reuse the memory of the gaps
        return moments[0] @ gap.mul_(gap).mul_(-0.5).exp_()
    matrix = gap.square().mul_(-0.5).exp_()
    found = [moments[0] @ matrix]
    found += [moment @ matrix.mul_(gap) for moment in moments[1:]]
    return torch.cat(found)
