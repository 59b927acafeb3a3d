"""The exact median by every path (one strip, gathered, counted, sorted) equals numpy's, for difficult inputs."""

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.svgd.fast import median


def nasty(n: int, d: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(n + d)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def whole(high, *shape):
        return torch.randint(high, shape, generator=generator)

    return {
        "normal": normal(n, d),
        "duplicates": normal(n // 3 + 1, d)[whole(n // 3 + 1, n)],
        "lattice": whole(5, n, d).double(),
        "lattice of tenths": whole(50, n, d).double() * 0.1,
        "outlier": torch.cat([normal(n - 1, d), 1e5 + normal(1, d)]),
        "all the same": torch.full((n, d), 0.3, dtype=torch.float64),
        "nearly half the same": torch.cat([torch.zeros(n * 69 // 100, d), normal(n - n * 69 // 100, d)]),
        "more than half the same": torch.cat([torch.zeros(n * 72 // 100, d), normal(n - n * 72 // 100, d)]),
        "far from the origin": 1e6 + normal(n, d),
        "two clusters": torch.cat([0.1 * normal(n // 2, d), 100 + 0.1 * normal(n - n // 2, d)]),
        "Cauchy": normal(n, d) / normal(n, d),
        "log-normal": (3 * normal(n, d)).exp(),
        "evenly spaced": torch.linspace(0, 1, n, dtype=torch.float64)[:, None].repeat(1, d),
    }


def by_numpy(x: torch.Tensor) -> float:
    x = x.double().numpy()
    return np.median(sum((x[:, None, k] - x[None, :, k]) ** 2 for k in range(x.shape[1])))


# one strip up to 256; then sorted (d = 1), gathered up to 1000, counted above: both sides of each boundary
@pytest.mark.parametrize(
    ("n", "d"),
    [
        (2, 1),
        (3, 2),
        (255, 1),
        (256, 3),
        (257, 1),
        (258, 1),
        (1001, 1),
        (300, 2),
        (301, 3),
        (302, 5),
        (1001, 2),
    ],
)
def test_the_median_equals_numpys_for_difficult_inputs(n, d):
    """Differences are exact to rounding; expanded squares are used only if they lose at most three bits."""
    for name, x in nasty(n, d).items():
        wanted, got = by_numpy(x), median.squared_distance(x).item()
        assert abs(got - wanted) <= 4e-16 * (4 if d <= 3 else 32) * wanted, (name, got, wanted)


@pytest.mark.parametrize(("n", "d"), [(256, 1), (257, 1), (300, 2), (1001, 2), (302, 5)])
def test_the_median_in_float32_is_the_median_of_the_rounded_particles(n, d):
    for name, x in nasty(n, d).items():
        x = x.float()
        wanted, got = by_numpy(x), median.squared_distance(x)
        assert got.dtype == torch.float32
        assert abs(got.item() - wanted) <= 2.4e-7 * (4 if d <= 3 else 32) * wanted, name


@pytest.mark.parametrize(("dtype", "eps"), [(torch.float64, 4e-16), (torch.float32, 2.4e-7)])
@pytest.mark.parametrize(("n", "d"), [(100, 5), (101, 56), (300, 40)])
def test_a_batch_in_many_dimensions_is_exact_for_particles_at_any_distance(n, d, dtype, eps):
    """The square is expanded around the mean if all particles are about equally far; otherwise differences are used."""
    for name, x in nasty(n, d).items():
        x = x.to(dtype)
        wanted, got = by_numpy(x), median.squared_distance(x[None])
        assert got.shape == (1,) and abs(got.item() - wanted) <= 32 * eps * wanted, (name, got, wanted)


@pytest.mark.parametrize("size", [1e30, 1e-30])
@pytest.mark.parametrize(("n", "d"), [(50, 1), (50, 40), (300, 40)])
def test_a_bandwidth_is_found_if_float32_cannot_hold_its_square(n, d, size):
    x = size * torch.randn(1, n, d, generator=torch.Generator().manual_seed(0))
    wanted = (by_numpy(x[0]) / (2 * np.log(n + 1))) ** 0.5
    assert abs(svgd.median_bandwidth(x).item() / wanted - 1) < 1e-6


@pytest.mark.parametrize("n", [50, 300])
def test_every_run_of_a_batch_has_its_own_median(draw, n):
    x = draw(2, 3, n, 2) * torch.tensor([1.0, 2.0, 30.0])[:, None, None]
    got = median.squared_distance(x)
    assert got.shape == (2, 3)
    assert all(abs(got[i, j] - by_numpy(x[i, j])) < 1e-12 * got[i, j] for i in range(2) for j in range(3))


@pytest.mark.parametrize(("n", "d"), [(2, 1), (60, 4), (257, 1), (300, 3), (301, 20)])
def test_the_median_of_the_pairs_equals_numpys_for_difficult_inputs(n, d):
    """Differences are exact to rounding; an expanded square loses at most three bits."""
    for name, x in nasty(n, d).items():
        i, j = np.tril_indices(n, -1)
        wanted = np.median(np.linalg.norm(x.numpy()[i] - x.numpy()[j], axis=1))
        assert abs(median.distance_of_pairs(x).item() - wanted) <= 4e-15 * wanted, name
