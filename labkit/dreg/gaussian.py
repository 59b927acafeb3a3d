"""A Gaussian model with exact values for gradients and bounds (Rainforth et al. 2018, arXiv 1802.04537, section 4).

    p(z) = N(z; prior, I),   p(x | z) = N(x; z, I),   q(z) = N(z; m, V I)
    posterior: N(a, s I) with a = (prior + x)/2, s = 1/2;   log Z = log N(x; prior, 2 I)

With z = m + sqrt(V) e the log-weight is quadratic in e. The path and score gradients in m are
G = -(m - a)/s + (1/sqrt(V) - sqrt(V)/s) e and H = e/sqrt(V). By rotation only D, V and |m - a| matter.

As K -> infinity, with M2 = E_q[(posterior/q)^2] (finite if 2V > s):

    ESS/K -> 1/M2,   K (log Z - L) -> (M2 - 1)/2,   K dL/dm -> M2 (a - m)/(2V - s),   STL's mean -> (a - m)/V   (1)

The variance of DReG falls as K^-3 if V > 3s/4 = 3/8, because weights then have four moments.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

POSTERIOR_VARIANCE = 0.5  # s
DISTANCE = 0.28  # |m - a| of the instance that is compared with published slopes
VARIANCE = 2 / 3  # V, a variance


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The model at one x, and one proposal; in float64 on the device of its tensors.

    prior, x, mean: [D]; mean is the mean m of q.
    variance: V of q, > 0.

    Raises:
        ValueError: the shapes are not one [D], an entry is not finite, or the variance is not positive.
    """

    prior: Float[Tensor, "..."]
    x: Float[Tensor, "..."]
    mean: Float[Tensor, "..."]
    variance: float = VARIANCE

    def __post_init__(self) -> None:
        shapes = [tuple(each.shape) for each in (self.prior, self.x, self.mean)]
        if self.mean.ndim != 1 or not len(self.mean) or len(set(shapes)) > 1:
            raise ValueError(f"prior, x and mean must have one shape [D], got {', '.join(map(str, shapes))}")
        if not all(each.isfinite().all() for each in (self.prior, self.x, self.mean)):
            raise ValueError("prior, x and mean must be finite, got NaN or infinity; replace it")
        if not (self.variance > 0 and math.isfinite(self.variance)):
            raise ValueError(f"variance must be > 0 and finite, got {self.variance}; the published value is 2/3")
        for name in ("prior", "x", "mean"):
            object.__setattr__(self, name, getattr(self, name).detach().double())

    @property
    def dim(self) -> int:
        """The number of dimensions D."""
        return len(self.mean)

    @property
    def sigma(self) -> float:
        """The standard deviation of q."""
        return math.sqrt(self.variance)

    @property
    def posterior_mean(self) -> Tensor:
        """The posterior mean a, [D]."""
        return (self.prior + self.x) / 2

    @property
    def offset(self) -> Tensor:
        """The difference m - a, [D]."""
        return self.mean - self.posterior_mean

    @cached_property  # read for every sample, and reading it waits for a GPU
    def distance(self) -> float:
        """The distance |m - a|."""
        return self.offset.norm().item()

    @property
    def direction(self) -> Tensor:
        """The unit vector of every true gradient in m, [D]; NaN if m = a, where there is no direction."""
        return -self.offset / self.offset.norm()

    @cached_property
    def log_z(self) -> float:
        """log p(x), the limit of every bound, in nats."""
        return -(self.x - self.prior).square().sum().item() / 4 - self.dim * math.log(4 * math.pi) / 2

    @property
    def elbo(self) -> float:
        """The bound at K = 1, log Z - KL(q | posterior), in nats."""
        s, v = POSTERIOR_VARIANCE, self.variance
        return self.log_z - (self.dim * (v / s - 1 - math.log(v / s)) + self.distance**2 / s) / 2

    @property
    def second_moment(self) -> float:
        """M2 of (1); infinite if 2V <= s."""
        s, v = POSTERIOR_VARIANCE, self.variance
        if 2 * v <= s:
            return math.inf
        log_m2 = self.dim * math.log(v / math.sqrt(s * (2 * v - s))) + self.distance**2 / (2 * v - s)
        return math.exp(log_m2) if log_m2 < 709 else math.inf

    @property
    def gradient_limit(self) -> Tensor:
        """The limit of K dL/dm as K -> infinity, [D], if M2 is finite."""
        return -self.second_moment * self.offset / (2 * self.variance - POSTERIOR_VARIANCE)

    @property
    def stl_limit(self) -> Tensor:
        """The limit of STL's mean as K -> infinity, [D]; it is pure bias, because the true gradient goes to zero."""
        return -self.offset / self.variance

    @property
    def path_slope(self) -> float:
        """The factor of e in G."""
        return (1 - self.variance / POSTERIOR_VARIANCE) / self.sigma  # exactly 0 at V = s

    def log_weights(self, e: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return log p(x, z) - log q(z) at z = m + sqrt(V) e, for e [..., D]."""
        curvature = (1 - self.variance / POSTERIOR_VARIANCE) / 2
        constant = self.log_z + self.dim * math.log(self.variance / POSTERIOR_VARIANCE) / 2
        slope = self.offset * (self.sigma / POSTERIOR_VARIANCE)
        square = torch.linalg.vector_norm(e, dim=-1).square_()
        return square.mul_(curvature).sub_(e @ slope).add_(constant - self.distance**2 / (2 * POSTERIOR_VARIANCE))


def instance(
    dim: int = 20, distance: float = DISTANCE, variance: float = VARIANCE, device: torch.device | str | None = None
) -> Gaussian:
    """Return the model at prior = x = 0 with this distance between q's mean and the posterior's, the same on all axes.

    Raises:
        ValueError: dim < 1, distance is negative or infinite, or variance <= 0.
    """
    if dim < 1 or not 0 <= distance < math.inf:
        raise ValueError(f"dim must be >= 1 and distance finite and >= 0, got {dim} and {distance}")
    zero = torch.zeros(dim, dtype=torch.float64, device=device)
    return Gaussian(zero, zero, zero + distance / math.sqrt(dim), variance)


def line(prior: float, x: float, mean: float, variance: float = VARIANCE) -> Gaussian:
    """Return the model in one dimension."""
    at = [torch.tensor([value], dtype=torch.float64) for value in (prior, x, mean)]
    return Gaussian(at[0], at[1], at[2], variance)
