"""In one dimension, the sums of a Gaussian by cells equal the direct sums."""

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd.fast import cells


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
def test_cells_equal_the_direct_sums():
    """Relative to the sum of |M v|, up to eps max |a|, the rounding of a position, times the exponent's slope, < 10."""
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
def test_cells_return_none_for_particles_too_far_apart(a):
    """They may be so spread that all pairs are cheaper. Or the last cell is so far away that positions lose digits."""
    assert cells.sums(a.double(), (a[None].double(),)) is None


@pytest.mark.parametrize("h", ["median", 1e-4, 0.02, 0.5, 1e3])
@pytest.mark.parametrize("shape", ["normal", "heavy tails", "outlier", "duplicates"])
def test_in_one_dimension_phi_equals_the_direct_sum_for_any_shape_and_bandwidth(draw, reference, shape, h):
    x = {
        "normal": draw(700, 1),
        "heavy tails": draw(700, 1) / draw(700, 1, seed=1),
        "outlier": torch.cat([draw(699, 1), torch.tensor([[1e4]])]),
        "duplicates": draw(90, 1).repeat(8, 1),
    }[shape]
    length = svgd.median_bandwidth(x).item() if h == "median" else h
    wanted = torch.from_numpy(reference.phi(x.numpy(), -x.numpy(), length))
    # x K1 - Kx cancels, divided by h^2, in the reference as in labkit: this loses eps |x| mean(K) / h^2
    mean = np.exp(-reference.squared_distances(x.numpy()) / (2 * length**2)).mean(1).max()
    tolerance = 1e-12 + 4e-16 * (mean / length**2 + 8 / length)
    for got in (svgd.phi(x, torch.neg, bandwidth=h), svgd.start(x, torch.neg, bandwidth=h).phi):
        assert (got - wanted).abs().max() < tolerance * x.abs().max()


def test_a_batch_in_one_dimension_equals_its_runs_by_cells(close, draw):
    x = draw(3, 400, 1)
    whole = svgd.start(x, torch.neg)
    for i in range(3):
        close(whole.phi[i], svgd.start(x[i], torch.neg).phi, 1e-12)
