"""Kernels, and what SVGD needs of one: drive, repulsion and the trace for the Stein discrepancy.

With particles x_i, scores s_j and a kernel k of length h,

    drive_i     = 1/n sum_j k(x_j, x_i) s_j                                     towards high density
    repulsion_i = 1/n sum_j grad_{x_j} k(x_j, x_i)                              away from each other
    phi_i       = drive_i + repulsion_i                                         Liu & Wang 2016, eq. 8
    KSD^2       = mean_i s_i . (drive_i + 2 repulsion_i) + trace                V-statistic
    trace       = 1/n^2 sum_ij tr grad_x grad_x' k(x_i, x_j)

A radial kernel is k = f(u) of u = |x - x'|^2 / h^2. With w = -2 f'(u) and q = 4 u f''(u),

    grad_{x_j} k(x_j, x_i) = w (x_i - x_j) / h^2,      tr grad grad' k = (d w - q) / h^2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.svgd import cells, pairs

STILL = 2.0**-9  # scores in 1/h, as a part of positions in h, below which float32 may lose the repulsion
LOG2_E = math.log2(math.e)


class Products(NamedTuple):
    """drive and repulsion (..., n, d); trace (...)."""

    drive: Tensor
    repulsion: Tensor
    trace: Tensor


class Kernel:
    """What the rest of SVGD asks of a kernel. `h` is a length, a tensor (...)."""

    uses_bandwidth = True

    def frame(self, x: Tensor) -> Tensor:
        """The coordinates in which the bandwidth is a length: x itself for most kernels."""
        return x

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        """Drive, repulsion and trace at x (..., n, d)."""
        raise NotImplementedError(f"{type(self).__name__} must define products(x, score, h)")

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        """Drive plus repulsion alone, (..., n, d)."""
        drive, repulsion, _ = self.products(x, score, h)
        return drive + repulsion

    def takes_apart(self, x: Tensor) -> bool:
        """Whether this kernel has `of_apart(apart, score, h)`, phi from `pairs.apart(x)`, and would take it at x."""
        return False

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        """k(x_i, y_j), (..., n, m)."""
        raise NotImplementedError(f"{type(self).__name__} must define matrix(x, y, h)")


def _lengths(x: Tensor, h: Tensor, scale: float | int) -> Tensor:
    """h as (..., 1, 1) beside x."""
    return (h if scale == 1 else h * scale).unsqueeze(-1).unsqueeze(-1)  # half the time of an index


def _transposed(x: Tensor) -> Tensor:
    """Particles last and the mean taken away: distances do not change, the digits that cancel do."""
    return (x - x.mean(-2, keepdim=True)).mT


def _cancels(reach: Tensor, score: Tensor, length: Tensor) -> bool:
    """Return whether the quick sums for phi lose digits, for positions of this reach in units of h.

    Particles may be far apart. Or, in float32, they form clusters much tighter than h while all scores are small: then
    the little push within a cluster is all there is, and the distance between clusters, which cancels, hides it.
    """
    if score.dtype == torch.float64:
        return pairs.is_far(float(reach), score.shape[-1], score.dtype)
    total, longest = score.abs().sum(), length if length.numel() == 1 else length.max()
    reach, total, h = pairs.numbers(reach, total, longest)
    return pairs.is_far(reach, score.shape[-1], score.dtype) or total * h < STILL * reach * score.numel()


@dataclass(frozen=True)
class Radial(Kernel):
    """A kernel of the distance alone; `scale` multiplies the bandwidth."""

    scale: float | int = 1.0
    strips = staticmethod(pairs.strips)  # how squared distances are found

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(f"scale must be > 0, got {self.scale}; it multiplies the bandwidth")

    def f(self, u: Tensor) -> Tensor:
        """k as a function of u = |x - x'|^2 / h^2; may write into u."""
        raise NotImplementedError(f"{type(self).__name__} must define f(u)")

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f(u), -2 f'(u) and 4 u f''(u)."""
        raise NotImplementedError(f"{type(self).__name__} must define f_w_q(u)")

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        (n, d), xt, length = x.shape[-2:], _transposed(x), _lengths(x, h, self.scale)
        a = xt / length
        cancels = _cancels(pairs.reach(a), score, length)
        if cancels and x.dtype != torch.float64:
            return Products(*(p.to(x.dtype) for p in self.products(x.double(), score.double(), h.double())))

        def profile(u):
            f, w, q = self.f_w_q(u)
            return f, w, w.mul(d).sub_(q)

        if cancels:
            per = (length * length).reciprocal_()
            ks, push, total = pairs.far_sums(x.mT, lambda d2: profile(d2.mul_(per)), score.mT)
        else:
            one = xt.new_ones((*xt.shape[:-2], 1, n))
            fields = (score.mT, torch.cat([xt, one], -2), one)
            ks, wx, traces = pairs.sums(a, profile, fields, self.strips)
            push, total = xt * wx[..., d:, :] - wx[..., :d, :], traces.sum((-2, -1))
        return Products(ks.mT / n, push.div_(n * length * length).mT, total / (n * length[..., 0, 0]) ** 2)

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        length, centre = _lengths(x, h, self.scale), x.mean(-2, keepdim=True)
        a, b = ((x - centre) / length).mT, ((y - centre) / length).mT
        if pairs.is_far(max(pairs.numbers(pairs.reach(a.detach()), pairs.reach(b.detach()))), x.shape[-1], x.dtype):
            return self.f(pairs.differences(x.mT, y.mT) / (length * length))
        return self.f(pairs.squared_distances(a, b))


