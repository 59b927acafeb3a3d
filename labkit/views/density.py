"""Densities on a grid: kernel density estimates of particles, and contour lines of a target."""

import contourpy
import numpy as np
import torch

EVEN = 0.6  # fraction of Silverman's width; particles repel each other, random samples do not


def silverman(x: np.ndarray) -> float:
    """Return Silverman's width .9 min(sd, IQR / 1.34) n^(-1/5) for a kernel density estimate of n samples x (n,)."""
    n = len(x)
    q1, q3 = np.interp([0.25 * (n - 1), 0.75 * (n - 1)], np.arange(n), np.sort(x))  # np.quantile is slow
    spread = min(x.std(), (q3 - q1) / 1.34) or x.std()
    return 0.9 * spread * n**-0.2


def estimate(x: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the Gaussian kernel density estimate of x (n,) on an evenly spaced grid (g,).

    Particles are first counted at the grid points and shared linearly between neighbours, so the cost does not grow
    with n. The width is `EVEN` times Silverman's, and at least the distance between two grid points.
    """
    step = grid[1] - grid[0]
    place = np.clip((x - grid[0]) / step, 0, len(grid) - 1)
    low = np.minimum(place.astype(int), len(grid) - 2)
    share = place - low
    counts = np.bincount(low, 1 - share, len(grid)) + np.bincount(low + 1, share, len(grid))
    width = max(EVEN * silverman(x), step)
    bell = np.exp(-0.5 * ((grid - grid[0]) / width) ** 2) / (width * np.sqrt(2 * np.pi) * len(x))
    full = np.convolve(counts, np.concatenate([bell[:0:-1], bell]), mode="full")
    return full[len(grid) - 1 : 2 * len(grid) - 1]


def levels(target, box: tuple, points: int = 120) -> list[np.ndarray]:
    """Return contour lines of a planar target's density, each (m, 2), at equal steps of its square root.

    Args:
        box: ((low, high), (low, high)).
    """
    x, y = (np.linspace(low, high, points) for low, high in box)
    both = torch.from_numpy(np.stack(np.meshgrid(x, y), -1))
    log_p = target.log_prob(both).numpy(force=True)
    generator = contourpy.contour_generator(x, y, np.exp((log_p - log_p.max()) / 2))
    return [line for level in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95) for line in generator.lines(level)]


def ellipses(mean: np.ndarray, covariance: np.ndarray) -> list[np.ndarray]:
    """Return the ellipses at one, two and three standard deviations of a planar normal distribution, each (m, 2)."""
    angle = np.linspace(0, 2 * np.pi, 80)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return [(mean[:, None] + r * np.linalg.cholesky(covariance) @ circle).T for r in (1, 2, 3)]
