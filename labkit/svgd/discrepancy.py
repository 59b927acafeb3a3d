"""How far a sample is from a target (KSD, needs only the score) or from another sample (MMD)."""

from functools import reduce

import torch
from torch import Tensor

from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.flow import KERNEL, _at, _bandwidth, check_particles, root
from labkit.svgd.kernels import Kernel
from labkit.targets.scores import Scored, as_score

ROWS = 512  # of the kernel matrix at a time


def ksd(x: Tensor, score: Scored, kernel: Kernel = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Kernel Stein discrepancy of x (..., n, d), (...): the root of the V-statistic (Liu, Lee & Jordan 2016).

    KSD^2 = 1/n^2 sum_ij [ s_i.s_j k + s_i.grad_j k + s_j.grad_i k + tr grad_i grad_j k ], diagonal included; near
    sqrt(mean of the diagonal / n) for n independent draws from p, less for particles that SVGD has spread. To compare
    samples, or to follow a run, give a fixed bandwidth: under the median rule the yardstick changes with the sample.

    Raises:
        TypeError, ValueError: as `start`.
    """
    check_particles(x)
    return _at(x.detach(), as_score(score), kernel, bandwidth, None, 0, None, None).ksd


def mmd(x: Tensor, y: Tensor, kernel: Kernel = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Maximum mean discrepancy between samples x (..., n, d) and y (..., m, d): the root of the V-statistic, (...).

    MMD^2 = mean k(x, x') - 2 mean k(x, y) + mean k(y, y'), diagonals included (Gretton et al. 2012, eq. 5). A rule
    for the bandwidth is asked for both samples together. The three means nearly cancel: they are found in float64, and
    NaN is returned where even there only rounding is left of them.

    Raises:
        TypeError, ValueError: bad samples, or samples of different dimension or dtype.
    """
    check_particles(x)
    check_particles(y)
    if x.shape[-1] != y.shape[-1] or x.shape[:-2] != y.shape[:-2] or x.dtype != y.dtype:
        raise ValueError(
            f"samples must agree but in number, got {tuple(x.shape)} {x.dtype} and {tuple(y.shape)} {y.dtype}; "
            "bring them to one dimension and dtype"
        )
    h = _bandwidth(kernel, bandwidth, torch.cat([x, y], -2), None, 0).double()
    wide_x, wide_y = x.double(), y.double()

    def mean(a: Tensor, b: Tensor) -> Tensor:
        strips = (kernel.matrix(part, b, h).sum((-2, -1)) for part in a.split(ROWS, -2))
        return reduce(torch.add, strips) / (a.shape[-2] * b.shape[-2])

    means = torch.stack([mean(wide_x, wide_x), -2 * mean(wide_x, wide_y), mean(wide_y, wide_y)])
    # a kernel per dimension: summed over the dimensions, as in ksd
    means = means.reshape(3, *x.shape[:-2], -1).sum(-1)
    return root(means.sum(0), lambda: means.abs().sum(0)).to(x.dtype)
