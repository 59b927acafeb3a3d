"""This module selects the way for the sums over pairs of a radial kernel (table: `labkit.svgd.fast`).

Every way gives the numbers of `Radial.plain` up to rounding. Arrays are transposed, particles last, as in `pairs`.
"""

import math
from functools import reduce
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from labkit.svgd.fast import cells, compiled, digits, pairs

LOG2_E = math.log2(math.e)
ROWS = 1 << 15  # differences x_i - x_j in memory at a time: a quarter of a megabyte
CROSSING = 1_250  # particles on a line from which cells are as fast as compiled sums in float32; in float64 all are

Parts = tuple[Tensor, Tensor, Tensor]  # drive and repulsion (..., n, d); trace (...)


@runtime_checkable
class RadialKernel(Protocol):
    """The attributes that the ways use of a kernel k = f(|x - x'|^2 / h^2); `labkit.svgd.kernels` explains them."""

    gaussian: ClassVar[bool]
    compiled: ClassVar[bool]
    rooted: ClassVar[bool]

    def length(self, h: Tensor) -> Tensor: ...
    def f(self, u: Tensor) -> Tensor: ...
    def f_w_q(self, u: Tensor) -> Parts: ...
    def plain(self, x: Tensor, score: Tensor, h: Tensor, rows: slice) -> Parts: ...
    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Parts: ...


def products(kernel: RadialKernel, x: Tensor, score: Tensor, h: Tensor) -> Parts:
    """Return drive and repulsion (..., n, d), and trace (...)."""
    xt, length = _transposed(x), kernel.length(h)
    a = xt / length
    if digits.are_lost(digits.reach(a), score, length):
        return _far(kernel, x, score, h)
    return (_by_one_matrix if kernel.gaussian else _by_three)(kernel, a, xt, score, length)


