"""Every way to the kernel's sums gives the same numbers: cells on a line, strips, one strip, compiled, batched."""

import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd import cells, fused, pairs

COMPILERS = (os.environ.get("CXX", "g++"), "g++", "c++", "clang++", "cl")


def on_a_line(n: int = 1200) -> dict[str, torch.Tensor]:
    """Positions in bandwidths."""
    generator = torch.Generator().manual_seed(0)

    def normal(m):
        return torch.randn(m, generator=generator, dtype=torch.float64)

    return {
        "normal": normal(n),
        "outlier": torch.cat([normal(n - 1), torch.tensor([1e6])]),
        "far clusters": torch.cat([normal(n // 2), 1e4 + normal(n // 4), -77 + normal(n // 4)]),
        "duplicates": normal(100)[torch.randint(100, (n,), generator=generator)],
        "all the same": torch.full((n,), 0.7, dtype=torch.float64),
        "at the borders of cells": torch.arange(n).double().remainder(7) * cells.WIDTH,
        "huge bandwidth": 1e-6 * normal(n),
        "a spread of 20": torch.linspace(-10, 10, n, dtype=torch.float64),
    }


@pytest.mark.slow
def test_cells_give_the_direct_sums():
    """Relative to the sum of |M v|, up to the rounding eps max |a| of a position times the exponent's slope, < 10."""
    for name, a in on_a_line().items():
        v = torch.stack([torch.ones_like(a), a.sin(), -a])
        gap = a[:, None] - a
        K = (-0.5 * gap**2).exp()
        found = cells.sums(a, (v, v[1:], v[:2]))
        for power, (got, field) in enumerate(zip(found, (v, v[1:], v[:2]), strict=True)):
            M = K * gap**power
            error = (got - field @ M.mT).abs() / (field.abs() @ (K * (1 + gap.abs()) ** power))
            assert error.max() < 1e-13 + 2e-15 * a.abs().max(), (name, power)


@pytest.mark.parametrize("a", [torch.linspace(0, 1e4, 1000), torch.tensor([0.0, 1e10]).repeat(500)])
def test_cells_give_up_where_particles_lie_too_far_apart(a):
    """So widely spread that all pairs are cheaper; or with the last cell so far away that places lose digits."""
    assert cells.sums(a.double(), (a[None].double(),)) is None


def few(draw) -> dict[str, torch.Tensor]:
    """Few particles in many dimensions; an even and an odd number, and what makes the median go the careful way."""
    plain = draw(60, 20)
    return {
        "plain": plain,
        "odd": draw(61, 5),
        "far from zero": plain + 1000,
        "an outlier": torch.cat([plain, torch.full((1, 20), 300.0)]),
        "two clusters": torch.cat([plain, plain[:5] - 50]),
        "some coincide": plain[torch.arange(60) % 40],
        "one of a few dimensions": plain * torch.tensor([1e3] + [1.0] * 19),
        "two": plain[:2],
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_few_particles_in_many_dimensions_have_the_direct_sums_at_the_median(draw, reference, dtype):
    """To the rounding of an expanded square around the mean, 4 (d + 8) eps max |c|^2 / h^2; alone and in a batch."""
    for name, x in few(draw).items():
        x = x.to(dtype)
        n, d = x.shape
        a, s = x.double().numpy(), x.sin().double().numpy()
        c, h2 = a - a.mean(0), reference.bandwidth(a) ** 2
        K = np.exp(-reference.squared_distances(a) / (2 * h2))
        size = (K @ np.abs(s) + (np.abs(c) * K.sum(1)[:, None] + K @ np.abs(c)) / h2) / n
        eps = torch.finfo(dtype).eps
        off = 4 * (d + 8) * eps * (1 + (c**2).sum(1).max() / h2) + 4 * eps * np.abs(a).max() / np.abs(c).max()
        for got in (svgd.phi(x, torch.sin), svgd.phi(torch.stack([x.flip(0), x]), torch.sin)[1]):
            assert np.abs(got.double().numpy() - reference.phi(a, s)).max() < off * size.max(), name


def test_few_particles_that_coincide_have_bandwidth_1_and_one_alone_is_the_score(draw):
    x = draw(4, 6)[torch.zeros(10, dtype=torch.long)]
    with pytest.warns(UserWarning, match="bandwidth 1"):
        assert torch.allclose(svgd.phi(x, torch.sin), x.sin(), rtol=1e-14)
    assert torch.equal(svgd.phi(x[:1], torch.sin), x[:1].sin())


@pytest.mark.parametrize("h", ["median", 1e-4, 0.02, 0.5, 1e3])
@pytest.mark.parametrize("shape", ["normal", "heavy tails", "outlier", "duplicates"])
def test_on_a_line_of_any_shape_and_bandwidth_phi_is_the_direct_sum(draw, reference, shape, h):
    x = {
        "normal": draw(700, 1),
        "heavy tails": draw(700, 1) / draw(700, 1, seed=1),
        "outlier": torch.cat([draw(699, 1), torch.tensor([[1e4]])]),
        "duplicates": draw(90, 1).repeat(8, 1),
    }[shape]
    length = svgd.median_bandwidth(x).item() if h == "median" else h
    wanted = torch.from_numpy(reference.phi(x.numpy(), -x.numpy(), length))
    # x K1 - Kx cancels, divided by h^2, in the reference as in labkit: eps |x| mean(K) / h^2 is lost
    mean = np.exp(-reference.squared_distances(x.numpy()) / (2 * length**2)).mean(1).max()
    tolerance = 1e-12 + 4e-16 * (mean / length**2 + 8 / length)
    for got in (svgd.phi(x, torch.neg, bandwidth=h), svgd.start(x, torch.neg, bandwidth=h).phi):
        assert (got - wanted).abs().max() < tolerance * x.abs().max()


@pytest.mark.parametrize("d", [1, 2, 4, 20])
def test_float32_agrees_with_float64(draw, close, d):
    x = draw(600, d)
    rough = svgd.start(x.float(), torch.neg)
    exact = svgd.start(x.float().double(), torch.neg)
    close(rough.phi, exact.phi, 1e-5)
    close(rough.ksd, exact.ksd, 5e-5)  # the root of a difference of greater numbers


@pytest.mark.parametrize("d", [2, 5])
def test_strips_give_what_one_strip_gives(monkeypatch, close, draw, reference, kernel_name, d):
    """N = 300 goes in three strips; with WHOLE raised, in one; with BLOCK = 7, in 43."""
    kernel = reference.KERNELS[kernel_name][0](d)
    x = draw(300, d)
    h = reference.length(kernel, x)
    tiled = kernel.products(x, x.sin(), h)
    for name, value in (("BLOCK", 7), ("WHOLE", 300)):
        monkeypatch.setattr(pairs, name, value)
        for a, b in zip(tiled, kernel.products(x, x.sin(), h), strict=True):
            close(a, b, 1e-13)
        close(kernel.phi(x, x.sin(), h), tiled.drive + tiled.repulsion, 1e-13)


@pytest.mark.parametrize("n", [60, 300])
def test_a_batch_gives_what_its_runs_give_alone(close, draw, reference, kernel_name, n):
    kernel = reference.KERNELS[kernel_name][0](2)
    x = draw(2, 3, n, 2) * torch.tensor([1.0, 2.0, 5.0])[:, None, None]
    whole = svgd.start(x, torch.neg, kernel=kernel)
    for i in range(2):
        for j in range(3):
            alone = svgd.start(x[i, j], torch.neg, kernel=kernel)
            for name in ("phi", "drive", "repulsion", "ksd"):
                close(getattr(whole, name)[i, j], getattr(alone, name), 1e-12)
            assert torch.allclose(whole.bandwidth[i, j], alone.bandwidth, rtol=1e-13)


def test_a_batch_on_a_line_gives_what_its_runs_give_by_cells(close, draw):
    x = draw(3, 400, 1)
    whole = svgd.start(x, torch.neg)
    for i in range(3):
        close(whole.phi[i], svgd.start(x[i], torch.neg).phi, 1e-12)


@pytest.mark.slow
def test_the_compiled_loop_gives_the_same_numbers(draw, close):
    """Slow: torch.compile starts a C++ compiler, which takes ten seconds or more the first time."""
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
    assert ((fused._power(u) - true) / true).abs().max() < 4 * 2.0**-24
    assert fused._power(torch.tensor([200.0, 1e30])).tolist() == [2.0**-126] * 2


@pytest.mark.slow
def test_the_compiled_loop_in_float32_with_a_count_that_no_vector_divides(draw):
    """From pairs that coincide to pairs whose kernel underflows."""
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler on PATH, looked for {', '.join(COMPILERS)}")
    a, v = torch.cat([torch.linspace(-30, 30, 199), torch.zeros(4)])[None], draw(203, 2).float()
    matrix = svgd.RBF().matrix(a.double().mT, a.double().mT, torch.tensor(1.0))
    off = (svgd.FusedRBF().kernel_sums(a, v.mT).mT - matrix @ v.double()).abs()
    # positions of up to 32 are rounded by 2^-20, which moves the exponent of a pair 3 apart by 3 2^-18
    assert (off / (matrix @ v.double().abs())).max() < 2.0**-16


@pytest.mark.slow
def test_the_compiled_loop_works_for_every_number_of_particles_beyond_torchs_limit(draw, close, monkeypatch):
    """With room for one program, all but the first of 78 shapes take the plain way, and one warning says so."""
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler on PATH, looked for {', '.join(COMPILERS)}")
    torch.compiler.reset()
    monkeypatch.setattr(fused, "_plain", set())
    with torch._dynamo.config.patch(recompile_limit=1), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for n in range(2, 41):
            for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
                x, h = draw(n, 2, dtype=dtype), torch.tensor(0.8, dtype=dtype)
                found = svgd.FusedRBF().products(x, x.sin(), h)
                for a, b in zip(found, svgd.RBF().products(x, x.sin(), h), strict=True):
                    close(a, b, tolerance)
    assert len(fused._plain) == 77
    assert ["plain way of RBF" in str(w.message) for w in said if "FusedRBF" in str(w.message)] == [True]


def test_the_compiled_loop_is_refused_above_three_dimensions(draw):
    with pytest.raises(ValueError, match="at most 3 dimensions, got 4; use RBF"):
        svgd.start(draw(10, 4), torch.neg, kernel=svgd.FusedRBF())


PEAK = """
import resource, sys, torch
from labkit import svgd
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
x = torch.randn({n}, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
svgd.start(x[:300], torch.neg)
before = peak()
svgd.start(x, torch.neg)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is POSIX only")
def test_20000_particles_need_less_than_400_megabytes():
    """A matrix of 20,000 x 20,000 would be 3,200. Slow: a Python of its own, and 200 million pairs twice."""
    done = subprocess.run([sys.executable, "-c", PEAK.format(n=20_000)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 400
