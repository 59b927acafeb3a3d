"""Densities on a grid, compared with sums of Gaussians and the level lines of normals."""

import numpy as np
import pytest

from labkit import targets
from labkit.views import density

GRID = np.linspace(-8, 8, 401)
STEP = GRID[1] - GRID[0]


def draws(n, seed=0):
    return np.random.default_rng(seed).normal(0.3, 1.1, n)


@pytest.mark.parametrize("n", [1, 2, 50, 3000])
def test_an_estimate_integrates_to_one(n):
    """The trapezoidal rule is exact up to rounding for bells that end within the grid."""
    assert np.trapezoid(density.estimate(draws(n), GRID), GRID) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n", [5, 200])
def test_an_estimate_is_a_sum_of_gaussians_of_its_width(n):
    """Sharing a particle between two grid points has an error of at most step^2 / 8 times the bell's curvature."""
    x = draws(n)
    width = max(density.EVEN * density.silverman(x), STEP)
    bells = np.exp(-0.5 * ((GRID[:, None] - x) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    bound = STEP**2 / 8 / (width**3 * np.sqrt(2 * np.pi))
    assert np.abs(density.estimate(x, GRID) - bells.mean(1)).max() <= bound


def test_particles_on_grid_points_give_the_sum_exactly():
    x = GRID[[150, 180, 181, 230, 260]]
    width = max(density.EVEN * density.silverman(x), STEP)
    bells = np.exp(-0.5 * ((GRID[:, None] - x) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density.estimate(x, GRID), bells.mean(1), rtol=1e-9, atol=1e-12)


def test_particles_outside_the_grid_are_counted_at_its_ends():
    """Half of the bell at an end lies outside: twenty of a hundred particles lose ten."""
    x = np.concatenate([[-99.0] * 10, [99.0] * 10, np.linspace(-1, 1, 80)])
    estimate = density.estimate(x, GRID)
    np.testing.assert_allclose(estimate, estimate[::-1], atol=1e-12)
    assert np.trapezoid(estimate, GRID) == pytest.approx(0.9, abs=0.005)


@pytest.mark.parametrize("place", [0.0, 0.013])
def test_equal_particles_make_one_narrow_bell(place):
    estimate = density.estimate(np.full(30, place), GRID)
    assert abs(GRID[estimate.argmax()] - place) <= STEP / 2
    assert np.trapezoid(estimate, GRID) == pytest.approx(1, abs=1e-6)


def test_silverman_uses_the_smaller_of_the_two_spreads():
    """An outlier changes the standard deviation, not the quartiles: for 0 .. 8 and 1000 these are 2.25 and 6.75."""
    assert density.silverman(np.array([*range(9), 1000.0])) == pytest.approx(0.9 * 4.5 / 1.34 * 10**-0.2)
    two = np.array([-1.0, 1.0])  # sd 1, quartiles -.5 and .5
    assert density.silverman(two) == pytest.approx(0.9 / 1.34 * 2**-0.2)


def test_level_lines_of_a_normal_are_circles_at_the_root_levels():
    """exp(-r^2 / 4) = level of the root density: r = 2 sqrt(-ln level)."""
    points = 161  # odd: the largest value lies on the grid
    step = 8 / (points - 1)
    lines = density.levels(targets.make("standard"), ((-4, 4), (-4, 4)), points)
    radii = np.array([np.linalg.norm(line, axis=1).mean() for line in lines])
    wanted = 2 * np.sqrt(-np.log([0.05, 0.2, 0.4, 0.6, 0.8, 0.95]))
    slope = wanted / 2 * np.exp(-(wanted**2) / 4)  # linear interpolation has the error step^2 / 8 max|f''| over |f'|
    assert (np.abs(radii - wanted) <= 2 * step**2 / 8 * 0.5 / slope).all()
    for line in lines:
        assert np.ptp(np.linalg.norm(line, axis=1)) < step


@pytest.mark.parametrize("name", ["banana", "donut", "funnel", "star", "x", "sine", "double_banana", "squiggle"])
def test_every_planar_target_has_level_lines_within_its_range(name):
    target = targets.make(name)
    lines = density.levels(target, target.plot_range)
    assert len(lines) >= 6
    (a, b), (c, d) = target.plot_range
    for line in lines:
        assert ((line >= np.array([a, c]) - 1e-9) & (line <= np.array([b, d]) + 1e-9)).all()  # rounding at the edge


def test_ellipses_are_at_one_two_and_three_standard_deviations():
    """(y - m)' C^-1 (y - m) = r^2."""
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 0.5]])
    for r, line in zip((1, 2, 3), density.ellipses(mean, covariance), strict=True):
        apart = line - mean
        distance = np.einsum("mi,ij,mj->m", apart, np.linalg.inv(covariance), apart)
        np.testing.assert_allclose(distance, r**2, rtol=1e-10)
