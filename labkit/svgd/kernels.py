"""Each kernel computes the sums that SVGD needs: drive, repulsion, and the trace for the Stein discrepancy.

With particles x_i, scores s_j and a kernel k of length h,

    drive_i     = 1/n sum_j k(x_j, x_i) s_j                                     towards high density
    repulsion_i = 1/n sum_j grad_{x_j} k(x_j, x_i)                              away from each other
    phi_i       = drive_i + repulsion_i                                         Liu & Wang 2016, eq. 8
    KSD^2       = mean_i s_i . (drive_i + 2 repulsion_i) + trace                V-statistic
    trace       = 1/n^2 sum_ij tr grad_x grad_x' k(x_i, x_j)

A radial kernel is k = f(u) of u = |x - x'|^2 / h^2. With w = -2 f'(u) and q = 4 u f''(u),

    grad_{x_j} k(x_j, x_i) = w (x_i - x_j) / h^2,      tr grad grad' k = (d w - q) / h^2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from labkit.svgd.fast import choice


class Products(NamedTuple):
    """The sums of a kernel: drive and repulsion (..., n, d), and trace (...)."""

    drive: Tensor
    repulsion: Tensor
    trace: Tensor


class Kernel:
    """A kernel defines `products` and `matrix`, the only methods that SVGD needs. `h` is a length, a tensor (...)."""

    uses_bandwidth = True

    def frame(self, x: Tensor) -> Tensor:
        """Return the coordinates in which the bandwidth is a length; for most kernels this is x itself."""
        return x

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        """Return drive, repulsion and trace at x (..., n, d)."""
        raise NotImplementedError(f"{type(self).__name__} must define products(x, score, h)")

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        """Return drive plus repulsion, (..., n, d)."""
        drive, repulsion, _ = self.products(x, score, h)
        return drive + repulsion

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        """Return k(x_i, y_j), (..., n, m)."""
        raise NotImplementedError(f"{type(self).__name__} must define matrix(x, y, h)")


@dataclass(frozen=True)
class Radial(Kernel):
    """A kernel that depends only on the distance; `scale` multiplies the bandwidth.

    A subclass needs only f(u). It may define `f_w_q` too, which saves the time for derivatives by autograd.

    Raises:
        ValueError: scale is not positive.
    """

    scale: float | int = 1.0
    gaussian: ClassVar[bool] = False  # whether f is exp(-u / 2), for which there are faster ways
    compiled: ClassVar[bool] = False  # whether a compiled program computes the sums
    rooted: ClassVar[bool] = False  # whether f takes the root of u, which needs all digits of short distances

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"scale must be > 0, got {self.scale}; 1 leaves the bandwidth as it is")

    def f(self, u: Tensor) -> Tensor:
        """Return k as a function of u = |x - x'|^2 / h^2; it may write into u."""
        raise NotImplementedError(f"{type(self).__name__} must define f(u)")

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return f(u), w = -2 f'(u) and q = 4 u f''(u); f must have both derivatives at u = 0 too."""
        with torch.inference_mode(False), torch.enable_grad():
            leaf = u.clone().requires_grad_()
            f = self.f(leaf.clone())
            (slope,) = torch.autograd.grad(f.sum(), leaf, create_graph=True)
            (bend,) = (
                torch.autograd.grad(slope.sum(), leaf, materialize_grads=True) if slope.requires_grad else (0 * u,)
            )
        return f.detach(), -2 * slope.detach(), 4 * u * bend

    def length(self, h: Tensor) -> Tensor:
        """Return the kernel's own length, (..., 1, 1) so that it broadcasts with x (..., n, d)."""
        return (h if self.scale == 1 else h * self.scale).unsqueeze(-1).unsqueeze(-1)  # takes half the time of an index

    def plain(self, x: Tensor, score: Tensor, h: Tensor, rows: slice = slice(None)) -> Products:
        """Return drive, repulsion and trace by the formulas at the top of this module, term by term.

        No digits cancel here, however far apart the particles are. But it holds d numbers per pair in memory.
        Every faster way gives the same numbers up to rounding.

        Args:
            rows: the particles i for which drive, repulsion and their part of the trace are computed.
        """
        (n, d), length = x.shape[-2:], self.length(h)
        gap = x[..., rows, :].unsqueeze(-1) - x.mT.unsqueeze(-3)  # x_i - x_j, (..., rows, d, n)
        square = (x.new_ones(1, d) @ gap.square()).squeeze(-2)  # a sum over a short axis takes five times as long
        f, w, q = self.f_w_q(square / (length * length))
        drive = f @ score / n
        repulsion = (w.unsqueeze(-2) * gap).sum(-1) / (n * length * length)
        trace = (d * w - q).sum((-2, -1)) / (n * length[..., 0, 0]) ** 2
        return Products(drive, repulsion, trace)

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        return Products(*choice.products(self, x, score, h))

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        return choice.phi(self, x, score, h)

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        return self.f(choice.squares(x, y, self.length(h)))