@dataclass(frozen=True)
class RBF(Radial):
    """k = exp(-|x - x'|^2 / (2 h^2)). One matrix serves drive, repulsion and trace (w = k, q = u k)."""

    def f(self, u: Tensor) -> Tensor:
        return u.mul_(-0.5).exp_()

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        k = u.mul(-0.5).exp_()
        return k, k, u * k

    def kernel_sums(self, a: Tensor, v: Tensor) -> Tensor:
        """K @ v for a = x^T / h (..., d, n) and v (..., c, n)."""
        if self._is_line(a) and (found := cells.sums(a[0].double(), (v,))) is not None:
            return found[0].to(v.dtype)
        return pairs.sums(a, lambda u: (self.f(u),), (v,))[0]

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        (n, d), xt, length = x.shape[-2:], _transposed(x), _lengths(x, h, self.scale)
        a, one = xt / length, xt.new_ones((*xt.shape[:-2], 1, n))
        if _cancels(pairs.reach(a), score, length):
            return self._on_line(x, score, length) or super().products(x, score, h)
        sums = self.kernel_sums(a, torch.cat([score.mT, xt, one], -2)).div_(n)
        ks, kx, k1 = sums.split_with_sizes((d, d, 1), -2)
        square = length * length
        repulsion = (xt * k1).sub_(kx).div_(square)
        # sum_ij k |x_i - x_j|^2 / h^2 = 2 n sum_i x_i . repulsion_i: no second matrix for the trace
        trace = (d * k1.mean((-2, -1)) - 2 * (xt * repulsion).sum((-2, -1)).div_(n)) / square[..., 0, 0]
        return Products(ks.mT, repulsion.mT, trace)

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        if self.takes_apart(x):
            return self.of_apart(x, pairs.apart(x), score, h)
        (n, d), xt, length = x.shape[-2:], _transposed(x), _lengths(x, h, self.scale)
        a, one = xt / length, xt.new_ones((*xt.shape[:-2], 1, n))
        if _cancels(pairs.reach(a), score, length):
            return super().phi(x, score, h)
        pull = xt.div_(length * length)
        sums, k1 = self.kernel_sums(a, torch.cat([score.mT - pull, one], -2)).split_with_sizes((d, 1), -2)
        return pull.mul_(k1).add_(sums).div_(n).mT

    def _is_line(self, a: Tensor) -> bool:
        """Whether a (d, n) is of so many particles on one line that `cells` may be the quicker way."""
        return type(self) is RBF and a.ndim == 2 and a.shape[0] == 1 and a.shape[1] > pairs.WHOLE and not a.is_cuda

    def _on_line(self, x: Tensor, score: Tensor, length: Tensor) -> Products | None:
        """The products of many particles on a line that lie far apart: three sums, in none of which digits cancel."""
        if not self._is_line(x.mT):
            return None
        place, one = x[:, 0].double(), torch.ones(1, len(x), dtype=torch.float64)
        fields = (torch.cat([score.mT, one], -2), one, one)
        if (found := cells.sums((place - place.min()) / length[0], fields)) is None:
            return None
        (ks, k1), (push,), (spread,) = found
        per = 1 / (len(x) * length[0, 0].double())
        trace = (k1 - spread).sum() * per * per
        return Products(*(f.to(x)[:, None] for f in (ks / len(x), push * per)), trace.to(x))

    def takes_apart(self, x: Tensor) -> bool:
        """Of few particles in many dimensions, where calls are most of the time."""
        return type(self) is RBF and x.shape[-1] > pairs.DIRECT and pairs.is_whole(x)

    def of_apart(self, x: Tensor, apart: pairs.Apart, score: Tensor, h: Tensor) -> Tensor:
        """phi of x from `pairs.apart(x)`, whose halves are written into."""
        length = _lengths(score, h, self.scale)
        per = (length * length).reciprocal_()
        if _cancels((apart.squares * per[..., 0]).max().sqrt_(), score, length):
            return super().phi(x, score, h)
        matrix = apart.halves.clamp_(min=0).mul_(per * -LOG2_E).exp2_()  # half the time of exp_
        drive = matrix @ torch.addcmul(score, apart.centred, -per)
        return drive.addcmul_(apart.centred, matrix.sum(-1, keepdim=True).mul_(per)).div_(score.shape[-2])


