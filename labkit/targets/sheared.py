"""Planar targets with all moments in closed form: a normal bent by a shear, and the funnel.

x = (u1, u2 + g(u1)) with u ~ N(0, C). The map has Jacobian 1. So with u(x) = (x1, x2 - g(x1)) and q = C⁻¹u

    log p(x) = -u'C⁻¹u/2 - log det(2πC)/2,    ∇ log p = (-q1 + g'(x1) q2, -q2).                              (1)
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets import checks, continued
from labkit.targets.base import KnownTarget, Range


class Sheared(KnownTarget):
    """N(0, C) bent by x2 <- x2 + g(x1), equation (1).

    A subclass defines `_bend(x1) -> (g, g')`, mean and covariance.
    """

    def __init__(self, name: str, spread: float, width: float, correlation: float, plot_range: Range):
        super().__init__(name, 2, plot_range)
        self._sd = (spread, width, correlation)
        tilt = correlation * spread * width
        c = torch.tensor([[spread**2, tilt], [tilt, width**2]], dtype=torch.float64)
        self._root = torch.linalg.cholesky(c)
        self._log_z = math.log(2 * math.pi * spread * width) + math.log1p(-(correlation**2)) / 2
        self._constants = (torch.linalg.inv(c),)

    def _bend(self, x1: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        (precision,) = self._cast(x)
        u = torch.stack([x[..., 0], x[..., 1] - self._bend(x[..., 0])[0]], -1)
        return -0.5 * (u * (u @ precision)).sum(-1) - self._log_z

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        (precision,) = self._cast(x)
        g, slope = self._bend(x[..., 0])
        q1, q2 = (torch.stack([x[..., 0], x[..., 1] - g], -1) @ precision).unbind(-1)
        return torch.stack([slope * q2 - q1, -q2], -1)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
        """Return n independent samples, float64, on the generator's device."""
        z = torch.randn(n, 2, generator=generator, dtype=torch.float64, device=generator.device)
        u1, u2 = (z @ self._root.T.to(z.device)).unbind(-1)
        return torch.stack([u1, u2 + self._bend(u1)[0]], -1)


class Banana(Sheared):
    """A bent normal: x1 ~ N(0, spread²), x2 | x1 ~ N(curvature (x1² - spread²), width²), normalised, with mean 0.

    Var x2 = width² + 2 curvature² spread⁴. x1 and x2 are uncorrelated, but far from independent.

    Args:
        curvature: how strongly x2 bends with x1², per unit of length.
        spread: standard deviation of x1, > 0.
        width: standard deviation of x2 given x1, > 0.

    Raises:
        ValueError: a parameter is not finite, or spread or width is not positive.
    """

    def __init__(self, curvature: float = 0.4, spread: float = 1.3, width: float = 0.5):
        b = checks.number("curvature", curvature)
        s, w = checks.number("spread", spread, above=0), checks.number("width", width, above=0)
        ends = sorted((-b * s**2, b * 5.25 * s**2))  # the bend at x1 = 0 and at 2.5 spreads
        super().__init__("banana", s, w, 0.0, ((-3.2 * s, 3.2 * s), (ends[0] - 3.5 * w, ends[1] + 3.5 * w)))
        self._curvature = b
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = torch.diag(torch.tensor([s**2, w**2 + 2 * b**2 * s**4], dtype=torch.float64))

    def _bend(self, x1: Tensor) -> tuple[Tensor, Tensor]:
        return self._curvature * (x1 * x1 - self._sd[0] ** 2), 2 * self._curvature * x1


class Squiggle(Sheared):
    """A normal bent by a wave: x = (u1, u2 + a sin(f u1)).

    u is normal with standard deviations 1.5 and `width`. Its correlation is .3, so that the wave rises. The density is
    normalised, with mean 0. With v = Var u1 and c = Cov(u1, u2), Stein's lemma gives

        Cov(x1, x2) = c + a f v e^(-f²v/2),
        Var x2 = width² + 2 a c f e^(-f²v/2) + a² (1 - e^(-2f²v))/2.

    Args:
        amplitude: a, height of the wave.
        frequency: f, in radians per unit of x1.
        width: standard deviation of u2, > 0.

    Raises:
        ValueError: a parameter is not finite, or width is not positive.
    """

    def __init__(self, amplitude: float = 1.0, frequency: float = 2.5, width: float = 0.4):
        a, f = checks.number("amplitude", amplitude), checks.number("frequency", frequency)
        w, s, rho = checks.number("width", width, above=0), 1.5, 0.3
        top = abs(a) + 4 * w
        super().__init__("squiggle", s, w, rho, ((-3 * s, 3 * s), (-top, top)))
        self._wave = (a, f)
        v, c, e = s**2, rho * s * w, math.exp(-(f**2) * s**2 / 2)
        cross, var = c + a * f * v * e, w**2 + 2 * a * c * f * e + a**2 * (1 - e**4) / 2
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = torch.tensor([[v, cross], [cross, var]], dtype=torch.float64)

    def _bend(self, x1: Tensor) -> tuple[Tensor, Tensor]:
        a, f = self._wave
        return a * torch.sin(f * x1), a * f * torch.cos(f * x1)


class Funnel(KnownTarget):
    """Neal's funnel in the plane: v ~ N(0, spread²), x | v ~ N(0, e^v), points (x, v), normalised.

    Var x = E e^v = e^(spread²/2); the mean and the correlation are 0. Below v = -40 the factor e^-v continues as a
    straight line (`continued.exp`), so that the score stays finite in float32.

    Args:
        spread: standard deviation of v, the log variance of x, > 0.

    Raises:
        ValueError: spread is not positive.
    """

    def __init__(self, spread: float = 1.3):
        s = checks.number("spread", spread, above=0)
        wide = 3 * math.exp(s**2 / 4)
        super().__init__("funnel", 2, ((-wide, wide), (-3 * s, 3 * s)), ("x", "v"))
        self._spread, self._log_z = s, math.log(2 * math.pi * s)
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = torch.diag(torch.tensor([math.exp(s**2 / 2), s**2], dtype=torch.float64))

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        self._cast(x)
        x1, v = x.unbind(-1)
        e, _ = continued.exp(-v)
        return -0.5 * (x1 * e * x1 + v + (v / self._spread) ** 2) - self._log_z

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        self._cast(x)
        x1, v = x.unbind(-1)
        e, slope = continued.exp(-v)
        return torch.stack([-x1 * e, 0.5 * (x1 * slope * x1 - 1) - v / self._spread**2], -1)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
        """Return n independent samples, float64, on the generator's device."""
        z, v = torch.randn(n, 2, generator=generator, dtype=torch.float64, device=generator.device).unbind(-1)
        v = v * self._spread
        return torch.stack([z * torch.exp(v / 2), v], -1)
