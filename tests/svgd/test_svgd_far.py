"""For particles that are far apart, float32 is compared with float64 sums in which nothing is expanded."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd.flow import root
from labkit.svgd.kernels import Products

FOUR_DIGITS = 1e-4


def clouds(n: int, d: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(n + d)

    def normal(m=n):
        return torch.randn(m, d, generator=generator, dtype=torch.float64)

    clusters = 1e-3 * normal()
    clusters[7 * n // 10 :] += 5
    found = {
        "normal": normal(),
        "two tight clusters": clusters,
        "duplicates": normal(n // 4).repeat(4, 1),
        "shifted": 1e4 + normal(),
        "shifted clusters": 1e4 + 100 * clusters,
        "Cauchy": normal() / normal(),
        "its cube": (normal() / normal()) ** 3,
        "an outlier": torch.cat([normal(n - 1), torch.full((1, d), 1e5)]),
    }
    return {name: x.float() for name, x in found.items()}


def own(x):
    """A score that pulls to the middle of the particles."""
    return x.median(-2, keepdim=True)[0] - x


SCORES = (torch.neg, own, lambda x: 1e-3 * x.sin())


def radial(x, s, h, f_w_q):
    """Drive, repulsion and trace of a radial kernel, from the differences of all pairs; s may be a stack of scores."""
    (n, d), gap = x.shape, x[:, None] - x
    f, w, q = f_w_q((gap**2).sum(-1) / h**2)
    push = (gap * w[..., None]).sum(1)  # over all neighbours j
    return f @ s / n, push / (n * h**2), (d * w - q).sum() / (n * h) ** 2


def rbf(u):
    return (-u / 2).exp(), (-u / 2).exp(), u * (-u / 2).exp()


def imq(u):
    return (1 + u) ** -0.5, (1 + u) ** -1.5, 3 * u * (1 + u) ** -2.5


def matern32(u):
    r = (3 * u).sqrt()
    return (1 + r) * (-r).exp(), 3 * (-r).exp(), 3 * r * (-r).exp()


def linear(x, s, h):
    return (x @ (x.T @ s) + s.sum(-2, keepdim=True)) / len(x), x, x.new_tensor(x.shape[1])


def summed(x, s, h):
    return [sum(parts) for parts in zip(*(radial(x, s, c * h, rbf) for c in (0.5, 1, 2)), strict=True)]


def per_dimension(x, s, h):
    columns = [radial(x[:, [c]], s[..., [c]], h[c], rbf) for c in range(x.shape[1])]
    drive, repulsion, trace = zip(*columns, strict=True)
    return torch.cat(drive, -1), torch.cat(repulsion, -1), sum(trace)


def preconditioned(reference):
    def sums(x, s, h):
        L = torch.linalg.cholesky(reference.precision(x.shape[1]))
        drive, repulsion, trace = radial(x @ L, torch.linalg.solve(L, s.mT).mT, h, rbf)
        return torch.linalg.solve(L.T, drive.mT).mT, torch.linalg.solve(L.T, repulsion.T).T, trace

    return sums


def kernels(reference, d: int) -> dict:
    """name -> (kernel, its sums, the coordinates of its bandwidth)."""
    L, Q = torch.linalg.cholesky(reference.precision(d)), reference.precision(d)
    found = {
        "rbf": (svgd.RBF(), lambda *a: radial(*a, rbf), lambda x: x),
        "imq": (svgd.IMQ(), lambda *a: radial(*a, imq), lambda x: x),
        "matern32": (svgd.Matern32(), lambda *a: radial(*a, matern32), lambda x: x),
        "linear": (svgd.Linear(), linear, None),
        "sum": (svgd.Sum(), summed, lambda x: x),
        "preconditioned": (svgd.Preconditioned(Q), preconditioned(reference), lambda x: x @ L),
    }
    if d <= 4:
        found["per-dimension"] = (svgd.PerDimension(), per_dimension, lambda x: x.T[..., None])
    return found


def medians(reference, frame):
    h = [reference.bandwidth(run.numpy()) for run in frame.reshape(-1, *frame.shape[-2:])]
    return torch.tensor(h, dtype=torch.float64).reshape(frame.shape[:-2])


def off(got, wanted) -> float:
    """Return the relative error of a tensor."""
    wanted = torch.as_tensor(wanted, dtype=torch.float64)
    return float((got.double() - wanted).norm() / wanted.norm())


def check(reference, x, names, tolerance: float, h: float | None, scores=lambda number: SCORES) -> None:
    """Compare phi, KSD and bandwidth at x, for one run and in a batch, with the sums in float64.

    Args:
        scores: the number of a kernel -> the scores that it gets.
    """
    for number, (name, (kernel, sums, frame)) in enumerate(kernels(reference, x.shape[1]).items()):
        if name not in names:
            continue
        wide = x.double()
        length = h if frame is None else medians(reference, frame(wide))
        if h is not None and frame is not None:
            length = torch.full_like(length, h)
        given = torch.stack([score(x) for score in scores(number)])
        drives, repulsion, trace = sums(wide, given.double(), length)
        for i, (s, drive) in enumerate(zip(given, drives, strict=True)):
            ksd = ((s.double() * (drive + 2 * repulsion)).sum(-1).mean() + trace) ** 0.5
            bandwidth = "median" if h is None or frame is None else length
            state = svgd.start(x, lambda _, s=s: s, kernel=kernel, bandwidth=bandwidth)
            alone = svgd.phi(x, lambda _, s=s: s, kernel, bandwidth)
            if h is not None and frame is not None:
                bandwidth = length.expand(2, *length.shape)
            batch = svgd.phi(torch.stack([x.flip(0), x]), lambda _, s=s: torch.stack([s.flip(0), s]), kernel, bandwidth)
            errors = [off(phi, drive + repulsion) for phi in (state.phi, alone, batch[1])] + [off(state.ksd, ksd)]
            if frame is not None:
                errors.append(off(state.bandwidth, length))
            assert max(errors) < tolerance, (name, i, errors)


SHAPES = sorted(clouds(8, 1))


@pytest.mark.parametrize("h", [None, 1.0])
@pytest.mark.parametrize("cloud", SHAPES)
@pytest.mark.parametrize("d", [1, 4])
def test_float32_has_four_digits_for_every_cloud_of_particles(reference, cloud, d, h):
    names = kernels(reference, d)
    if cloud == "its cube":
        names = set(names) - {"linear"}  # KSD^2 itself is beyond the range of float32
    check(reference, clouds(80, d)[cloud], names, FOUR_DIGITS, h)


@pytest.mark.slow
@pytest.mark.parametrize("cloud", SHAPES)
@pytest.mark.parametrize(("n", "d"), [(264, 1), (264, 2), (264, 6), (80, 50), (264, 50)])  # from 257 there are strips
def test_float32_has_four_digits_with_strips_with_cells_and_in_many_dimensions(reference, cloud, n, d):
    """It is slow because it sums many pairs in float64.

    A kernel gets the weak score at each shape, and one of the other two in turn.
    """
    names = {"rbf", "matern32"} if n * d > 10_000 else {"rbf", "imq", "matern32", "preconditioned"}

    def in_turn(number):
        *others, weak = SCORES
        return weak, others[(SHAPES.index(cloud) + number + n + d) % len(others)]

    check(reference, clouds(n, d)[cloud], names, FOUR_DIGITS, None, in_turn)


@pytest.mark.parametrize("cloud", SHAPES)
@pytest.mark.parametrize(("n", "d"), [(80, 1), (300, 1), (80, 5)])
def test_float64_has_nine_digits(reference, cloud, n, d):
    check(reference, clouds(n, d)[cloud].double(), {"rbf"}, 1e-9, None)


@pytest.mark.parametrize("d", [3, 5])
def test_float64_has_nine_digits_for_one_particle_at_any_distance(draw, reference, d):
    """At 1.7e8 an expanded square has no correct digit left, and neither has a trace computed from x . repulsion."""
    x = torch.cat([draw(99, d), 1.7e8 + draw(1, d, seed=1)])
    check(reference, x, {"rbf", "imq", "matern32", "sum"}, 1e-9, 1.0)
    check(reference, x, {"rbf"}, 1e-9, None)


def test_two_tight_clusters_move_as_in_the_original(reference):
    """There are 210 at 0 and 90 at (5, 5, 5, 5), with deviation 1e-3; the original always computes in float64."""
    x = clouds(300, 4)["two tight clusters"].numpy()
    wanted = reference.phi(x.astype(np.float64), -x.astype(np.float64))
    for dtype in (np.float32, np.float64):
        moved = svgd.SVGD().update(x.astype(dtype), np.negative, n_iter=1, stepsize=0.1)
        assert np.array_equal(np.sign(moved - x), np.sign(wanted))
    assert (
        off(svgd.ksd(torch.from_numpy(x), torch.neg), svgd.ksd(torch.from_numpy(x).double(), torch.neg)) < FOUR_DIGITS
    )


@pytest.mark.parametrize("d", [1, 3])
def test_the_compiled_kernel_also_has_four_digits(reference, d):
    """For particles far apart it uses the plain sums, which need no compiler."""
    x = clouds(80, d)["two tight clusters"]
    wanted, got = reference.phi(x.double().numpy(), -x.double().numpy()), svgd.phi(x, torch.neg, svgd.FusedRBF())
    assert off(got, wanted) < FOUR_DIGITS


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize(("n", "d"), [(80, 5), (80, 50), (280, 5)])
def test_ksd_of_matern_is_exact_if_particles_coincide(n, d, dtype, tolerance):
    """Its trace depends on the distance itself. At 0 the square must be 0, and near 0 all its digits must be right."""
    x = clouds(n, d)["duplicates"].to(dtype)
    x[: n // 4] += 1e-3
    drive, repulsion, trace = radial(x.double(), -x.double(), 2.0, matern32)
    wanted = ((-x.double() * (drive + 2 * repulsion)).sum(-1).mean() + trace) ** 0.5
    assert off(svgd.ksd(x, torch.neg, svgd.Matern32(), 2.0), wanted) < tolerance * 4


@pytest.mark.parametrize("kernel", [svgd.RBF(), svgd.IMQ(), svgd.Matern32(), svgd.Sum()])
@pytest.mark.parametrize("d", [1, 5])
def test_mmd_in_float32_has_four_digits_for_nearly_equal_samples(kernel, d):
    """Two clusters 5 apart are moved by 1e-2 of their width; then the three means agree to seven digits."""
    x = clouds(60, d)["two tight clusters"]
    y = x + 1e-5
    wide = svgd.median_bandwidth(torch.cat([x, y]).double())
    assert wide < 1e-2

    def mean(a, b):
        u = ((a.double()[:, None] - b.double()) ** 2).sum(-1) / wide**2
        profile = {svgd.IMQ: imq, svgd.Matern32: matern32}.get(type(kernel), rbf)
        scales = (0.5, 1, 2) if isinstance(kernel, svgd.Sum) else (1,)
        return sum(profile(u / c**2)[0].mean() for c in scales)

    wanted = (mean(x, x) - 2 * mean(x, y) + mean(y, y)) ** 0.5
    assert off(svgd.mmd(x, y, kernel), wanted) < FOUR_DIGITS


def test_a_negative_ksd_squared_becomes_nan_and_not_0(draw):
    """A positive definite kernel has no negative KSD^2. A clearly negative one means lost digits, or another kernel."""

    class Wrong(svgd.RBF):
        def products(self, x, score, h):
            drive, repulsion, trace = super().products(x, score, h)
            return Products(drive, repulsion, trace - 10)

    assert svgd.ksd(draw(20, 2), torch.neg, Wrong(), 1.0).isnan()
    square = torch.tensor([4.0, 0.0, -1e-6, -1e-4, -1.0])
    assert root(square, lambda: torch.ones(5)).nan_to_num(-1).tolist() == [2.0, 0.0, 0.0, -1.0, -1.0]


PEAK = """
import resource, sys, torch
from labkit import svgd
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
x = torch.randn(2000, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
svgd.paper_bandwidth(x[:300])
before = peak()
svgd.paper_bandwidth(x)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is POSIX only")
def test_the_papers_rule_keeps_no_differences_of_all_pairs_in_memory(python):
    """The distances of 2 million pairs take 16 MB, a few times; their differences in 30 dimensions would take 480."""
    done = subprocess.run([*python, "-c", PEAK], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 150
