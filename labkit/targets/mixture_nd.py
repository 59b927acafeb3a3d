"""Mixtures of normals in several dimensions, and the planar shapes that are such mixtures: modes, star and X."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets import checks
from labkit.targets.base import KnownTarget


class GaussianMixture(KnownTarget):
    """The normalised density p(x) = Σ_k w_k N(x; m_k, C_k) in d dimensions.

    With C_k = L_k L_k' and z_k = L_k⁻¹(x - m_k):

        ∇ log p = -Σ_k r_k L_k⁻ᵀ z_k,    r = softmax_k(log w_k - log det L_k - |z_k|²/2).

    Where |z_k|² would overflow, r is computed at the farthest point on the same ray where it does not.

    Args:
        means: m, [k, d].
        covariances: C, [k, d, d], symmetric and positive definite.
        weights: w >= 0 with sum 1, [k]; None for equal weights.

    Raises:
        ValueError: shapes do not match, a covariance is not positive definite, or weights are not probabilities.
    """

    def __init__(
        self,
        means: checks.Numbers,
        covariances: checks.Numbers,
        weights: checks.Numbers | None = None,
        *,
        name: str = "gaussian_mixture",
    ):
        m, c = checks.finite("means", means), checks.finite("covariances", covariances)
        if m.ndim != 2 or not m.numel() or c.shape != (*m.shape, m.shape[-1]):
            raise ValueError(
                f"means must be [k, d] and covariances [k, d, d], got {list(m.shape)} and {list(c.shape)}; "
                "give one row of d numbers per mode"
            )
        roots, info = torch.linalg.cholesky_ex(c)
        if info.any() or not torch.allclose(c, c.mT):
            raise ValueError(
                f"covariances must be symmetric and positive definite, got {c.tolist()}; check each of them"
            )
        w, (k, d) = checks.weights(weights, len(m)), m.shape
        sd = c.diagonal(dim1=-2, dim2=-1).sqrt()
        low, high = (m - 4 * sd).amin(0), (m + 4 * sd).amax(0)
        super().__init__(name, d, tuple(zip(low.tolist(), high.tolist(), strict=True)))
        self.means, self.covariances, self.weights, self._roots = m, c, w, roots
        self.mean = w @ m
        gap = m - self.mean
        self.covariance = torch.einsum("k,kij->ij", w, c + gap[:, :, None] * gap[:, None, :])
        whiten = torch.linalg.solve_triangular(roots, torch.eye(d, dtype=torch.float64).expand(k, d, d), upper=False)
        log_w = w.log() - roots.diagonal(dim1=-2, dim2=-1).log().sum(-1) - d * math.log(2 * math.pi) / 2
        # one product for all modes: x @ [d, k d] gives every L_k⁻¹ x side by side
        self._constants = (whiten.reshape(k * d, d), (whiten @ m[:, :, None]).squeeze(-1), log_w)

    def _whitened(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return z [..., k, d], log w - log det L [k], and all L⁻¹ [k d, d]."""
        whiten, centre, log_w = self._cast(x)
        return (x @ whiten.T).unflatten(-1, centre.shape) - centre, log_w, whiten

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        z, log_w, _ = self._whitened(x)
        return torch.logsumexp(log_w - 0.5 * (z * z).sum(-1), -1)

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        z, log_w, whiten = self._whitened(x)
        # so far out the means have no effect, and r is constant along a ray
        far = (torch.finfo(x.dtype).max / (64 * self.dim)) ** 0.5
        near = z * (far / z.abs().amax((-2, -1), keepdim=True)).clamp(max=1)
        r = torch.softmax(torch.add(log_w, torch.linalg.vecdot(near, near), alpha=-0.5), -1)
        return -(r[..., None] * z).flatten(-2) @ whiten

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Return n independent samples, float64, on the generator's device."""
        device = generator.device
        mode = torch.multinomial(self.weights.to(device), n, replacement=True, generator=generator)
        z = torch.randn(n, self.dim, 1, generator=generator, dtype=torch.float64, device=device)
        return self.means.to(device)[mode] + (self._roots.to(device)[mode] @ z).squeeze(-1)


def _turned(angles: Tensor, along: float, across: float) -> Float[Tensor, "k 2 2"]:
    """Return covariances with standard deviation `along` in the direction of each angle, `across` at right angles."""
    u = torch.stack([angles.cos(), angles.sin()], -1)
    v = torch.stack([-angles.sin(), angles.cos()], -1)
    return along**2 * u[:, :, None] * u[:, None, :] + across**2 * v[:, :, None] * v[:, None, :]


def mixture2d(
    means: checks.Numbers = ((-2.0, -1.2), (2.0, -1.2), (0.0, 2.2)),
    scales: checks.Numbers = 0.7,
    weights: checks.Numbers | None = None,
) -> GaussianMixture:
    """Return round modes in the plane: Σ_k w_k N(m_k, s_k² I).

    Args:
        means: m, [k, 2].
        scales: s > 0, one number for all modes or one per mode.
        weights: w >= 0 with sum 1, one per mode; None for equal weights.

    Raises:
        ValueError: shapes do not match, a scale is <= 0, or weights are not probabilities.
    """
    m = checks.finite("means", means)
    if m.ndim != 2 or m.shape[-1] != 2:
        raise ValueError(f"means must be [k, 2], got shape {list(m.shape)}; give one pair (x1, x2) per mode")
    s = checks.each("scales", checks.positive("scales", scales), len(m))
    covariances = s[:, None, None] ** 2 * torch.eye(2, dtype=torch.float64)
    return GaussianMixture(m, covariances, weights, name="mixture2d")


def star(arms: int = 5, radius: float = 1.6, length: float = 0.8, width: float = 0.2) -> GaussianMixture:
    """Return a star of `arms` equal normals, each stretched along its ray; the first arm points up.

        Σ_k N(radius u_k, length² u_k u_k' + width² v_k v_k')/arms,   u_k = (cos a_k, sin a_k), v_k at right angles,
        a_k = π/2 + 2π k/arms.

    The shape comes from Wang et al. 2019 (matrix-valued kernels), with other constants.

    Raises:
        ValueError: arms is not a whole number >= 1, or length or width is not positive.
    """
    k = checks.whole("arms", arms, low=1)
    r = checks.number("radius", radius)
    length, width = checks.number("length", length, above=0), checks.number("width", width, above=0)
    angles = math.pi / 2 + 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    means = r * torch.stack([angles.cos(), angles.sin()], -1)
    return GaussianMixture(means, _turned(angles, length, width), name="star")


def cross(length: float = 1.4, width: float = 0.25) -> GaussianMixture:
    """Return an X: two equal normals centred at 0, stretched along the two diagonals.

    N(0, C₊)/2 + N(0, C₋)/2 has standard deviation `length` along a diagonal and `width` across it.

    Raises:
        ValueError: length or width is not positive.
    """
    length, width = checks.number("length", length, above=0), checks.number("width", width, above=0)
    angles = torch.tensor([math.pi / 4, -math.pi / 4], dtype=torch.float64)
    return GaussianMixture(torch.zeros(2, 2), _turned(angles, length, width), name="x")
