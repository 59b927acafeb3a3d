"""These kernels measure distance in other coordinates: one dimension at a time, or through a precision matrix."""

from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.svgd.fast import digits
from labkit.svgd.kernels import RBF, Kernel, Products


@dataclass(frozen=True)
class PerDimension(Kernel):
    """One kernel per coordinate: the matrix kernel diag(k(x_1, x_1'), ..., k(x_d, x_d')).

    Every coordinate has its own bandwidth, (..., d), and KSD^2 is the sum over the coordinates. This kernel ignores
    correlations. In return the marginal variances do not collapse in high dimension.

    Raises:
        ValueError: the base is not a kernel of x itself.
    """

    base: Kernel = RBF()

    def __post_init__(self) -> None:
        _check_base(self.base)

    @property
    def uses_bandwidth(self) -> bool:  # type: ignore[override]  # it follows the base, and no code sets it
        return self.base.uses_bandwidth

    def frame(self, x: Tensor) -> Tensor:
        """Return x (..., n, d) as d runs of one dimension, (..., d, n, 1)."""
        return x.mT[..., None]

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        drive, repulsion, trace = self.base.products(self.frame(x), self.frame(score), h)
        return Products(drive[..., 0].mT, repulsion[..., 0].mT, trace.sum(-1))

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        return self.base.phi(self.frame(x), self.frame(score), h)[..., 0].mT

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        """Return k(x_i, y_j) of every coordinate, (..., d, n, m)."""
        return self.base.matrix(self.frame(x), self.frame(y), h)


class Preconditioned(Kernel):
    """The matrix kernel Q^-1 k(|x - x'|_Q) of a constant precision Q (Wang et al. 2019, sec. 4.1).

    It is plain SVGD in the coordinates y = L^T x with Q = L L^T. A good Q makes a stretched target round. Use the
    precision of the target, or the mean negative Hessian of log p. KSD is measured in y.

    Args:
        precision: Q (d, d), symmetric positive definite, in 1 / units of x squared.
        base: the kernel in the new coordinates.

    Raises:
        ValueError: Q is not symmetric positive definite, or the base is not a kernel of x itself.
    """

    def __init__(self, precision: Tensor, base: Kernel | None = None):
        self.base = RBF() if base is None else base
        _check_base(self.base)
        if precision.ndim != 2 or not torch.allclose(precision, precision.mT):
            raise ValueError(
                f"precision must be a symmetric matrix (d, d), got shape {tuple(precision.shape)}; use (Q + Q.T) / 2"
            )
        root, failed = torch.linalg.cholesky_ex(precision)
        if failed or not root.isfinite().all():
            raise ValueError(
                "precision must be positive definite, got a matrix that is not; add a multiple of the identity"
            )
        self.root = root
        self.uses_bandwidth = self.base.uses_bandwidth

    def frame(self, x: Tensor) -> Tensor:
        """Return y = L^T x in float64; float32 would change the distances of particles that are close together.

        Raises:
            ValueError: the particles have another dimension than the precision.
        """
        if x.shape[-1] != self.root.shape[-1]:
            raise ValueError(
                f"the precision has shape {tuple(self.root.shape)}, got particles of {x.shape[-1]} dimensions; "
                "give both the same dimension"
            )
        return x.double() @ self._root(x)

    def _root(self, x: Tensor) -> Tensor:
        return self.root.to(x.device, torch.float64)

    def _arguments(self, x: Tensor, score: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return y, its score (rows L^-1 s) and h for the base; they keep the dtype of x if it has enough digits."""
        y, h = self.frame(x), h.double()
        score = torch.linalg.solve_triangular(self._root(x), score.double().mT, upper=False).mT
        # not centred at the mean, because the base may have a linear part
        far = digits.is_far(float(digits.reach((y / h[..., None, None]).mT)), x.shape[-1], x.dtype)
        if far or not self.uses_bandwidth:
            return y, score, h
        return y.to(x.dtype), score.to(x.dtype), h.to(x.dtype)

    def _back(self, direction: Tensor, x: Tensor) -> Tensor:
        """Return a direction of y as a direction of x: rows L^-T v."""
        return torch.linalg.solve_triangular(self._root(x).mT, direction.double().mT, upper=True).mT.to(x.dtype)

    def products(self, x: Tensor, score: Tensor, h: Tensor) -> Products:
        drive, repulsion, trace = self.base.products(*self._arguments(x, score, h))
        return Products(self._back(drive, x), self._back(repulsion, x), trace.to(x.dtype))

    def phi(self, x: Tensor, score: Tensor, h: Tensor) -> Tensor:
        return self._back(self.base.phi(*self._arguments(x, score, h)), x)

    def matrix(self, x: Tensor, y: Tensor, h: Tensor) -> Tensor:
        """Return the scalar kernel k(|x_i - y_j|_Q), (..., n, m)."""
        return self.base.matrix(self.frame(x), self.frame(y), h)


def _check_base(base: Kernel) -> None:
    if not isinstance(base, Kernel):
        raise TypeError(f"the base must be a kernel, got {base!r}; use an object such as svgd.IMQ()")
    if type(base).frame is not Kernel.frame:
        raise ValueError(f"the base must be a kernel of x itself, got {base}; use RBF, IMQ, Matern32 or a Sum of them")
