"""These checks decide when the fast sums over pairs lose digits.

This happens for particles that are far apart, or that move very little.
"""

import torch
from torch import Tensor

from labkit.svgd.fast.pairs import DIRECT

FAR = {torch.float32: 24.0, torch.float64: 2.0**10}  # largest |a| at which 4 |a|^2 rounds to 4, or 9, digits of 1
STILL = 2.0**-9  # ratio of scores in 1/h to positions in h below which float32 may lose the repulsion


def reach(a: Tensor) -> Tensor:
    """Return the largest |a| of particles a (..., d, n); in few dimensions the largest coordinate, which is faster."""
    if a.shape[-2] <= DIRECT:
        return a.abs().max()  # a norm of infinite order takes eight times as long
    return (a * a).sum(-2).max().sqrt_()


def numbers(*scalars: Tensor) -> list[float]:
    """Return tensors of one element as floats; on a GPU this waits only once for all of them."""
    if scalars[0].is_cuda:
        return torch.stack([scalar.reshape(()) for scalar in scalars]).tolist()
    return [float(scalar) for scalar in scalars]


def is_far(reach: float, d: int, dtype: torch.dtype) -> bool:
    """Return whether sums over pairs of particles a = (x - mean)^T / h, (..., d, n), lose digits at this reach.

    An expanded |a_i - a_j|^2 has an error of about eps |a|^2. The error of a_i sum_j w_ij - sum_j w_ij a_j is
    eps |a| sum_j w_ij. With up to `DIRECT` dimensions only the second occurs, so twice the reach is allowed.
    """
    return not reach <= FAR[dtype] * (2 if d <= DIRECT else 1)


def are_lost(reach: Tensor, score: Tensor, length: Tensor) -> bool:
    """Return whether the fast sums for phi lose digits, for positions of this reach in units of h.

    There are two cases. The particles may be far apart. Or, in float32, they form clusters much smaller than h, and all
    scores are small. Then only the small repulsion within a cluster is left. The rounding error of the distance between
    clusters hides it.
    """
    if score.dtype == torch.float64:
        return is_far(float(reach), score.shape[-1], score.dtype)
    total, longest = score.abs().sum(), length if length.numel() == 1 else length.max()
    most, scores, h = numbers(reach, total, longest)
    return is_far(most, score.shape[-1], score.dtype) or scores * h < STILL * most * score.numel()
