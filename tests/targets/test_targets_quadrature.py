"""Quadrature computes a density in parts, with the same values."""

import pytest
import torch

from labkit.targets import quadrature


@pytest.mark.parametrize("count", [1, 2048, 2049, 5000])
def test_values_in_parts_equal_those_at_once(count):
    x, sizes = torch.randn(count, 2, generator=torch.Generator().manual_seed(0)), []

    def f(points):
        sizes.append(len(points))
        return points.sin() * 2

    assert torch.equal(quadrature.in_parts(f, x), x.sin() * 2)
    assert sum(sizes) == count and max(sizes) <= quadrature.PART


def test_a_density_without_one_value_per_point_is_refused():
    with pytest.raises(ValueError, match=r"must return one value per point, got \[\] for 3 points"):
        quadrature.in_parts(torch.sum, torch.zeros(3, 2))
