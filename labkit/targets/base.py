"""What every target is: a density on R^d that follows the dtype and the device of the points it is given."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Range = tuple[tuple[float | int, float | int], ...]


class Target:
    """A density with `log_prob`, `score = ∇ log p`, moments and a range to draw it in.

    A subclass gives `log_prob(x [..., d]) -> [...]` and `score(x [..., d]) -> [..., d]`, for any leading axes (runs,
    particles), and `sample(n, generator) -> [n, d]` in float64 where an exact sampler exists: the method is missing
    elsewhere. `mean [d]` and `covariance [d, d]` are float64 on the CPU, or None where they cannot be had.

    Attributes:
        name: the target's name in the registry, or the wrapped thing's.
        dim: d, the length of the last axis of x; None, as are plot_range and moments, for a function of unknown d.
        plot_range: one pair (low, high) a dimension that holds nearly all of the mass.
        labels: one name a dimension, for axes and tables.
        rows: of the data that it is trained on, which `minibatch` draws from; 0 for a density without data.
        classifies: whether it is the posterior of a classifier, with `accuracy(x)`.
        start: mean and standard deviation of a normal start that suits it.
    """

    mean: Float[Tensor, " d"] | None = None
    covariance: Float[Tensor, "d d"] | None = None
    plot_range: Range | None = None
    rows: int = 0
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
        """log p(x)."""
        raise NotImplementedError

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        """∇ log p(x)."""
        raise NotImplementedError

    def minibatch(self, size: int, order: str = "random") -> Callable[[Tensor], Tensor]:
        """A score with `.at(t, generator)` that sees `size` of the rows a step; a target without rows has none."""
        raise NotImplementedError

    def handles(self) -> Float[Tensor, "m 2"]:
        """Where a picture offers to drag parts of the density, (place, height) of each; of most there are none."""
        return torch.zeros(0, 2, dtype=torch.float64)

    def constrain(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        """The place of x in the support of the density: x itself where that is all of R^d."""
        return x

    def unconstrain(self, y: Tensor) -> Float[Tensor, "*batch d"]:
        """The x with `constrain(x)` = y, for particles to start from."""
        return y

    def _check(self, x: Tensor) -> None:
        if x.shape[-1:] != (self.dim,):
            raise ValueError(
                f"{self.name}: x must be [..., {self.dim}], got {list(x.shape)}; give the dimensions as the last axis"
            )

    def _cast(self, x: Tensor) -> tuple[Tensor, ...]:
        """The float64 constants in the dtype and on the device of x, cast once for each pair."""
        self._check(x)
        key = (x.dtype, x.device)
        if key not in self._casts:
            if not x.is_floating_point():
                raise ValueError(f"{self.name}: x must be of a floating dtype, got {x.dtype}; call x.double() first")
            with torch.inference_mode(False):  # a constant made inside inference mode could never meet autograd again
                self._casts[key] = tuple(c.to(dtype=x.dtype, device=x.device) for c in self._constants)
        return self._casts[key]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, dim={self.dim})"


class KnownTarget(Target):
    """A target whose dimension and range are known, as those of all targets in the registry are."""

    dim: int
    plot_range: Range
