"""Every way to the kernel's sums equals the plain formulas: strips, one strip, few particles, far ones, batches."""

import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd import fast
from labkit.svgd.fast import pairs


def few(draw) -> dict[str, torch.Tensor]:
    """Few particles in many dimensions: an even and an odd number, and some that make the median use differences."""
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
def test_few_particles_in_many_dimensions_equal_the_direct_sums_at_the_median(draw, reference, dtype):
    """They agree to the rounding of an expanded square, 4 (d + 8) eps max |c|^2 / h^2, for one run and in a batch."""
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


def test_few_particles_that_coincide_have_bandwidth_1_and_phi_of_one_is_the_score(draw):
    x = draw(4, 6)[torch.zeros(10, dtype=torch.long)]
    with pytest.warns(UserWarning, match="bandwidth is set to 1"):
        assert torch.allclose(svgd.phi(x, torch.sin), x.sin(), rtol=1e-14)
    assert torch.equal(svgd.phi(x[:1], torch.sin), x[:1].sin())


@pytest.mark.parametrize("d", [1, 2, 4, 20])
def test_float32_agrees_with_float64(draw, close, d):
    x = draw(600, d)
    rough = svgd.start(x.float(), torch.neg)
    exact = svgd.start(x.float().double(), torch.neg)
    close(rough.phi, exact.phi, 1e-5)
    close(rough.ksd, exact.ksd, 5e-5)  # the root of a difference of larger numbers


@pytest.mark.parametrize("d", [2, 5])
def test_strips_equal_one_strip(monkeypatch, close, draw, reference, kernel_name, d):
    """N = 300 needs three strips, with WHOLE raised one, and with BLOCK = 7 it needs 43."""
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
def test_a_batch_equals_its_separate_runs(close, draw, reference, kernel_name, n):
    kernel = reference.KERNELS[kernel_name][0](2)
    x = draw(2, 3, n, 2) * torch.tensor([1.0, 2.0, 5.0])[:, None, None]
    whole = svgd.start(x, torch.neg, kernel=kernel)
    for i in range(2):
        for j in range(3):
            alone = svgd.start(x[i, j], torch.neg, kernel=kernel)
            for name in ("phi", "drive", "repulsion", "ksd"):
                close(getattr(whole, name)[i, j], getattr(alone, name), 1e-12)
            assert torch.allclose(whole.bandwidth[i, j], alone.bandwidth, rtol=1e-13)


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


@pytest.mark.parametrize("d", [1, 3])
def test_batches_share_their_memory_but_not_their_results(draw, d):
    """Steps of a batch write into the same matrix; a result, and runs that keep small arrays, have their own memory."""
    x, y = draw(30, 80, d), 3 * draw(30, 80, d)
    first = svgd.start(x, torch.neg)
    before = first.phi.clone()
    other = svgd.start(y, torch.neg)
    assert torch.equal(first.phi, before)
    assert torch.equal(svgd.start(y, torch.neg).phi, other.phi)
    x.requires_grad_()
    assert svgd.phi(x, torch.neg).isfinite().all()


def test_the_matrix_of_a_batch_is_written_where_the_last_one_was(draw):
    """The system clears new pages of memory, which took a third of the time of thirty runs."""
    x = draw(30, 1, 100)
    assert pairs.passing(x).data_ptr() == pairs.passing(x + 1).data_ptr() == pairs.passing(x[:3]).data_ptr()
    kept = pairs.passing(x[0]), pairs.passing(x[0]), pairs.passing(x.float()), pairs.passing(x.requires_grad_())
    assert len({each.data_ptr() for each in kept}) == 4


def test_a_gradient_of_the_score_survives_the_next_batch(draw):
    """K^T 1 / n, which depends on differences only: the same for both batches."""
    x, h, kernel = draw(5, 20, 1), torch.ones(5, dtype=torch.float64), svgd.RBF()
    scores = [x.neg().requires_grad_() for _ in range(2)]
    sum(kernel.products(x + i, s, h)[0].sum() for i, s in enumerate(scores)).backward()
    assert torch.allclose(scores[0].grad, scores[1].grad, rtol=1e-12)


def test_a_batch_in_inference_mode_leaves_no_memory_that_only_this_mode_may_write(draw, monkeypatch):
    monkeypatch.setattr(pairs, "_kept", threading.local())
    with torch.inference_mode():
        svgd.phi(draw(5, 20, 1), torch.neg)
    assert svgd.phi(draw(5, 20, 1), torch.neg).isfinite().all()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is POSIX only")
def test_8000_particles_need_less_than_200_megabytes(python):
    """A matrix of 8,000 x 8,000 would need 512. Slow: it sums 32 million pairs twice."""
    done = subprocess.run([*python, "-c", PEAK.format(n=8_000)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 200


RADIAL = {"rbf": svgd.RBF(), "rbf-scaled": svgd.RBF(0.7), "imq": svgd.IMQ(2.0), "matern32": svgd.Matern32()}


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize(("n", "d"), [(1, 2), (60, 1), (60, 3), (60, 20), (300, 1), (300, 2), (300, 20)])
@pytest.mark.parametrize("name", RADIAL)
def test_every_way_equals_the_plain_formulas(draw, close, name, n, d, far):
    """Ways: one strip, several, few in many dimensions, cells. With one far particle the fast sums lose digits."""
    kernel, x = RADIAL[name], draw(n, d)
    if far:
        x[-1] += 1e6
    h = torch.tensor(0.8 * d**0.5, dtype=torch.float64)  # about the distance of neighbours, so that sums are not tiny
    wanted = kernel.plain(x, x.sin(), h)
    for got, part in zip(kernel.products(x, x.sin(), h), wanted, strict=True):
        close(got, part, 1e-12)
    close(kernel.phi(x, x.sin(), h), wanted.drive + wanted.repulsion, 1e-12)


@pytest.mark.parametrize("name", RADIAL)
def test_the_plain_formulas_of_some_rows_add_up_to_the_whole(draw, close, name):
    kernel, x, h = RADIAL[name], draw(2, 9, 3), torch.tensor([0.8, 2.0], dtype=torch.float64)
    whole = kernel.plain(x, x.sin(), h)
    first, rest = (kernel.plain(x, x.sin(), h, rows) for rows in (slice(4), slice(4, None)))
    close(torch.cat([first.drive, rest.drive], 1), whole.drive, 1e-14)
    close(torch.cat([first.repulsion, rest.repulsion], 1), whole.repulsion, 1e-14)
    close(first.trace + rest.trace, whole.trace, 1e-14)


def test_a_kernels_own_phi_is_used(draw):
    """This covers few particles in many dimensions, where `RBF` computes phi and the median from the same distances."""

    class Still(svgd.RBF):
        def phi(self, x, score, h):
            return torch.zeros_like(x)

    x = draw(20, 5)
    assert svgd.phi(x, torch.neg, svgd.RBF()).abs().max() > 0
    assert torch.equal(svgd.phi(x, torch.neg, Still()), torch.zeros_like(x))


def test_the_table_lists_every_way():
    """Each name in the table exists, and each module is in the table."""
    modules = {path.stem for path in Path(fast.__file__).parent.glob("[!_]*.py")}
    rows = [line.split()[0].rstrip(",") for line in fast.__doc__.splitlines() if line.startswith("    ")][1:]
    for row in rows:
        module, *names = row.split(".")
        assert module in modules
        assert all(hasattr(import_module(f"labkit.svgd.fast.{module}"), name) for name in names), row
    assert all(module in fast.__doc__ for module in modules)
