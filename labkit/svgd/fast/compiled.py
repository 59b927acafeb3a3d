"""The RBF kernel's sums as one compiled loop over pairs: nothing of size n^2, or of a strip, is ever written.

Opt-in by name, for there must be a C++ compiler (a GPU needs none) and the first call takes ten seconds or more.
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
Key = tuple[tuple[int, ...], int, torch.dtype, torch.device]  # all that a program is made for
Sums = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]
LANES = 16  # the most numbers of a vector instruction: columns are padded to a multiple, so that every one is whole


def _power_series(degree: int) -> list[float]:
    """Coefficients of 2^f on |f| <= 1/2, interpolated at Chebyshev points, the constant first."""
    interpolated = chebyshev.Chebyshev.interpolate(lambda f: 2.0**f, degree, (-0.5, 0.5))
    return [float(c) for c in interpolated.convert(kind=polynomial.Polynomial, domain=(-1, 1), window=(-1, 1)).coef]


POWER = _power_series(6)  # its error, 3e-9, is far below float32's rounding


@no_type_check  # torch.compile cannot trace the checks that a test run wraps around every function
def _power(u):
    """2^-u for u >= 0.

    In float32 on a CPU by hand, a polynomial whose exponent is then lowered: it stays within the loop, where the
    library's is a call for every vector and takes twice as long. Below 2^-126 it stays there, 0 to any sum.
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
    """sum_j 2^(-|rows_i - columns_j|^2) v_j, one result (..., n) for every row of v (..., c, n)."""
    u = 0
    for k in range(rows.shape[-2]):
        difference = rows[..., k, :, None] - columns[..., k, None, :]
        u = u + difference * difference
    matrix = _power(u)
    return tuple((matrix * v[..., c, None, :]).sum(-1) for c in range(v.shape[-2]))


@functools.cache
def _compiled(shape: tuple[int, ...], fields: int, dtype: torch.dtype, device: torch.device) -> Sums:
    """One program for each shape, so that nothing is compiled again, or given up, in the middle of a run."""
    del shape, fields, dtype, device  # the key only
    return torch.compile(_sums, dynamic=False, fullgraph=True, options={**ONE_ROUNDING})


_plain: set[Key] = set()  # shapes beyond torch's limit: asking again would cost more than their sums


def _take_plain(key: Key) -> None:
    """Remember that this shape has no program, and warn of the first one."""
    if not _plain:
        warnings.warn(
            "FusedRBF takes the plain way of RBF for this shape and others to come: torch compiles a function only "
            f"{most_programs()} times in one process, and every number of particles, dimension "
            "and dtype is a program of its own",
            stacklevel=2,
        )
    _plain.add(key)


def sums(a: Tensor, v: Tensor) -> Tensor | None:
    """K @ v for a = x^T / h (..., d, n) and v (..., c, n); None where torch compiles no more programs.

    Raises:
        ValueError: more than three dimensions.
        RuntimeError: there is no compiler.
    """
    if a.shape[-2] > DIRECT:
        raise ValueError(f"FusedRBF is for at most {DIRECT} dimensions, got {a.shape[-2]}; use RBF")
    key = (tuple(a.shape), v.shape[-2], a.dtype, a.device)
    if key in _plain:
        return None
    scaled, whole = a * HALF_IN_BITS, (0, -a.shape[-1] % LANES)
    try:
        return torch.stack(_compiled(*key)(scaled, pad(scaled, whole), pad(v, whole)), -2)
    except no_compiler() as error:
        raise RuntimeError("FusedRBF wants a C++ compiler, none was found; install g++, or use RBF") from error
    except too_many_programs():
        _take_plain(key)
        return None
