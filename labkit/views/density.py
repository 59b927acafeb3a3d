"""Densities on a grid: kernel density estimates of particles, and contour lines of a target."""

import contourpy
import numpy as np
import torch

EVEN = 0.6  # fraction of Silverman's width; particles repel each other, random samples do not
REACH = 9.0  # widths, beyond which a bell is below 1e-17 of its height


def silverman(x: np.ndarray) -> float:
    """Return Silverman's width .9 min(sd, IQR / 1.34) n^(-1/5) for a kernel density estimate of n samples x (n,)."""
    n, ordered = len(x), np.sort(x)
    sd = float(np.linalg.norm(x - x.sum() / n)) / n**0.5  # needed at every frame, and x.std takes twice as long
    return 0.9 * (min(sd, (_quantile(ordered, 0.75) - _quantile(ordered, 0.25)) / 1.34) or sd) * n**-0.2


def _quantile(ordered: np.ndarray, share: float) -> float:
    """Return the same as np.quantile, which takes ten times as long."""
    whole, part = divmod(share * (len(ordered) - 1), 1)
    low, high = ordered[int(whole)], ordered[min(int(whole) + 1, len(ordered) - 1)]
    return float(low + part * (high - low))


def estimate(x: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the Gaussian kernel density estimate of x (n,) on an evenly spaced grid (g,).

    Particles are first counted at the grid points and shared linearly between neighbours, so the cost does not grow
    with n. The width is `EVEN` times Silverman's, and at least the distance between two grid points.
    """
    step, points = grid[1] - grid[0], len(grid)
    place = np.minimum(np.maximum((x - grid[0]) / step, 0), points - 1)
    low = np.minimum(place.astype(int), points - 2)
    share = place - low
    counts = np.bincount(low, 1 - share, points) + np.bincount(low + 1, share, points)
    width = max(EVEN * silverman(x), step)
    far = int(min(points - 1, REACH * width / step + 1))  # also of a width that is not finite
    bell = np.exp(-0.5 * (np.arange(-far, far + 1) * step / width) ** 2) / (width * np.sqrt(2 * np.pi) * len(x))
    return np.convolve(counts, bell)[far : far + points]


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
