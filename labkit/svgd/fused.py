"""The RBF kernel's sums as one compiled loop over pairs: nothing of size n^2, or of a strip, is ever written.

Opt-in by name, for there must be a C++ compiler (a GPU needs none) and the first call takes ten seconds or more.
"""

import functools
import math
from typing import no_type_check

import torch
from torch import Tensor

from labkit.svgd.kernels import RBF
from labkit.svgd.pairs import DIRECT

HALF_IN_BITS = math.sqrt(0.5 / math.log(2))  # exp(-u / 2) = 2^(-u HALF_IN_BITS^2)


@no_type_check  # torch.compile cannot trace the checks that a test run wraps around every function
def _rows(a: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    """sum_j 2^(-|a_i - a_j|^2) v_j, one result (..., n) for every row of v (..., c, n)."""
    u = 0
    for k in range(a.shape[-2]):
        difference = a[..., k, :, None] - a[..., k, None, :]
        u = u + difference * difference
    matrix = torch.exp2(-u)  # a fifth quicker than exp, and as exact
    return tuple((matrix * v[..., c, None, :]).sum(-1) for c in range(v.shape[-2]))


@functools.cache
def _compiled(shape: tuple, fields: int, dtype: torch.dtype, device: torch.device):
    """One program for each shape, so that nothing is compiled again, or given up, in the middle of a run."""
    del shape, fields, dtype, device  # the key only
    return torch.compile(_rows, dynamic=False, fullgraph=True)


class FusedRBF(RBF):
    """`RBF` by `torch.compile`, for at most three dimensions.

    The same sums in another order: it agrees with `RBF` to rounding, and with itself bit for bit.

    Raises (at the first call):
        ValueError: more than three dimensions, where `RBF` is as fast.
        RuntimeError: there is no compiler; `RBF` needs none.
    """

    def kernel_sums(self, a: Tensor, v: Tensor) -> Tensor:
        if a.shape[-2] > DIRECT:
            raise ValueError(f"FusedRBF is for at most {DIRECT} dimensions, got {a.shape[-2]}; use RBF")
        run = _compiled(tuple(a.shape), v.shape[-2], a.dtype, a.device)
        try:
            return torch.stack(run(a * HALF_IN_BITS, v), -2)
        except torch._inductor.exc.InductorError as error:
            raise RuntimeError("FusedRBF wants a C++ compiler, none was found; install g++, or use RBF") from error
