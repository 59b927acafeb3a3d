"""Normal distributions N(m, C) of any dimension."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets import checks
from labkit.targets.base import KnownTarget


class Normal(KnownTarget):
    """The normalised density N(m, C).

        log p = -(x - m)'P(x - m)/2 - log det(2πC)/2,    ∇ log p = -P(x - m),    P = C⁻¹

    Args:
        mean: m, [d].
        covariance: C, [d, d], symmetric and positive definite.

    Raises:
        ValueError: shapes do not match, an entry is not finite, or C is not symmetric positive definite.
    """

    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]

    def __init__(self, mean: checks.Numbers, covariance: checks.Numbers, *, name: str = "normal"):
        m, c = checks.finite("mean", mean), checks.finite("covariance", covariance)
        if m.ndim != 1 or not len(m) or c.shape != (len(m), len(m)):
            raise ValueError(
                f"mean must be [d] and covariance [d, d], got {list(m.shape)} and {list(c.shape)}; use one d for both"
            )
        root, info = torch.linalg.cholesky_ex(c)
        if info or not torch.allclose(c, c.T):
            raise ValueError(f"covariance must be symmetric and positive definite, got {c.tolist()}; check its entries")
        sd = c.diagonal().sqrt()
        super().__init__(name, len(m), tuple(zip((m - 4 * sd).tolist(), (m + 4 * sd).tolist(), strict=True)))
        self.mean, self.covariance, self._root = m, c, root
        log_z = root.diagonal().log().sum() + len(m) * math.log(2 * math.pi) / 2
        self._constants = (m, torch.cholesky_inverse(root), log_z)

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        m, precision, log_z = self._cast(x)
        centred = x - m
        return -0.5 * (centred * (centred @ precision)).sum(-1) - log_z

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        m, precision, _ = self._cast(x)
        return (m - x) @ precision

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Return n independent samples, float64, on the generator's device."""
        z = torch.randn(n, self.dim, generator=generator, dtype=torch.float64, device=generator.device)
        return self.mean.to(z.device) + z @ self._root.T.to(z.device)


def normal(dim: int = 2, mean: checks.Numbers = 0.0, scale: float = 1.0, condition: float = 1.0) -> Normal:
    """Return N(mean, C) in `dim` dimensions with diagonal C.

    The logarithms of the variances fall evenly from that of scale² to that of scale²/condition.

    Args:
        mean: one number for every dimension, or `dim` numbers.
        scale: standard deviation of the first dimension, > 0.
        condition: largest variance divided by the smallest, >= 1 (in one dimension it has no effect).

    Raises:
        ValueError: a parameter is outside its range, or mean does not match dim.
    """
    d = checks.whole("dim", dim, low=1)
    scale, condition = checks.number("scale", scale, above=0), checks.number("condition", condition)
    if condition < 1:
        raise ValueError(f"condition must be >= 1, got {condition:g}; it is largest / smallest variance")
    variances = scale**2 * torch.logspace(0, -math.log10(condition), d, dtype=torch.float64)
    m = checks.finite("mean", mean)
    if m.ndim and m.shape != (d,):
        raise ValueError(f"mean must be one number or {d} numbers, got shape {list(m.shape)}; match it to dim")
    return Normal(m.expand(d).clone(), torch.diag(variances))


def standard() -> Normal:
    """Return N(0, I) in the plane."""
    return Normal(torch.zeros(2), torch.eye(2), name="standard")


def correlated() -> Normal:
    """Return the planar normal of the original code's demo, where it is given by its precision matrix."""
    precision = torch.tensor([[0.2260, 0.1652], [0.1652, 0.6779]], dtype=torch.float64)
    return Normal((-0.6871, 0.8010), torch.linalg.inv(precision), name="correlated")
