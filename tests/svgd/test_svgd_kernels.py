"""Every kernel: its gradients, its discrepancy and its symmetries (reference 6, D to H)."""

import pytest
import torch

from labkit import svgd, targets
from labkit.svgd.kernels import Radial

ISOTROPIC = ["rbf", "rbf-scaled", "imq", "matern32", "linear", "sum", "sum-mixed"]
STILL = ["rbf", "rbf-scaled", "imq", "matern32", "sum", "per-dimension", "per-dimension-imq", "preconditioned"]


@pytest.fixture
def case(reference, kernel_name, draw):
    """case(n, d) -> kernel, terms of the reference, x, scores, a fixed bandwidth."""

    def make(n: int, d: int):
        kernel, terms = reference.KERNELS[kernel_name][0](d), reference.KERNELS[kernel_name][1]
        x, s = 1 + draw(n, d), draw(n, d, seed=1)
        h = reference.length(kernel, x)
        return kernel, terms(d, h), x, s, h

    return make


@pytest.mark.parametrize("d", [1, 2, 5])
def test_drive_repulsion_and_ksd_are_the_sums_over_pairs_by_autograd(case, reference, close, d):
    """F and H: autograd gives every derivative of the written kernel, O(N^2 D), for any scores s."""
    kernel, terms, x, s, h = case(9, d)
    drive, repulsion, ksd2 = reference.stein(terms, x, s)
    products = kernel.products(x, s, h)
    close(products.drive, drive, 1e-12)
    close(products.repulsion, repulsion, 1e-12)
    close(kernel.phi(x, s, h), drive + repulsion, 1e-12)
    if isinstance(kernel, Radial):
        plain = kernel.plain(x, s, h)
        close(plain.drive, drive, 1e-12)
        close(plain.repulsion, repulsion, 1e-12)
        close(plain.trace, products.trace, 1e-12)
    state = svgd.start(x, lambda _: s, kernel=kernel, bandwidth=lambda _: h)
    assert abs(state.ksd.item() ** 2 - ksd2) < 1e-12 * (1 + abs(ksd2))
    assert torch.equal(svgd.ksd(x, lambda _: s, kernel=kernel, bandwidth=lambda _: h), state.ksd)


def test_the_matrix_contains_the_written_kernel(case, close, kernel_name):
    kernel, terms, x, y, h = case(7, 3)
    got = kernel.matrix(x, y[:4], h)
    pairs = [k(x.repeat_interleave(4, 0), y[:4].repeat(7, 1)).reshape(7, 4) for _, k in terms]
    close(got, torch.stack(pairs) if kernel_name.startswith("per-dimension") else pairs[0], 1e-13)


def test_repulsion_is_the_autograd_gradient_of_the_matrix(case, kernel_name, close, reference):
    """H: repulsion_i = 1/n sum_j grad_{x_j} k(x_j, x_i), with Q^-1 in front for the preconditioned kernel."""
    kernel, _, x, s, h = case(8, 2)
    n = len(x)
    moved = x.clone().requires_grad_()
    matrix = kernel.matrix(moved, x, h)
    # at zero distance autograd of Matern's root is NaN, so it is computed separately
    off = ~torch.eye(n, dtype=torch.bool)
    wanted = torch.stack([_gradient_without(kernel, moved, x, h, i) for i in range(n)]) / n
    if kernel_name == "preconditioned":
        wanted = wanted @ reference.precision(2).inverse()
    if "linear" in kernel_name or kernel_name == "sum-mixed":
        wanted = wanted + x / n  # the pair (i, i), of the linear part only
    assert matrix[..., off].isfinite().all()
    close(kernel.products(x, s, h).repulsion, wanted, 1e-12)


def _gradient_without(kernel, moved, x, h, i):
    """Return the sum over j != i of grad_{x_j} k(x_j, x_i)."""
    others = torch.arange(len(x)) != i
    matrix = kernel.matrix(moved[others], x[i : i + 1], h)
    return torch.autograd.grad(matrix.sum(), moved)[0].sum(0)


