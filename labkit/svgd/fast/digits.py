"""When the quick sums over pairs lose digits: particles that lie far apart, or that hardly move."""

import torch
from torch import Tensor

from labkit.svgd.fast.pairs import DIRECT

FAR = {torch.float32: 24.0, torch.float64: 2.0**10}  # |a| up to which 4 |a|^2 rounds to 4, or 9, digits of 1
STILL = 2.0**-9  # scores in 1/h, as a part of positions in h, below which float32 may lose the repulsion


def reach(a: Tensor) -> Tensor:
    """The greatest |a| of particles a (..., d, n); in few dimensions of a coordinate, which is quicker."""
    if a.shape[-2] <= DIRECT:
        return a.abs().max()  # a norm of infinite order takes eight times as long
    return (a * a).sum(-2).max().sqrt_()


def numbers(*scalars: Tensor) -> list[float]:
    """Tensors of one element as floats; on a GPU after one wait for all of them."""
    if scalars[0].is_cuda:
        return torch.stack([scalar.reshape(()) for scalar in scalars]).tolist()
    return [float(scalar) for scalar in scalars]


def is_far(reach: float, d: int, dtype: torch.dtype) -> bool:
    """Return whether sums over pairs of particles a = (x - mean)^T / h, (..., d, n), lose digits by this reach.

    An expanded |a_i - a_j|^2 is off by about eps |a|^2; a_i sum_j w_ij - sum_j w_ij a_j is off by eps |a| sum_j w_ij.
    With up to `DIRECT` dimensions only the second happens, so that twice the length is allowed.
    """
    return not reach <= FAR[dtype] * (2 if d <= DIRECT else 1)


def are_lost(reach: Tensor, score: Tensor, length: Tensor) -> bool:
    """Return whether the quick sums for phi lose digits, for positions of this reach in units of h.

    Particles may be far apart. Or, in float32, they form clusters much tighter than h while all scores are small: then
    the little push within a cluster is all there is, and the distance between clusters, which cancels, hides it.
    """
    if score.dtype == torch.float64:
        return is_far(float(reach), score.shape[-1], score.dtype)
    total, longest = score.abs().sum(), length if length.numel() == 1 else length.max()
    most, scores, h = numbers(reach, total, longest)
    return is_far(most, score.shape[-1], score.dtype) or scores * h < STILL * most * score.numel()
