"""Bias and variance of dreg-alpha for every alpha at once.

With A the gradient of DReG and B that of RWS-DReG on the same samples, dreg-alpha is (1 - alpha) A + alpha B. A is
unbiased for the gradient of the bound L. So compared with that gradient, summed over coordinates,

    |bias|^2 = alpha^2 |E B - E A|^2                                                                            (1)
    variance = (1 - alpha)^2 var A + alpha^2 var B + 2 alpha (1 - alpha) cov(A, B)                              (2)
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from labkit.dreg import exact, laboratory
from labkit.dreg.gaussian import Gaussian

PARTS = ("dreg", "rws-dreg")
Alpha = TypeVar("Alpha", float, np.ndarray)


@dataclass(frozen=True)
class Frontier:
    """The four numbers of (1) and (2): apart is |E B - E A|^2; dreg, rws and both are var A, var B and cov(A, B)."""

    apart: float
    dreg: float
    rws: float
    both: float

    def squared_bias(self, alpha: Alpha) -> Alpha:
        """Return (1)."""
        return alpha**2 * self.apart

    def variance(self, alpha: Alpha) -> Alpha:
        """Return (2)."""
        return (1 - alpha) ** 2 * self.dreg + alpha**2 * self.rws + 2 * alpha * (1 - alpha) * self.both

    def squared_error(self, alpha: Alpha) -> Alpha:
        """Return E |gradient - gradient of L|^2."""
        return self.squared_bias(alpha) + self.variance(alpha)

    @property
    def best(self) -> float:
        """The alpha from 0 to 1 with the smallest squared error; 0 if all are equal."""
        curvature = self.apart + self.dreg + self.rws - 2 * self.both
        return min(1.0, max(0.0, (self.dreg - self.both) / curvature)) if curvature > 0 else 0.0


def measured(state: laboratory.State, size: int = 0) -> Frontier:
    """Return the frontier of the `PARTS` in a state of the laboratory, at one of its sizes.

    cov(A, B) comes from the variance of B - A. The part of |mean of B - A|^2 that is noise is subtracted, down to 0.

    Raises:
        ValueError: one of the parts was not measured.
    """
    if missing := [name for name in PARTS if name not in state.estimators]:
        raise ValueError(f"the laboratory must measure {' and '.join(PARTS)}, got no {missing[0]}; start it with both")
    a, b = (state.estimators.index(name) for name in PARTS)
    dreg, rws = (state.gradients.variance[i, size].sum().item() for i in (a, b))
    spread = state.differences.variance[b, size].trace().item()
    apart = state.bias[b, size].square().sum().item() - spread / state.n
    return Frontier(max(0.0, apart), dreg, rws, (dreg + rws - spread) / 2)


def true(toy: Gaussian, k: int) -> Frontier:
    """Return the frontier without noise.

    The gradient of sticking the landing is A + B, so its variance gives cov(A, B).
    """
    found = exact.answers(toy, (k,), (*PARTS, "stl"))
    mean, (dreg, rws, together) = found.mean[:, 0], (toy.dim * found.variance[:, 0]).tolist()
    return Frontier((mean[1] - mean[0]).square().item(), dreg, rws, (together - dreg - rws) / 2)
