"""Mixtures of normals in one dimension, such as the paper's target, 1/3 N(-2, 1) + 2/3 N(2, 1)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets import checks
from labkit.targets.base import KnownTarget

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Mixture(KnownTarget):
    """The normalised density p(x) = Σ_k w_k N(x; m_k, s_k²) in one dimension.

    The score is a mean of the modes' scores, weighted by the posterior probability of each mode,

        ∇ log p = Σ_k r_k (m_k - x)/s_k²,    r = softmax_k(log w_k - log s_k - (x - m_k)²/(2 s_k²)),

    so nothing underflows, however far x is from every mode. Where the square would overflow, r is computed at the
    largest distance whose square does not. There the widest mode has r = 1, and equally wide modes have their weights.
    With the defaults the score is 2 - x - 4 sigmoid(-4x - log 2).

    Args:
        means: m, one number per mode.
        scales: s > 0, standard deviations; one number is used for all modes.
        weights: w >= 0 with sum 1; None for equal weights.

    Raises:
        ValueError: lengths do not match, a scale is <= 0, weights are not probabilities, or a number is not finite.
    """

    start = (-10.0, 1.0)  # as in the figure of the paper

    def __init__(
        self,
        means: checks.Numbers = (-2.0, 2.0),
        scales: checks.Numbers = 1.0,
        weights: checks.Numbers | None = (1 / 3, 2 / 3),
    ):
        m = checks.finite("means", means)
        if m.ndim != 1 or not len(m):
            raise ValueError(f"means must be a list, one number per mode, got shape {list(m.shape)}; give [m] for one")
        s = checks.each("scales", checks.positive("scales", scales), len(m))
        w = checks.weights(weights, len(m))
        super().__init__("mixture", 1, (((m - 4 * s).min().item(), (m + 4 * s).max().item()),))
        self.means, self.scales, self.weights = m, s, w
        # distances whose square divided by the smallest variance is far inside the dtype
        self._far = {t: s.min().item() * (torch.finfo(t).max / 64) ** 0.5 for t in FLOATS}
        self.mean = (w @ m).reshape(1)
        self.covariance = (w @ (s**2 + (m - self.mean) ** 2)).reshape(1, 1)
        log_w = w.log() - s.log() - math.log(2 * math.pi) / 2
        self._constants = (m, s**-2, log_w, s, w, m[:, None], s[:, None] ** -2, log_w[:, None])

    def handles(self) -> Float[Tensor, "m 2"]:
        """Return each mode's mean and the height of that mode alone, with its weight."""
        return torch.stack([self.means, self.weights / (self.scales * math.sqrt(2 * math.pi))], -1)

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        m, precision, log_w = self._cast(x)[:3]
        return torch.logsumexp(log_w - 0.5 * precision * (x - m) ** 2, -1)

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        m, precision, log_w = self._cast(x)[5:]
        # one row per mode, because vector instructions work along columns of particles but not along few modes
        gap, far = m - (x.mT if x.ndim > 1 else x), self._far[x.dtype]
        near = gap.clamp(-far, far)
        r = torch.softmax(torch.addcmul(log_w, near, near * precision, value=-0.5), -2)
        found = torch.linalg.vecdot(r * precision, gap, dim=-2)  # this order gives 0 where r = 0 and the pull overflows
        return found[..., None] if x.ndim > 1 else found

    def pdf(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return p(x), [...]."""
        return self.log_prob(x).exp()

    def cdf(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return P(X <= x), exactly."""
        m, _, _, s, w = self._cast(x)[:5]
        return (torch.special.ndtr((x - m) / s) * w).sum(-1)

    def left_mass(self, at: float = 0.0) -> float:
        """Return P(X < at), exactly; with the defaults it is 0.341 at 0."""
        return self.cdf(torch.tensor([at], dtype=torch.float64)).item()

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 1"]:
        """Return n independent samples, float64, on the generator's device."""
        device = generator.device
        mode = torch.multinomial(self.weights.to(device), n, replacement=True, generator=generator)
        z = torch.randn(n, generator=generator, dtype=torch.float64, device=device)
        return (self.means.to(device)[mode] + self.scales.to(device)[mode] * z)[:, None]
