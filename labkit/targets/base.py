"""A target is a density on R^d that uses the dtype and the device of the points it gets."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from labkit import arrays

Range = tuple[tuple[float | int, float | int], ...]


@runtime_checkable
class HasSampler(Protocol):
    """A target with an exact sampler."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n samples [n, d], float64."""


class Target:
    """A density with `log_prob`, `score = ∇ log p`, moments and a plot range.

    A subclass defines `log_prob(x [..., d]) -> [...]` and `score(x [..., d]) -> [..., d]`. The leading axes are free,
    for runs and particles. If there is an exact sampler, it also defines `sample(n, generator) -> [n, d]` in float64
    and is a `HasSampler`.
    `mean [d]` and `covariance [d, d]` are float64 on the CPU, or None if they are unknown.

    Attributes:
        name: the target's name in the registry, or the name of the wrapped object.
        dim: d, the length of the last axis of x. A function of unknown d has `None` here, no plot range and no moments.
        plot_range: one pair (low, high) per dimension, which holds nearly all of the mass.
        labels: one name per dimension, for axes and tables.
        rows: number of training rows, which `minibatch` samples from; 0 for a density without data.
        has_density: whether `log_prob` is known; of some targets only the score is.
        classifies: whether it is the posterior of a classifier, with `accuracy(x)`.
        start: mean and standard deviation of a suitable normal distribution for initial particles.
    """

    mean: Float[Tensor, " d"] | None = None
    covariance: Float[Tensor, "d d"] | None = None
    plot_range: Range | None = None
    rows: int = 0
    has_density: bool = True
    classifies: bool = False
    start: tuple[float, float] = (0.0, 1.0)

    def __init__(self, name: str, dim: int | None, plot_range: Range | None, labels: tuple[str, ...] | None = None):
        self.name, self.dim = name, dim
        if plot_range is not None:
            self.plot_range = plot_range
        numbered = ("x",) if dim == 1 else tuple(f"x{i + 1}" for i in range(dim or 0))
        self.labels = numbered if labels is None else labels
        self._constants: tuple[Tensor, ...] = ()
        self._casts: dict[tuple[torch.dtype, torch.device], tuple[Tensor, ...]] = {}

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return log p(x), [...], for x [..., d]."""
        raise NotImplementedError

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        """Return ∇ log p(x), [..., d], for x [..., d]."""
        raise NotImplementedError

    def minibatch(self, size: int, order: str = "random") -> Callable[[Tensor], Tensor]:
        """Return a score with `.at(t, generator)` that uses `size` rows per step; only targets with rows have one."""
        raise NotImplementedError

    def accuracy(self, x: Float[Tensor, "*batch n d"]) -> Tensor:
        """Return the accuracy of the mean prediction on held-out rows; only targets that classify have one."""
        raise NotImplementedError

    def handles(self) -> Float[Tensor, "m 2"]:
        """Return the position and height of each draggable part of a picture of the density; most targets have none."""
        return torch.zeros(0, 2, dtype=torch.float64)

    def constrain(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        """Return the points of the density's support for x; this is x itself if the support is all of R^d."""
        return x

    def unconstrain(self, y: Tensor) -> Float[Tensor, "*batch d"]:
        """Return the x with `constrain(x)` = y, for example initial particles."""
        return y

    def _check(self, x: Tensor) -> None:
        arrays.check_tensor(f"{self.name}: ", x)
        if x.shape[-1:] != (self.dim,):
            raise ValueError(
                f"{self.name}: x must be [..., {self.dim}], got {list(x.shape)}; give the dimensions as the last axis"
            )

    def _cast(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the float64 constants in the dtype and on the device of x; each pair is cast only once."""
        self._check(x)
        key = (x.dtype, x.device)
        if key not in self._casts:
            if not x.is_floating_point():
                raise ValueError(f"{self.name}: x must have a floating dtype, got {x.dtype}; call x.double() first")
            with torch.inference_mode(False):  # autograd cannot use a constant made in inference mode
                self._casts[key] = tuple(c.to(dtype=x.dtype, device=x.device) for c in self._constants)
        return self._casts[key]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, dim={self.dim})"


class KnownTarget(Target):
    """A target whose dimension and plot range are known, as for all targets in the registry."""

    dim: int
    plot_range: Range
