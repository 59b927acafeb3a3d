"""The compiled loop over pairs gives the numbers of the plain sums."""

import os
import shutil
import warnings

import pytest
import torch

from labkit import svgd
from labkit.svgd.fast import compiled

COMPILERS = (os.environ.get("CXX", "g++"), "g++", "c++", "clang++", "cl")


@pytest.mark.slow
def test_the_compiled_loop_gives_the_same_numbers(draw, close):
    """It is slow because torch.compile starts a C++ compiler, which takes ten seconds or more the first time."""
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler on PATH, looked for {', '.join(COMPILERS)}")
    x, h = draw(300, 2), torch.tensor(0.8, dtype=torch.float64)
    found = svgd.FusedRBF().products(x, x.sin(), h)
    for a, b in zip(found, svgd.RBF().products(x, x.sin(), h), strict=True):
        close(a, b, 1e-12)
    again = svgd.FusedRBF().products(x, x.sin(), h)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


def test_the_exponential_of_the_compiled_loop_is_exact_to_rounding():
    u = torch.linspace(0, 125, 100_001)
    true = torch.exp2(-u.double())
    assert ((compiled._power(u) - true) / true).abs().max() < 4 * 2.0**-24
    assert compiled._power(torch.tensor([200.0, 1e30])).tolist() == [2.0**-126] * 2


@pytest.mark.slow
def test_the_compiled_loop_in_float32_for_a_number_that_is_not_a_multiple_of_the_vector(draw):
    """The distances range from 0 to those at which the kernel underflows."""
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler on PATH, looked for {', '.join(COMPILERS)}")
    a, v = torch.cat([torch.linspace(-30, 30, 199), torch.zeros(4)])[None], draw(203, 2).float()
    matrix = svgd.RBF().matrix(a.double().mT, a.double().mT, torch.tensor(1.0))
    off = (compiled.sums(a, v.mT).mT - matrix @ v.double()).abs()
    # positions of up to 32 are rounded by 2^-20, which changes the exponent of a pair 3 apart by 3 2^-18
    assert (off / (matrix @ v.double().abs())).max() < 2.0**-16


@pytest.mark.slow
def test_the_compiled_loop_works_beyond_torchs_limit_of_programs(draw, close, monkeypatch):
    """With space for one program, 77 of 78 shapes use the plain way, and there is one warning."""
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler on PATH, looked for {', '.join(COMPILERS)}")
    torch.compiler.reset()
    monkeypatch.setattr(compiled, "_plain", set())
    with torch._dynamo.config.patch(recompile_limit=1), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for n in range(2, 41):
            for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
                x, h = draw(n, 2, dtype=dtype), torch.tensor(0.8, dtype=dtype)
                found = svgd.FusedRBF().products(x, x.sin(), h)
                for a, b in zip(found, svgd.RBF().products(x, x.sin(), h), strict=True):
                    close(a, b, tolerance)
    assert len(compiled._plain) == 77
    assert ["as RBF does" in str(w.message) for w in said if "FusedRBF" in str(w.message)] == [True]


def test_the_compiled_loop_rejects_more_than_three_dimensions(draw):
    with pytest.raises(ValueError, match="at most 3 dimensions, got 4; use RBF"):
        svgd.start(draw(10, 4), torch.neg, kernel=svgd.FusedRBF())
