"""Sums of a Gaussian kernel in one dimension in O(n) instead of O(n^2), exact to rounding.

The line is cut into cells of width 3 h. Inside a cell exp(-(x - y)^2 / (2 h^2)) is, in x as in y, a polynomial of
degree ORDER - 1 to double precision, so that it is known from its values at ORDER Chebyshev points:

    K = L^T G L,    L: Lagrange polynomials at the particles,    G: the kernel between the cells' Chebyshev points.

For half a width r (in h) the interpolation error is about (e r^2 / (4 ORDER))^(ORDER / 2), here 1e-16
(Bernstein's bound for an entire function; Greengard & Strain 1991 do the same with Hermite series).
"""

import functools
import math

import torch
from torch import Tensor

WIDTH = 3.0  # of a cell, in bandwidths
ORDER = 26  # Chebyshev points of a cell
FAR = 2.0**24  # cells from the first to the last up to which a place within a cell keeps eight digits
ELEMENTS = 4_000_000  # of the kernel between Chebyshev points that are held at once
PAYS = 2  # particles for every Chebyshev point from which this way is the quicker one


@functools.cache
def _chebyshev() -> tuple[Tensor, Tensor]:
    """The points in [-1, 1], and the matrix that takes (T_0(t), T_1(t), ...) to the Lagrange polynomials at t."""
    angle = (torch.arange(ORDER, dtype=torch.float64) + 0.5) * (math.pi / ORDER)
    waves = torch.cos(torch.arange(ORDER, dtype=torch.float64)[:, None] * angle) * (2 / ORDER)
    waves[0] /= 2
    return torch.cos(angle), waves


def sums(a: Tensor, fields: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """sum_j (a_i - a_j)^p exp(-(a_i - a_j)^2 / 2) v_j, where v is field p = 0, 1, ...

    With p = 1 and 2 the kernel's gradient and its trace are sums of their own, in which nothing cancels.

    Args:
        a: positions divided by the bandwidth, (n,) float64 on the CPU.
        fields: v_p, each (c_p, n).

    Returns:
        for every field (c_p, n) in float64; None where the particles lie so far apart that all pairs are cheaper, or
        that positions within a cell lose digits.
    """
    points, waves = _chebyshev()
    place = (a - a.min()) / WIDTH
    low = place.floor()
    cells, cell = torch.unique(low, return_inverse=True)
    if cells.shape[0] * ORDER * PAYS > a.shape[0] or not float(cells[-1]) <= FAR:
        return None
    t = (place - low).mul_(2).sub_(1).clamp_(-1, 1)
    lagrange = torch.cos(torch.arange(ORDER, dtype=torch.float64) * t.acos_()[:, None]) @ waves  # (n, order)
    v = torch.cat(fields).double()
    weights = (lagrange[:, :, None] * v.mT[:, None]).flatten(1)
    moments = weights.new_zeros(cells.shape[0], weights.shape[1]).index_add_(0, cell, weights)
    counts = [field.shape[0] for field in fields]
    moments = moments.reshape(-1, v.shape[0]).split_with_sizes(counts, 1)
    nodes = ((cells[:, None] + (points + 1) / 2) * WIDTH).flatten()
    found = [_at_nodes(some, nodes, moments) for some in nodes.split(max(1, ELEMENTS // nodes.shape[0]))]
    field = torch.cat(found).reshape(cells.shape[0], ORDER, -1)
    return torch.bmm(lagrange[:, None], field.index_select(0, cell))[:, 0].mT.split_with_sizes(counts)


def _at_nodes(some: Tensor, nodes: Tensor, moments: tuple[Tensor, ...]) -> Tensor:
    """The sums of all fields at some of the Chebyshev points."""
    gap = some[:, None] - nodes
    if len(moments) == 1:  # the kernel alone, in the memory of the gaps
        return gap.mul_(gap).mul_(-0.5).exp_() @ moments[0]
    matrix = gap.square().mul_(-0.5).exp_()
    found = [matrix @ moments[0]]
    found += [matrix.mul_(gap) @ moment for moment in moments[1:]]
    return torch.cat(found, 1)