def test_the_stein_identity_holds(case, kernel_name):
    """E: mean_i [s_i . phi(x_i) + div phi(x_i)] = KSD^2, with particles and bandwidth fixed while div is computed.

    A probe without a score measures phi at a point z. Central differences with step e have an error of e^2. Matern's
    second derivative has a kink at every particle, so there the error is e.
    """
    kernel, _, x, s, h = case(6, 2)
    (n, d), e = x.shape, 1e-5
    probes = torch.cat([x[:, None, None] + sign * e * torch.eye(d, dtype=x.dtype) for sign in (1, -1)], 2)[:, 0]
    felt = _at_probes(kernel, x, s, probes.reshape(-1, d), h).reshape(n, 2, d, d)
    divergence = ((felt[:, 0] - felt[:, 1]) / (2 * e)).diagonal(dim1=-2, dim2=-1).sum(-1)
    drive, repulsion, trace = kernel.products(x, s, h)
    ksd2 = (s * (drive + 2 * repulsion)).sum(-1).mean() + trace
    identity = ((s * (drive + repulsion)).sum(-1) + divergence).mean()
    assert abs(identity - ksd2) < (1e-4 if kernel_name == "matern32" else 1e-8)


def _at_probes(kernel, x, s, z, h):
    """Return phi of the particles x at every point of z, where particles and one probe form a run."""
    n = len(x)
    runs = torch.cat([x.expand(len(z), -1, -1), z[:, None]], 1)
    scores = torch.cat([s.expand(len(z), -1, -1), torch.zeros_like(z[:, None])], 1)
    lengths = h.expand(len(z), *h.shape)
    alone = kernel.phi(z[:, None], torch.zeros_like(z[:, None]), lengths)[:, 0]
    return (kernel.phi(runs, scores, lengths)[:, n] * (n + 1) - alone) / n


def test_permuting_the_particles_permutes_phi(case, close):
    kernel, _, x, s, h = case(300, 2)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    close(kernel.phi(x[order], s[order], h), kernel.phi(x, s, h)[order], 1e-13)


@pytest.mark.parametrize("kernel_name", STILL)
def test_a_shift_keeps_phi_and_the_repulsion_sums_to_0(case, close):
    kernel, _, x, s, h = case(300, 2)
    far = x + torch.tensor([3.0, -70.0])
    close(kernel.phi(far, s, h), kernel.phi(x, s, h), 1e-12)
    assert kernel.products(x, s, h).repulsion.sum(0).abs().max() < 1e-12
    assert kernel.products(x[:40].float(), s[:40].float(), h.float()).repulsion.sum(0).abs().max() < 1e-5


@pytest.mark.parametrize("kernel_name", ISOTROPIC)
def test_a_rotation_rotates_phi(case, close):
    kernel, _, x, s, h = case(50, 3)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(5), dtype=x.dtype))[0]
    close(kernel.phi(x @ turn, s @ turn, h), kernel.phi(x, s, h) @ turn, 1e-13)


def test_a_preconditioned_run_equals_a_plain_run_in_other_coordinates(draw, reference, close):
    """y = L^T x with Q = L L^T: under plain steps the particles move the same way, converted to x."""
    Q = reference.precision(2)
    L = torch.linalg.cholesky(Q)
    x, plain = draw(20, 2), svgd.Plain(0.3)
    a = svgd.flow(torch.neg, x, kernel=svgd.Preconditioned(Q), optimizer=plain)
    b = svgd.flow(lambda y: -torch.linalg.solve(L.mT @ L, y.mT).mT, x @ L, optimizer=plain)
    for _, left, right in zip(range(10), a, b, strict=False):
        close(left.x @ L, right.x, 1e-12)
        close(left.bandwidth, right.bandwidth, 1e-12)


@pytest.mark.parametrize("n", [3, 10])
def test_the_linear_kernel_gives_a_gaussian_its_exact_mean_and_covariance(draw, n):
    """D: at the fixed point, for n >= d + 1 particles and covariance over n (Liu & Wang 2018)."""
    target = targets.make("correlated")
    x = draw(n, 2)
    state = svgd.start(x, target, kernel=svgd.Linear())
    for _ in range(1000):
        state = svgd.step(state, target, kernel=svgd.Linear(), optimizer=svgd.Plain(0.3))
    assert state.phi.abs().max() < 1e-11
    assert (state.x.mean(0) - target.mean).abs().max() < 1e-10
    assert (torch.cov(state.x.mT, correction=0) - target.covariance).abs().max() < 1e-10
    assert state.bandwidth == torch.inf