def phi(kernel: RadialKernel, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
    """Return drive plus repulsion, (..., n, d).

    For a Gaussian this is one sum, 1/n sum_j k_ij (s_j + (x_i - x_j) / h^2).
    """
    if not kernel.gaussian:
        return _added(kernel, x, score, h)
    if are_few(x):
        return phi_of_few(kernel, x, pairs.apart(x), score, h)
    xt, length = _transposed(x), kernel.length(h)
    a = xt / length
    if digits.are_lost(digits.reach(a), score, length):
        return _added(kernel, x, score, h)
    pull = xt.div_(length * length)
    sums, k1 = _times(kernel, a, torch.cat([score.mT - pull, _one(xt)], -2)).split_with_sizes((x.shape[-1], 1), -2)
    return pull.mul_(k1).add_(sums).div_(x.shape[-2]).mT


def squares(x: Tensor, y: Tensor, length: Tensor) -> Tensor:
    """Return |x_i - y_j|^2 / h^2, (..., n, m), for x (..., n, d) and y (..., m, d)."""
    centre = x.mean(-2, keepdim=True)
    a, b = ((x - centre) / length).mT, ((y - centre) / length).mT
    reach = max(digits.numbers(digits.reach(a.detach()), digits.reach(b.detach())))
    if digits.is_far(reach, x.shape[-1], x.dtype):
        return pairs.differences(x.mT, y.mT) / (length * length)
    return pairs.squared_distances(a, b)


def are_few(x: Tensor) -> bool:
    """Return whether x (..., n, d) has few particles in many dimensions, where the cost of calls dominates."""
    return x.shape[-1] > pairs.DIRECT and pairs.is_whole(x)


def phi_of_few(kernel: RadialKernel, x: Tensor, apart: pairs.Apart, score: Tensor, h: Tensor) -> Tensor:
    """Return phi of a Gaussian at x from `pairs.apart(x)`; this overwrites `apart.halves`."""
    length = kernel.length(h)
    per = (length * length).reciprocal_()
    if digits.are_lost((apart.squares * per[..., 0]).max().sqrt_(), score, length):
        return _added(kernel, x, score, h)
    matrix = apart.halves.clamp_(min=0).mul_(per * -LOG2_E).exp2_()  # takes half the time of exp_
    drive = matrix @ torch.addcmul(score, apart.centred, -per)
    return drive.addcmul_(apart.centred, matrix.sum(-1, keepdim=True).mul_(per)).div_(score.shape[-2])


def _added(kernel: RadialKernel, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
    drive, repulsion, _ = kernel.products(x, score, h)
    return drive + repulsion


def _transposed(x: Tensor) -> Tensor:
    """Return x with particles last and without its mean, so that fewer digits cancel; distances stay the same."""
    return (x - x.mean(-2, keepdim=True)).mT


def _one(xt: Tensor) -> Tensor:
    return xt.new_ones((*xt.shape[:-2], 1, xt.shape[-1]))


def _by_one_matrix(kernel: RadialKernel, a: Tensor, xt: Tensor, score: Tensor, length: Tensor) -> Parts:
    """Return drive, repulsion and trace of a Gaussian from one product, K @ [s, x, 1].

    This works because w = k and q = u k.
    """
    d, n = xt.shape[-2:]
    sums = _times(kernel, a, torch.cat([score.mT, xt, _one(xt)], -2)).div_(n)
    ks, kx, k1 = sums.split_with_sizes((d, d, 1), -2)
    square = length * length
    repulsion = (xt * k1).sub_(kx).div_(square)
    # sum_ij k |x_i - x_j|^2 / h^2 = 2 n sum_i x_i . repulsion_i: no second matrix for the trace
    trace = (d * k1.mean((-2, -1)) - 2 * (xt * repulsion).sum((-2, -1)).div_(n)) / square[..., 0, 0]
    return ks.mT, repulsion.mT, trace


def _times(kernel: RadialKernel, a: Tensor, v: Tensor) -> Tensor:
    """Return K @ v of a Gaussian for a = x^T / h (..., d, n) and v (..., c, n)."""
    line = _is_line(a)
    pays = not line or (a.dtype == torch.float32 and a.shape[1] < CROSSING)
    if kernel.compiled and pays and (found := compiled.sums(a, v)) is not None:
        return found
    if line and (of_cells := cells.sums(a[0].double(), (v,))) is not None:
        return of_cells[0].to(v.dtype)
    return pairs.sums(a, lambda u: (kernel.f(u),), (v,))[0]


def _is_line(a: Tensor) -> bool:
    """Return whether a (d, n) has one dimension and enough particles for `cells` to be faster."""
    return a.ndim == 2 and a.shape[0] == 1 and a.shape[1] > pairs.WHOLE and not a.is_cuda


def _by_three(kernel: RadialKernel, a: Tensor, xt: Tensor, score: Tensor, length: Tensor) -> Parts:
    """Return drive, repulsion and trace of any radial kernel from three matrices: k, w and d w - q."""
    d, n = xt.shape[-2:]

    def profile(u: Tensor) -> Parts:
        f, w, q = kernel.f_w_q(u)
        return f, w, w.mul(d).sub_(q)

    one = _one(xt)
    fields = (score.mT, torch.cat([xt, one], -2), one)
    ks, wx, traces = pairs.sums(a, profile, fields, pairs.rooted_strips if kernel.rooted else pairs.strips)
    push, trace = xt * wx[..., d:, :] - wx[..., :d, :], traces.sum((-2, -1))
    return ks.mT / n, push.div_(n * length * length).mT, trace / (n * length[..., 0, 0]) ** 2


def _far(kernel: RadialKernel, x: Tensor, score: Tensor, h: Tensor) -> Parts:
    """Return drive, repulsion and trace where the fast sums lose digits.

    On a line this uses cells, for float32 it uses float64, and otherwise the plain formulas for a few rows at a time.
    """
    if kernel.gaussian and _is_line(x.mT) and (found := _far_on_line(x, score, kernel.length(h))) is not None:
        return found
    if x.dtype != torch.float64:
        drive, repulsion, trace = kernel.products(x.double(), score.double(), h.double())
        return drive.to(x.dtype), repulsion.to(x.dtype), trace.to(x.dtype)
    rows = max(1, ROWS // x.numel())
    parts = (kernel.plain(x, score, h, slice(i, i + rows)) for i in range(0, x.shape[-2], rows))
    drives, repulsions, traces = zip(*parts, strict=True)
    return torch.cat(drives, -2), torch.cat(repulsions, -2), reduce(torch.add, traces)


def _far_on_line(x: Tensor, score: Tensor, length: Tensor) -> Parts | None:
    """Return drive, repulsion and trace of a Gaussian from three sums in which no digits cancel.

    It returns None if `cells` returns None.
    """
    place, one = x[:, 0].double(), torch.ones(1, len(x), dtype=torch.float64)
    fields = (torch.cat([score.mT, one], -2), one, one)
    if (found := cells.sums((place - place.min()) / length[0], fields)) is None:
        return None
    (ks, k1), (push,), (spread,) = found
    per = 1 / (len(x) * length[0, 0].double())
    trace = (k1 - spread).sum() * per * per
    return (ks / len(x)).to(x)[:, None], (push * per).to(x)[:, None], trace.to(x)
