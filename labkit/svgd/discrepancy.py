"""These functions measure how far a sample is from a target (KSD) or from a second sample (MMD)."""

from functools import reduce

import torch
from torch import Tensor

from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.checks import Particles, as_particles
from labkit.svgd.flow import KERNEL, _at, _bandwidth, root
from labkit.svgd.kernels import Kernel
from labkit.svgd.registry import kernel_of
from labkit.targets.scores import Scored, as_score

ROWS = 512  # rows of the kernel matrix that are in memory at a time


def ksd(x: Particles, score: Scored, kernel: Kernel | str = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Return the kernel Stein discrepancy (KSD) of x (..., n, d) as (...), the root of the V-statistic.

        KSD^2 = 1/n^2 sum_ij [ s_i.s_j k + s_i.grad_j k + s_j.grad_i k + tr grad_i grad_j k ]

    The sum includes the diagonal (Liu, Lee & Jordan 2016). A perfect fit has KSD 0. For n independent samples from p,
    KSD is near sqrt(mean of the diagonal / n). For particles that SVGD has spread it is smaller.
    To compare samples or states, give a fixed bandwidth: the median rule changes the scale with the sample.

    Args:
        x: particles (..., n, d), float32 or float64: a tensor, an array or a data frame.
        score: the score of the target, or a target, as in `start`.
        kernel: a name in `svgd.KERNELS`, or a `Kernel`.
        bandwidth: a rule or a length in units of x, as in `start`.

    Raises:
        TypeError, ValueError: as `start`.
    """
    x = as_particles(x).detach()
    return _at(x, as_score(score), kernel_of(kernel), bandwidth, None, 0, None, None).ksd


def mmd(x: Particles, y: Particles, kernel: Kernel | str = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Return the maximum mean discrepancy (MMD) of samples x (..., n, d) and y (..., m, d) as (...).

        MMD^2 = mean k(x, x') - 2 mean k(x, y) + mean k(y, y')

    It is the root of the V-statistic, with the diagonals (Gretton et al. 2012, eq. 5). If MMD is 0, the samples agree.
    A bandwidth rule is applied to both samples together. The three means nearly cancel, so they are computed in
    float64. The result is NaN where only rounding error is left.

    Args:
        x, y: the samples: tensors, arrays or data frames.
        kernel, bandwidth: as in `ksd`.

    Raises:
        TypeError, ValueError: bad samples, or samples of different dimension or dtype.
    """
    x, y, kernel = as_particles(x), as_particles(y), kernel_of(kernel)
    if x.shape[-1] != y.shape[-1] or x.shape[:-2] != y.shape[:-2] or x.dtype != y.dtype:
        raise ValueError(
            f"samples may differ only in number, got {tuple(x.shape)} {x.dtype} and {tuple(y.shape)} {y.dtype}; "
            "give both the same leading axes, dimension and dtype"
        )
    h = _bandwidth(kernel, bandwidth, torch.cat([x, y], -2), None, 0).double()
    wide_x, wide_y = x.double(), y.double()

    def mean(a: Tensor, b: Tensor) -> Tensor:
        strips = (kernel.matrix(part, b, h).sum((-2, -1)) for part in a.split(ROWS, -2))
        return reduce(torch.add, strips) / (a.shape[-2] * b.shape[-2])

    means = torch.stack([mean(wide_x, wide_x), -2 * mean(wide_x, wide_y), mean(wide_y, wide_y)])
    # with one kernel per dimension, sum over the dimensions as ksd does
    means = means.reshape(3, *x.shape[:-2], -1).sum(-1)
    return root(means.sum(0), lambda: means.abs().sum(0)).to(x.dtype)
