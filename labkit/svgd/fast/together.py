"""phi and the median bandwidth are computed together here, so that their common distances are computed once."""

from torch import Tensor

from labkit.svgd.bandwidths import Bandwidth, Median, median_bandwidth, rule
from labkit.svgd.fast import choice, pairs
from labkit.svgd.kernels import RBF, Kernel


def phi_and_median(kernel: Kernel, bandwidth: Bandwidth, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return phi (..., n, d) and h (...) for few particles in many dimensions under `RBF` and the median rule.

    In all other cases return None.
    """
    if type(kernel) is not RBF or not choice.are_few(x) or not isinstance(rule(bandwidth), Median):
        return None
    apart = pairs.apart(x)
    h = median_bandwidth(x, apart)
    return choice.phi_of_few(kernel, x, apart, score, h), h