@dataclass(frozen=True)
class RBF(Radial):
    """The radial basis function kernel k = exp(-|x - x'|^2 / (2 h^2)), with w = k and q = u k."""

    gaussian = True

    def f(self, u: Tensor) -> Tensor:
        return u.mul_(-0.5).exp_()

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        k = u.mul(-0.5).exp_()
        return k, k, u * k


class FusedRBF(RBF):
    """`RBF` with sums compiled by `torch.compile`, for at most three dimensions.

    It adds the same terms in another order. So it agrees with `RBF` up to rounding, and two runs of it agree bit for
    bit. Every number of particles, dimension and dtype needs its own program. Torch compiles at most eight
    (`torch._dynamo.config.recompile_limit`). Other shapes are computed as `RBF` does, with one warning.
    Many particles on a line are computed as `RBF` does too, without a warning, because that is faster there.

    Raises (at the first call):
        ValueError: there are more than three dimensions, where `RBF` is as fast.
        RuntimeError: there is no compiler; use `RBF`.
    """

    compiled = True


@dataclass(frozen=True)
class IMQ(Radial):
    """The inverse multiquadric kernel k = (1 + |x - x'|^2 / h^2)^(-1/2), with a heavy tail (Gorham & Mackey 2017)."""

    def f(self, u: Tensor) -> Tensor:
        return u.add_(1).rsqrt_()

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = (1 + u).rsqrt_()
        w = f**3
        return f, w, (3 * u).mul_(w).mul_(f).mul_(f)


@dataclass(frozen=True)
class Matern32(Radial):
    """The Matern-3/2 kernel k = (1 + r) exp(-r) with r = sqrt(3) |x - x'| / h."""

    rooted = True

    def f(self, u: Tensor) -> Tensor:
        r = u.mul_(3).sqrt_()
        return (1 + r).mul_(r.neg().exp_())

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        r = (3 * u).sqrt_()
        decay = r.neg().exp_()
        return (1 + r).mul_(decay), 3 * decay, (3 * r).mul_(decay)


@dataclass(frozen=True)
class Linear(Kernel):
    """The linear kernel k = x . x' + 1, which has no length: its bandwidth is infinity.

    On a Gaussian target with n >= d + 1 particles, fixed points have the exact mean and covariance
    (Liu & Wang 2018).
    """

    uses_bandwidth = False

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        (n, d), wide = x.shape[-2:], x.double()  # far from the origin digits of x^T s cancel
        drive = (wide @ (wide.mT @ score.double()) + score.double().sum(-2, keepdim=True)) / n
        return Products(drive.to(x), x.clone(), x.new_full(x.shape[:-2], d))

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        return x @ y.mT + 1


@dataclass(frozen=True)
class Sum(Kernel):
    """The sum of several kernels with one bandwidth; give each kernel its own `scale`.

    Raises:
        ValueError: there is no kernel, or one of them is not a kernel of x itself.
    """

    kernels: Sequence[Kernel] = field(default=(RBF(0.5), RBF(1.0), RBF(2.0)))

    def __post_init__(self) -> None:
        if not self.kernels:
            raise ValueError("Sum needs at least one kernel, got none; for example Sum((RBF(), IMQ(scale=2)))")
        if wrong := [k for k in self.kernels if not isinstance(k, Kernel)]:
            raise TypeError(f"Sum needs kernels, got {wrong[0]!r}; use objects such as svgd.IMQ(scale=2)")
        if framed := [k for k in self.kernels if type(k).frame is not Kernel.frame]:
            raise ValueError(
                f"Sum needs kernels of x itself, got {framed[0]}; put the sum inside: PerDimension(Sum(...))"
            )

    @property
    def uses_bandwidth(self) -> bool:  # type: ignore[override]  # it follows the kernels, and no code sets it
        return any(k.uses_bandwidth for k in self.kernels)

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        parts = zip(*(k.products(x, score, h) for k in self.kernels), strict=True)
        return Products(*(reduce(torch.add, part) for part in parts))

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        return reduce(torch.add, (k.phi(x, score, h) for k in self.kernels))

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        return reduce(torch.add, (k.matrix(x, y, h) for k in self.kernels))
