"""The sums of the RBF kernel run as one compiled loop over pairs.

It needs no memory of size n^2 or of a strip. The user must choose it by name. The CPU needs a C++ compiler, a GPU
does not. The first call takes ten seconds or more.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import no_type_check

import torch
from numpy.polynomial import chebyshev, polynomial
from torch import Tensor
from torch.nn.functional import pad

from labkit.private.torch import ONE_ROUNDING, most_programs, no_compiler, too_many_programs
from labkit.svgd.fast.pairs import DIRECT

HALF_IN_BITS = math.sqrt(0.5 / math.log(2))  # exp(-u / 2) = 2^(-u HALF_IN_BITS^2)
Key = tuple[tuple[int, ...], int, torch.dtype, torch.device]  # everything that determines a program
Sums = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]
LANES = 16  # most numbers in one vector instruction; columns are padded to a multiple of it


def _power_series(degree: int) -> list[float]:
    """Return the coefficients of 2^f on |f| <= 1/2, interpolated at Chebyshev points, the constant first."""
    interpolated = chebyshev.Chebyshev.interpolate(lambda f: 2.0**f, degree, (-0.5, 0.5))
    return [float(c) for c in interpolated.convert(kind=polynomial.Polynomial, domain=(-1, 1), window=(-1, 1)).coef]


POWER = _power_series(6)  # its error of 3e-9 is far below the rounding of float32


@no_type_check  # torch.compile cannot trace the checks that a test run wraps around every function
def _power(u):
    """Return 2^-u for u >= 0.

    In float32 on a CPU it evaluates a polynomial and then lowers its exponent. This stays inside the compiled loop; the
    library's exp2 would be one call per vector and take twice as long. Values below 2^-126 stay at 2^-126, which adds
    nothing to a sum.
    """
    if u.dtype != torch.float32 or u.is_cuda:
        return torch.exp2(-u)
    u = u.clamp(max=126.0)
    whole = u.round()
    f = whole - u
    power = torch.full_like(f, POWER[-1])
    for c in POWER[-2::-1]:
        power = power * f + c
    return (power.view(torch.int32) - (whole.to(torch.int32) << 23)).view(torch.float32)


@no_type_check
def _sums(rows, columns, v):
    """Return sum_j 2^(-|rows_i - columns_j|^2) v_j, one result (..., n) per row of v (..., c, n)."""
    u = 0
    for k in range(rows.shape[-2]):
        difference = rows[..., k, :, None] - columns[..., k, None, :]
        u = u + difference * difference
    matrix = _power(u)
    return tuple((matrix * v[..., c, None, :]).sum(-1) for c in range(v.shape[-2]))


@functools.cache
def _compiled(shape: tuple[int, ...], fields: int, dtype: torch.dtype, device: torch.device) -> Sums:
    """Return one program per shape, so that torch neither recompiles nor gives up in the middle of a run."""
    del shape, fields, dtype, device  # these are only the key of the cache
    return torch.compile(_sums, dynamic=False, fullgraph=True, options={**ONE_ROUNDING})


_plain: set[Key] = set()  # shapes beyond torch's limit; trying again would cost more than their sums


def _take_plain(key: Key) -> None:
    """Record that this shape has no program, and warn at the first such shape."""
    if not _plain:
        warnings.warn(
            "FusedRBF computes this shape, and new shapes from now on, as RBF does: torch compiles a function at most "
            f"{most_programs()} times in one process, and every number of particles, dimension "
            "and dtype needs its own program; use RBF, or start a new process",
            stacklevel=2,
        )
    _plain.add(key)


def sums(a: Tensor, v: Tensor) -> Tensor | None:
    """Return K @ v for a = x^T / h (..., d, n) and v (..., c, n), or None if torch compiles no more programs.

    Raises:
        ValueError: there are more than three dimensions.
        RuntimeError: there is no compiler.
    """
    if a.shape[-2] > DIRECT:
        raise ValueError(f"FusedRBF allows at most {DIRECT} dimensions, got {a.shape[-2]}; use RBF")
    key = (tuple(a.shape), v.shape[-2], a.dtype, a.device)
    if key in _plain:
        return None
    scaled, whole = a * HALF_IN_BITS, (0, -a.shape[-1] % LANES)
    try:
        return torch.stack(_compiled(*key)(scaled, pad(scaled, whole), pad(v, whole)), -2)
    except no_compiler() as error:
        raise RuntimeError("FusedRBF needs a C++ compiler, and none was found; install g++, or use RBF") from error
    except too_many_programs():
        _take_plain(key)
        return None
