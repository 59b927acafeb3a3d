"""Planar shapes whose constants need integrals: the donut in closed form, sine and double banana by quadrature."""

import math
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.targets import checks, quadrature
from labkit.targets.base import KnownTarget, Range


class Donut(KnownTarget):
    """A ring, p ∝ exp(-(|x| - R)²/(2 s²)), normalised, with mean 0; at x = 0 the score is set to 0.

    Let I_k = ∫_0^∞ r^k exp(-(r - R)²/(2 s²)) dr. Then I_1 = R I_0 + s² e^(-R²/(2 s²)) and I_k+1 = R I_k + k s² I_k-1.
    The constant is 2π I_1, and each variance is I_3/(2 I_1).

    Args:
        radius: R > 0.
        width: s > 0.

    Raises:
        ValueError: radius or width is not positive.
    """

    def __init__(self, radius: float = 2.5, width: float = 0.4):
        big, s = checks.number("radius", radius, above=0), checks.number("width", width, above=0)
        top = big + 4 * s
        super().__init__("donut", 2, ((-top, top), (-top, top)))
        i0 = s * math.sqrt(math.pi / 2) * (1 + math.erf(big / (s * math.sqrt(2))))
        i1 = big * i0 + s**2 * math.exp(-(big**2) / (2 * s**2))
        i2 = big * i1 + s**2 * i0
        i3 = big * i2 + 2 * s**2 * i1
        self._radius, self._width, self._log_z = big, s, math.log(2 * math.pi * i1)
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = i3 / (2 * i1) * torch.eye(2, dtype=torch.float64)

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        self._cast(x)
        return -0.5 * ((torch.linalg.vector_norm(x, dim=-1) - self._radius) / self._width) ** 2 - self._log_z

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        self._cast(x)
        r = torch.hypot(x[..., :1], x[..., 1:])  # hypot does not overflow, but a sum of squares would
        return (self._radius - r) / self._width**2 * (x / r.clamp_min(torch.finfo(x.dtype).tiny))

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
        """Return n independent samples, float64, on the generator's device: radii by rejection, angles uniform.

        The radius has density ∝ r exp(-(r - R)²/(2 s²)) with mode m = R/2 + √(R²/4 + s²). Since log r <= log m + r/m -
        1, this is at most a multiple of N(m, s²). A proposal r is accepted with probability (r/m) e^(1 - r/m).
        """
        device = generator.device
        m = self._radius / 2 + math.hypot(self._radius / 2, self._width)
        kept = torch.empty(0, dtype=torch.float64, device=device)
        while len(kept) < n:
            r = m + self._width * torch.randn(2 * n, generator=generator, dtype=torch.float64, device=device)
            uniform = torch.rand(2 * n, generator=generator, dtype=torch.float64, device=device)
            keep = uniform < r / m * torch.exp(1 - r / m)
            kept = torch.cat([kept, r[keep]])
        angle = 2 * math.pi * torch.rand(n, generator=generator, dtype=torch.float64, device=device)
        return kept[:n, None] * torch.stack([angle.cos(), angle.sin()], -1)


class ByQuadrature(KnownTarget):
    """A planar density known up to its constant; a grid on `box` gives constant and moments, once, at the first use.

    A subclass defines `_log_density(x)`, up to a constant, and `score`.
    """

    def __init__(self, name: str, plot_range: Range, box: Range, points: tuple[int, int]):
        super().__init__(name, 2, plot_range)
        self._box, self._points = box, points

    def _log_density(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    @cached_property
    def _moments(self) -> quadrature.Moments:
        return quadrature.moments(self._log_density, self._box, self._points)

    @cached_property
    def mean(self) -> Float[Tensor, " 2"]:  # type: ignore[override]  # a cached property can be assigned
        return self._moments.mean

    @cached_property
    def covariance(self) -> Float[Tensor, "2 2"]:  # type: ignore[override]  # a cached property can be assigned
        return self._moments.covariance

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        self._cast(x)
        return self._log_density(x) - self._moments.log_z


class Sine(ByQuadrature):
    """A band along a wave, limited by a wide normal.

        log p = -(x2 - a sin(f x1))²/(2 s²) - |x|²/(2 S²) - log Z,   S = 1.6.

    The shape comes from Wang et al. 2019 (matrix-valued kernels), with other constants. Z is found by quadrature.

    Args:
        amplitude: a, height of the wave.
        frequency: f, in radians per unit of x1.
        width: s > 0, standard deviation of the band along x2.

    Raises:
        ValueError: a parameter is not a finite number, or width is not positive.
    """

    def __init__(self, amplitude: float = 1.5, frequency: float = 1.5, width: float = 0.3):
        a, f = checks.number("amplitude", amplitude), checks.number("frequency", frequency)
        s, reach = checks.number("width", width, above=0), 1.6
        tall = min(abs(a) + 7 * s, 7 * reach)
        super().__init__("sine", ((-4.5, 4.5), (-4.0, 4.0)), ((-7 * reach, 7 * reach), (-tall, tall)), (1001, 501))
        self._wave, self._precisions = (a, f), (s**-2, reach**-2)

    def _log_density(self, x: Tensor) -> Tensor:
        (a, f), (narrow, wide) = self._wave, self._precisions
        return -0.5 * (narrow * (x[..., 1] - a * torch.sin(f * x[..., 0])) ** 2 + wide * (x * x).sum(-1))

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        self._cast(x)
        (a, f), (narrow, wide) = self._wave, self._precisions
        x1, x2 = x.unbind(-1)
        pull = narrow * (x2 - a * torch.sin(f * x1))
        return torch.stack([a * f * torch.cos(f * x1) * pull - wide * x1, -pull - wide * x2], -1)


class DoubleBanana(ByQuadrature):
    """The posterior of u ~ N(0, I) given one noisy observation y = log 30 of F(u).

        log p = -|u|²/2 - (y - F(u))²/(2 s²) - log Z,   F(u) = log(ε + (1 - u1)² + 100 (u2 - u1²)²),   x = 2u.

    F is the log of Rosenbrock's function (Detommaso et al. 2018), and x is stretched by 2 to fill a plot. The constant
    ε = 1e-4 keeps log and score finite at u = (1, 1). There, p is below e^-800 of its peak at the default s. Z is found
    by quadrature.

    Args:
        noise: s > 0, standard deviation of the observation, which sets the width of the bands.

    Raises:
        ValueError: noise is not positive.
    """

    def __init__(self, noise: float = 0.3):
        self._noise = checks.number("noise", noise, above=0)
        super().__init__("double_banana", ((-4.5, 4.5), (-3.0, 6.0)), ((-8.0, 8.0), (-11.0, 13.0)), (1201, 801))

    def _look(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        u1, u2 = (0.5 * x).unbind(-1)
        bend = u2 - u1 * u1
        rosenbrock = 1e-4 + (1 - u1) ** 2 + 100 * bend * bend
        return u1, bend, rosenbrock, (math.log(30) - torch.log(rosenbrock)) / self._noise**2

    def _log_density(self, x: Tensor) -> Tensor:
        residual = self._look(x)[-1] * self._noise
        return -0.125 * (x * x).sum(-1) - 0.5 * residual * residual

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        self._cast(x)
        u1, bend, rosenbrock, pull = self._look(x)
        # dF/du = (2 (u1 - 1) - 400 u1 bend, 200 bend)/rosenbrock, and dx = 2 du
        slope = torch.stack([u1 - 1 - 200 * u1 * bend, 100 * bend], -1) / rosenbrock[..., None]
        return slope * pull[..., None] - 0.25 * x
