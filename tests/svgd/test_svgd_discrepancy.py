"""KSD and MMD of any sample, and the contribution of every neighbour."""

import pytest
import torch

from labkit import svgd


def test_ksd_of_independent_samples_is_near_the_root_of_the_mean_diagonal_over_n(draw):
    """E KSD^2 = mean of the diagonal / n, because off the diagonal the Stein kernel has mean 0 under p; 40 samples.

    For N(0, I) and the RBF the diagonal is |s|^2 + d / h^2, on average d (1 + 1 / h^2).
    """
    n, d, h = 400, 2, 1.3
    ksd2 = svgd.ksd(draw(40, n, d), torch.neg, bandwidth=h) ** 2
    wanted = d * (1 + 1 / h**2) / n
    assert abs(ksd2.mean() - wanted) < 4 * ksd2.std() / 40**0.5
    assert ksd2.std() < wanted  # otherwise the line above would prove nothing


def test_ksd_detects_a_wrong_sample(draw):
    x = draw(500, 2)
    good = svgd.ksd(x, torch.neg, bandwidth=1.0)
    for wrong in (x + 0.5, 1.5 * x, 0.6 * x):
        assert svgd.ksd(wrong, torch.neg, bandwidth=1.0) > 2 * good


def test_mmd_is_the_root_of_sums_over_all_pairs(draw, reference, kernel_name):
    """For a kernel per dimension it is the sum over the dimensions, as for KSD^2."""
    make, terms = reference.KERNELS[kernel_name]
    kernel, x, y = make(2), draw(13, 2), 1 + draw(600, 2, seed=1)
    h = reference.length(kernel, x)

    def mean(a, b):
        left, right = a.repeat_interleave(len(b), 0), b.repeat(len(a), 1)
        return sum(k(left, right).mean() for _, k in terms(2, h))

    wanted = (mean(x, x) - 2 * mean(x, y) + mean(y, y)) ** 0.5
    got = svgd.mmd(x, y, kernel, lambda _: h)
    assert got.shape == () and abs(got - wanted) < 1e-10


def test_mmd_is_zero_only_between_equal_samples(draw):
    x = draw(3, 50, 2)
    same = svgd.mmd(x, x.clone())
    assert same.shape == (3,) and not same.any()
    assert (svgd.mmd(x, x + 0.1) > 1e-3).all()


def test_mmd_applies_the_rule_to_both_samples_together(draw):
    x, y = draw(40, 2), 3 + draw(30, 2, seed=1)
    assert svgd.mmd(x, y) == svgd.mmd(x, y, bandwidth=svgd.median_bandwidth(torch.cat([x, y])).item())


@pytest.mark.parametrize("other", [(30, 3), (2, 30, 2)])
def test_mmd_rejects_samples_that_do_not_match(draw, other):
    with pytest.raises(ValueError, match="samples may differ only in number, got .* give both the same leading"):
        svgd.mmd(draw(40, 2), draw(*other))


def test_pulls_sum_to_drive_and_repulsion(draw, reference, kernel_name, close):
    kernel = reference.KERNELS[kernel_name][0](2)
    state = svgd.start(draw(30, 2), torch.sin, kernel=kernel)
    for i in (0, 7, -1):
        drive, repulsion = svgd.pulls(state, i, kernel=kernel)
        assert drive.shape == repulsion.shape == (30, 2)
        close(drive.sum(0), state.drive[i], 1e-12)
        close(repulsion.sum(0), state.repulsion[i], 1e-12)


def test_a_pull_is_the_neighbours_term_of_the_sum(draw):
    x = draw(10, 2)
    state = svgd.start(x, torch.sin)
    h = state.bandwidth
    k = (-(x - x[3]).square().sum(1, keepdim=True) / (2 * h**2)).exp()
    drive, repulsion = svgd.pulls(state, 3)
    assert torch.allclose(drive, k * x.sin() / 10, rtol=0, atol=1e-15)
    assert torch.allclose(repulsion, k * (x[3] - x) / h**2 / 10, rtol=0, atol=1e-15)


def test_pulls_reject_a_batch_and_a_particle_that_does_not_exist(draw):
    with pytest.raises(ValueError, match=r"one run \(n, d\), got \(2, 5, 2\); give the fields of one run"):
        svgd.pulls(svgd.start(draw(2, 5, 2), torch.neg), 0)
    with pytest.raises(IndexError, match="particle i must be from 0 to 4, got 5"):
        svgd.pulls(svgd.start(draw(5, 2), torch.neg), 5)
