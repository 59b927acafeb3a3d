"""The original's normal in two dimensions: 10 particles, 1000 steps of .01. The resulting variances are too small."""

from dataclasses import dataclass

import torch
from torch import Tensor

from labkit import svgd, targets

PARTICLES, STEPS, STEP_SIZE = 10, 1000, 0.01


@dataclass(frozen=True, eq=False)
class ParticleMoments:
    """Mean [2] and covariance [2, 2] of the particles after all steps, and the exact ones."""

    mean: Tensor
    covariance: Tensor
    exact_mean: Tensor
    exact_covariance: Tensor


def run(n: int = PARTICLES, steps: int = STEPS, seed: int = 0) -> ParticleMoments:
    """Return the result of one run from N(0, I). Covariances divide by n, not by n - 1."""
    target = targets.make("correlated")
    x0 = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = svgd.SVGD().update(x0, target.score, steps, STEP_SIZE)
    return ParticleMoments(x.mean(0), x.T.cov(correction=0), target.mean, target.covariance)