@dataclass(frozen=True)
class IMQ(Radial):
    """Inverse multiquadric k = (1 + |x - x'|^2 / h^2)^(-1/2) (Gorham & Mackey 2017): a slow tail."""

    def f(self, u: Tensor) -> Tensor:
        return u.add_(1).rsqrt_()

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = (1 + u).rsqrt_()
        w = f**3
        return f, w, (3 * u).mul_(w).mul_(f).mul_(f)


@dataclass(frozen=True)
class Matern32(Radial):
    """Matern-3/2, k = (1 + r) exp(-r) with r = sqrt(3) |x - x'| / h."""

    strips = staticmethod(pairs.rooted_strips)

    def f(self, u: Tensor) -> Tensor:
        r = u.mul_(3).sqrt_()
        return (1 + r).mul_(r.neg().exp_())

    def f_w_q(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        r = (3 * u).sqrt_()
        decay = r.neg().exp_()
        return (1 + r).mul_(decay), 3 * decay, (3 * r).mul_(decay)


@dataclass(frozen=True)
class Linear(Kernel):
    """k = x . x' + 1, no length at all: its bandwidth is given as infinity.

    On a Gaussian target with n >= d + 1 particles its fixed points have the exact mean and covariance
    (Liu & Wang 2018).
    """

    uses_bandwidth = False

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        (n, d), wide = x.shape[-2:], x.double()  # far from the origin x^T s cancels
        drive = (wide @ (wide.mT @ score.double()) + score.double().sum(-2, keepdim=True)) / n
        return Products(drive.to(x), x.clone(), x.new_full(x.shape[:-2], d))

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        return x @ y.mT + 1


@dataclass(frozen=True)
class Sum(Kernel):
    """The sum of several kernels of one bandwidth; give each its `scale`."""

    kernels: Sequence[Kernel] = field(default=(RBF(0.5), RBF(1.0), RBF(2.0)))

    def __post_init__(self):
        if not self.kernels:
            raise ValueError("Sum wants at least one kernel, got none; e.g. Sum((RBF(), IMQ(scale=2)))")
        if framed := [k for k in self.kernels if type(k).frame is not Kernel.frame]:
            raise ValueError(
                f"Sum wants kernels of x itself, got {framed[0]}; put the sum inside: PerDimension(Sum(...))"
            )

    @property
    def uses_bandwidth(self) -> bool:
        return any(k.uses_bandwidth for k in self.kernels)

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        return Products(*(sum(p) for p in zip(*(k.products(x, score, h) for k in self.kernels), strict=True)))

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        return sum(k.phi(x, score, h) for k in self.kernels)

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        return sum(k.matrix(x, y, h) for k in self.kernels)
