"""Targets made from a function that gives log p."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions.constraints import Constraint

from labkit.targets import quadrature, supports
from labkit.targets.base import Range, Target

ADVICE = (
    "if the density is 0 outside a support, name it: targets.from_log_prob(f, support=...) with one of "
    "torch.distributions.constraints, e.g. positive; else start nearer to the mass, or take smaller steps"
)


class FromLogProb(Target):
    """See `from_log_prob`.

    Args:
        f: log p_y of the place y of x in the support.
        onto: the map x -> y; None where y = x.
    """

    def __init__(
        self,
        f: Callable[[Tensor], Tensor],
        dim: int | None,
        plot_range: Range | None,
        name: str,
        onto: supports.Onto | None = None,
    ):
        if dim is not None and plot_range is not None and len(plot_range) != dim:
            raise ValueError(f"plot_range must hold {dim} pairs (low, high), got {plot_range!r}; give one a dimension")
        super().__init__(name, dim, plot_range, () if dim is None else None)
        self._f, self._onto = f, onto

    @property
    def is_bounded(self) -> bool:
        """Whether x are unconstrained coordinates of a bounded support."""
        return self._onto is not None

    def constrain(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        return x if self._onto is None else self._onto(x)[0]

    def unconstrain(self, y: Tensor) -> Float[Tensor, "*batch d"]:
        return y if self._onto is None else self._onto.inverse(y)

    def _parts(self, x: Tensor) -> tuple[Any, Tensor | None]:
        """What f gives, at a copy that it may write into, and the logarithm of the Jacobian."""
        if self.dim is not None:
            self._check(x)
        y, jacobian = (x, None) if self._onto is None else self._onto(x)
        try:
            return self._f(y.clone()), jacobian
        except ValueError as error:
            if not str(error).startswith("Expected value argument"):
                raise
            cause = str(error).split(", but found")[0]  # torch goes on with all the values
            raise ValueError(f"{self.name}: log_prob refused some of x {list(x.shape)}: {cause}; {ADVICE}") from None

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        value, jacobian = self._parts(x)
        return value if jacobian is None else value + jacobian

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        with torch.inference_mode(False), torch.enable_grad():
            leaf = (x.clone() if x.is_inference() else x.detach()).requires_grad_()
            value, jacobian = self._parts(leaf)
            self._check_shape(value, x)
            total = (value if jacobian is None else value + jacobian).sum()
            if not math.isfinite(total.detach()):
                self._refuse_infinite(value.detach(), x)
            if not value.requires_grad:
                self._check_flat(value, jacobian)
            return torch.autograd.grad(total, leaf)[0]

    def _check_shape(self, value: object, x: Tensor) -> None:
        if not isinstance(value, Tensor) or value.shape != x.shape[:-1]:
            came = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"{self.name}: log_prob must map x {list(x.shape)} to {list(x.shape[:-1])} by torch operations "
                f"on x, got {came}; sum over the last axis only, and give a value for each point"
            )

    def _refuse_infinite(self, value: Tensor, x: Tensor) -> None:
        bad = value.isfinite().logical_not()
        if bool(bad.any()):  # a sum of finite values may overflow
            first = [round(v, 4) for v in x[bad][0].tolist()[:4]]
            raise ValueError(
                f"{self.name}: log_prob is not finite at {int(bad.sum())} of {bad.numel()} particles, the first at "
                f"x = {first}; {ADVICE}"
            )

    def _check_flat(self, value: Tensor, jacobian: Tensor | None) -> None:
        """A density without a gradient is flat, which only a bounded support allows, or it has been detached."""
        if jacobian is None or (value.numel() and bool(value.min() != value.max())):
            raise ValueError(
                f"{self.name}: log_prob must depend on x by torch operations, got values without a gradient; do not "
                "detach, and leave numpy out; for a density that is flat on a support name that: "
                "targets.from_log_prob(f, support=...)"
            )

    @property
    def _box(self) -> Range | None:
        """Where moments are integrated."""
        return self.plot_range

    @cached_property
    def _moments(self) -> quadrature.Moments | None:
        if self.dim not in (1, 2) or (box := self._box) is None:
            return None
        found = quadrature.moments(self.log_prob, box, (4001,) if self.dim == 1 else (401, 401))
        # A range that cuts mass off, or holds a NaN, gives the moments of something else: better none.
        return found if found.border < 1e-6 and math.isfinite(found.log_z) else None

    @cached_property
    def mean(self) -> Float[Tensor, " d"] | None:  # type: ignore[override]  # a cached property can be assigned to
        return self._moments and self._moments.mean

    @cached_property
    def covariance(self) -> Float[Tensor, "d d"] | None:  # type: ignore[override]  # likewise
        return self._moments and self._moments.covariance


def from_log_prob(
    f: Callable[[Tensor], Tensor],
    *,
    support: Constraint | None = None,
    dim: int | None = None,
    plot_range: Range | None = None,
    name: str | None = None,
) -> FromLogProb:
    """A target whose score is the gradient of `f` by autograd, detached; works inside no_grad and inference_mode.

    `log_prob` is f, normalised only if f is. With a `support`, particles move in coordinates x of R^d that
    `torch.distributions.biject_to` maps onto it: everything, the target's `log_prob`, score, moments and plot range
    and the particles `State.x`, is in x, log |det J| included, and `constrain(x)` is the place y in the support that f
    sees. For an interval x is the logit of y, for positive numbers log y.

    Args:
        f: maps y [..., d] to log p up to a constant, [...], each value from its own point alone.
        support: where f is a density, one of `torch.distributions.constraints`: of single numbers (`positive`,
            `interval(0, 1)`; for every coordinate alike, or `stack([real, positive], -1)`), or of vectors and
            matrices: for a `simplex` of d + 1 parts x has d coordinates, for `corr_cholesky` of [D, D] D (D - 1)/2,
            for `lower_cholesky` and `positive_definite` D (D + 1)/2. Default: all of R^d.
        dim: d, of x; left out, any last axis is taken, and there are neither moments nor a plot range.
        plot_range: one pair (low, high) a dimension of x, default (-4, 4). With d = 1 or 2 the moments are those on
            this range, by quadrature, or None where the density at its border is over 1e-6 of its peak.
        name: for pictures; default the function's own.

    Raises:
        ValueError: no map leads onto the support.
    """
    if not callable(f):
        raise TypeError(f"f must be a function x [..., d] -> [...], got {type(f).__name__}; pass log_prob itself")
    box = plot_range or (None if dim is None else ((-4.0, 4.0),) * dim)
    return FromLogProb(f, dim, box, name or str(getattr(f, "__name__", "log_prob")), _onto(support))


def _onto(support: object) -> supports.Onto | None:
    if support is None:
        return None
    if not isinstance(support, Constraint):
        raise TypeError(
            f"support must be one of torch.distributions.constraints, got {type(support).__name__}; e.g. "
            "constraints.positive, or constraints.interval(0, 1)"
        )
    if supports.is_real(support):
        return None
    if supports.bijection(support).domain.event_dim > 1:
        raise ValueError(f"support must be of numbers, vectors or one matrix, got {support}; reshape inside f")
    return supports.Onto(lambda like: supports.bijection(supports.copied(support, like)))
