"""This module makes targets from a function that returns log p."""

import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions.constraints import Constraint

from labkit import arrays
from labkit.targets import quadrature, supports
from labkit.targets.base import Range, Target

ADVICE = (
    "if the density is 0 outside a support, use targets.from_log_prob(f, support=...) with one of "
    "torch.distributions.constraints, such as positive; otherwise start closer to the mass, or use smaller steps"
)


class FromLogProb(Target):
    """The target that `from_log_prob` returns.

    Args:
        f: log p_y of the point y of x in the support.
        onto: the map x -> y; None if y = x.
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
            raise ValueError(f"plot_range must hold {dim} pairs (low, high), got {plot_range!r}; one per dimension")
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
        """Return f at a copy of its argument, so that f may write into it, and the log of the Jacobian."""
        if self.dim is not None:
            self._check(x)
        arrays.check_tensor(f"{self.name}: ", x)
        y, jacobian = (x, None) if self._onto is None else self._onto(x)
        try:
            return self._f(y.clone()), jacobian
        except ValueError as error:
            if not str(error).startswith("Expected value argument"):
                raise
            cause = str(error).split(", but found")[0]  # the rest of torch's message lists all values
            raise ValueError(f"{self.name}: log_prob rejected some of x {list(x.shape)}: {cause}; {ADVICE}") from None

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        value, jacobian = self._parts(x)
        return value if jacobian is None else value + jacobian

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        arrays.check_tensor(f"{self.name}: ", x)
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
                f"on x, got {came}; sum over the last axis only, and return one value per point"
            )

    def _refuse_infinite(self, value: Tensor, x: Tensor) -> None:
        bad = value.isfinite().logical_not()
        if bool(bad.any()):  # otherwise only the sum of finite values has overflowed
            first = [round(v, 4) for v in x[bad][0].tolist()[:4]]
            raise ValueError(
                f"{self.name}: log_prob is not finite at {int(bad.sum())} of {bad.numel()} particles, the first at "
                f"x = {first}; {ADVICE}"
            )

    def _check_flat(self, value: Tensor, jacobian: Tensor | None) -> None:
        """Raise ValueError for a log_prob without gradient, unless it is constant on a bounded support."""
        if jacobian is None or (value.numel() and bool(value.min() != value.max())):
            raise ValueError(
                f"{self.name}: log_prob must depend on x by torch operations, got values without a gradient; use no "
                "detach and no numpy. If the density is constant on a support, use "
                "targets.from_log_prob(f, support=...)"
            )

    @property
    def _box(self) -> Range | None:
        """The box on which moments are integrated."""
        return self.plot_range

    @cached_property
    def _moments(self) -> quadrature.Moments | None:
        if self.dim not in (1, 2) or (box := self._box) is None:
            return None
        found = quadrature.moments(self.log_prob, box, (4001,) if self.dim == 1 else (401, 401))
        # a range that cuts off mass, or contains a NaN, would give wrong moments, so give none
        return found if found.border < 1e-6 and math.isfinite(found.log_z) else None

    @cached_property
    def mean(self) -> Float[Tensor, " d"] | None:  # type: ignore[override]  # a cached property can be assigned
        return self._moments and self._moments.mean

    @cached_property
    def covariance(self) -> Float[Tensor, "d d"] | None:  # type: ignore[override]  # a cached property can be assigned
        return self._moments and self._moments.covariance


def from_log_prob(
    f: Callable[[Tensor], Tensor],
    *,
    support: Constraint | None = None,
    dim: int | None = None,
    plot_range: Range | None = None,
    name: str | None = None,
) -> FromLogProb:
    """Return a target whose score is the gradient of `f` by autograd, detached, even in no_grad and inference_mode.

    `log_prob` is f, normalised only if f is. With a `support`, particles move in coordinates x of R^d, which
    `torch.distributions.biject_to` maps onto it. Then `log_prob`, score, moments, plot range and `State.x` are in x,
    and log |det J| is included. `constrain(x)` is the point y in the support that f gets. For an interval x is the
    logit of y, for positive numbers log y.

    Args:
        f: maps y [..., d] to log p up to a constant, [...]; each value depends on its own point only.
        support: the support of the density, one of `torch.distributions.constraints`; default all of R^d. For numbers:
            `positive`, `interval(0, 1)` for all coordinates, or `stack([real, positive], -1)`. With vectors and
            matrices x has fewer coordinates. A `simplex` of d + 1 parts has d, `corr_cholesky` of [D, D] has
            D (D - 1)/2, `lower_cholesky` and `positive_definite` have D (D + 1)/2.
        dim: d, of x. Without it x may have any last axis, and there are no moments and no plot range.
        plot_range: one pair (low, high) per dimension of x, default (-4, 4). With d = 1 or 2 the moments are those on
            this range, by quadrature. They are `None` if the density at its border exceeds 1e-6 of its peak.
        name: for pictures; default the function's own.

    Raises:
        TypeError: f is not a function, or support is not a constraint.
        ValueError: no map leads onto the support.
    """
    if not callable(f):
        raise TypeError(f"f must be a function x [..., d] -> [...], got {type(f).__name__}; pass log_prob itself")
    box = plot_range or (None if dim is None else ((-4.0, 4.0),) * dim)
    return FromLogProb(f, dim, box, name or str(getattr(f, "__name__", "log_prob")), onto(support))


def onto(support: object) -> supports.Onto | None:
    """Return the map from R^d onto a support, None if that is all of R^d.

    Raises:
        TypeError: support is not a constraint.
        ValueError: no map leads onto it.
    """
    if support is None:
        return None
    if not isinstance(support, Constraint):
        raise TypeError(
            f"support must be one of torch.distributions.constraints, got {type(support).__name__}; use "
            "constraints.positive or constraints.interval(0, 1), for example"
        )
    if supports.is_real(support):
        return None
    if supports.bijection(support).domain.event_dim > 1:
        raise ValueError(f"support must be of numbers, vectors or one matrix, got {support}; reshape inside f")
    return supports.Onto(partial(supports.bijection_like, support))
