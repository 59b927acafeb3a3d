"""Supports: maps from R^d onto the support of a density, with the log of their Jacobian determinant.

A method moves particles in R^d. If y has a bounded support, they move in x with y = T(x), whose density is

    log p(x) = log p_y(T(x)) + log |det dT/dx|.                                                                  (1)

T is `torch.distributions.biject_to(support)`. This module adds the maps onto Cholesky factors and covariances, which
torch does not have.
"""

import copy
import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Transform, biject_to, constraints, transforms
from torch.distributions.constraints import Constraint

from labkit import arrays
from labkit.private.torch import switch_checks_off

Shape = tuple[int, ...]
End = float | int | Tensor


class Inside(Transform):
    """A map to y, or to the nearest number inside the open support, because exp and sigmoid round to its ends."""

    domain = codomain = constraints.real
    bijective = True

    def __init__(self, low: End | None, high: End | None):
        super().__init__()
        self.low, self.high = low, high

    def _call(self, x: Tensor) -> Tensor:
        x = x if self.low is None else x.clamp(min=self.low + _gap(self.low, x.dtype))
        return x if self.high is None else x.clamp(max=self.high - _gap(self.high, x.dtype))

    _inverse = _call

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(x)


def _gap(end: End, dtype: torch.dtype) -> End:
    """Return the distance from the end of an interval to the next number inside."""
    info = torch.finfo(dtype)
    return (
        (end.abs() * info.eps).clamp(min=info.tiny) if isinstance(end, Tensor) else max(abs(end) * info.eps, info.tiny)
    )


def _triangle(d: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tril_indices(d, d, device=device)
    return rows, columns


class Cholesky(Transform):
    """The map from D (D + 1)/2 numbers onto lower triangular [D, D], whose diagonal is the exp of its numbers."""

    domain, codomain, bijective = constraints.real_vector, constraints.lower_cholesky, True

    def _call(self, x: Tensor) -> Tensor:
        d = self.forward_shape(x.shape)[-1]
        rows, columns = _triangle(d, x.device)
        full = x.new_zeros(*x.shape[:-1], d, d)
        full[..., rows, columns] = x
        return full.tril(-1) + torch.diag_embed(full.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Tensor) -> Tensor:
        full = y.tril(-1) + torch.diag_embed(y.diagonal(dim1=-2, dim2=-1).log())
        rows, columns = _triangle(y.shape[-1], y.device)
        return full[..., rows, columns]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return y.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def forward_shape(self, shape: Shape) -> Shape:
        d = (math.isqrt(8 * shape[-1] + 1) - 1) // 2
        if d * (d + 1) // 2 != shape[-1]:
            raise ValueError(f"a triangle has 1, 3, 6, 10, ... numbers, got x of {shape[-1]}; give D (D + 1)/2")
        return (*shape[:-1], d, d)

    def inverse_shape(self, shape: Shape) -> Shape:
        return (*shape[:-2], shape[-1] * (shape[-1] + 1) // 2)


class Gram(Transform):
    """The map L -> L L'; with respect to the lower triangle, det J = 2^D Π_i L_ii^(D + 1 - i), i = 1..D."""

    domain, codomain, bijective = constraints.lower_cholesky, constraints.positive_definite, True

    def _call(self, x: Tensor) -> Tensor:
        return x @ x.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.linalg.cholesky(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        d = x.shape[-1]
        powers = torch.arange(d, 0, -1, dtype=x.dtype, device=x.device)
        return d * math.log(2) + (x.diagonal(dim1=-2, dim2=-1).log() * powers).sum(-1)


def is_real(constraint: Constraint) -> bool:
    """Return whether the support is all of R^d."""
    base = getattr(constraint, "base_constraint", None)  # independent constraints and mixtures have one
    return isinstance(constraint, type(constraints.real)) if base is None else is_real(base)


def bijection(constraint: Constraint) -> Transform:
    """Return the map T from R^d onto a support.

    Raises:
        ValueError: the support is discrete, has no map, or differs between the modes of a mixture.
    """
    if constraints.is_dependent(constraint):
        raise ValueError(f"{constraint} depends on parameters; use the support of an object: d.support")
    if constraint.is_discrete:
        raise ValueError(f"a support must be continuous, got {constraint}; SVGD needs a gradient, so choose another")
    if isinstance(constraint, constraints.MixtureSameFamilyConstraint):
        return bijection(_shared(constraint.base_constraint))
    if isinstance(constraint, constraints.independent):
        base = bijection(constraint.base_constraint)
        return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)
    if isinstance(constraint, constraints.cat | constraints.stack):
        return _joined(constraint)
    if isinstance(constraint, type(constraints.lower_cholesky)):
        return Cholesky()
    if isinstance(constraint, type(constraints.positive_definite) | type(constraints.positive_semidefinite)):
        return transforms.ComposeTransform([Cholesky(), Gram()])
    low, high = getattr(constraint, "lower_bound", None), getattr(constraint, "upper_bound", None)
    if None not in (low, high) and bool(torch.isinf(torch.as_tensor(high)).all()):
        return bijection(constraints.greater_than(low))  # an interval whose upper end is infinite
    try:
        made = biject_to(constraint)
    except NotImplementedError:
        raise ValueError(
            f"there is no map from R^d onto the support {constraint}; use a constraint that torch's biject_to knows, "
            "or write the log-density in unconstrained coordinates"
        ) from None
    return made if low is high is None else transforms.ComposeTransform([made, Inside(low, high)])


def bijection_like(constraint: Constraint, like: Tensor) -> Transform:
    """Return the map onto a support for tensors of the dtype and device of `like`."""
    return bijection(copied(constraint, like))


def _joined(constraint: constraints.cat | constraints.stack) -> Transform:
    """Return the map of `constraints.cat` and `constraints.stack`, which have one support per coordinate."""
    if any(part.event_dim for part in constraint.cseq):
        raise ValueError(f"{constraint} must join supports of single numbers; write maps for vectors by hand")
    if constraint.dim != -1:
        raise ValueError(f"a support must join coordinates on the last axis, got dim = {constraint.dim}; give dim=-1")
    parts = [bijection(part) for part in constraint.cseq]
    if isinstance(constraint, constraints.stack):
        return transforms.StackTransform(parts, constraint.dim)
    return transforms.CatTransform(parts, constraint.dim, constraint.lengths)


def _shared(constraint: Constraint) -> Constraint:
    """Return the support that all modes of a mixture share; the modes are on the axis before that of the event."""
    if isinstance(constraint, constraints.independent):
        base = _shared_ends(constraint.base_constraint, constraint.event_dim)
        return constraints.independent(base, constraint.reinterpreted_batch_ndims)
    return _shared_ends(constraint, constraint.event_dim)


def _shared_ends(constraint: Constraint, event_dim: int) -> Constraint:
    made = copy.copy(constraint)
    for name in ("lower_bound", "upper_bound"):
        ends = getattr(constraint, name, None)
        if isinstance(ends, Tensor) and ends.ndim > event_dim:
            first = ends.select(-1 - event_dim, 0)
            if not bool((ends == first.unsqueeze(-1 - event_dim)).all()):
                raise ValueError(
                    f"the modes of a mixture must have one support, got {constraint}; give them equal ends"
                )
            setattr(made, name, first)
    return made


def copied(thing: Any, like: Tensor, made: dict[int, Any] | None = None) -> Any:
    """Return a distribution, transform or constraint with its tensors in the dtype and on the device of `like`.

    The copy of a distribution does not validate, because rounding may move a mapped point out of the support.

    Args:
        made: the copies so far, because a transform and its inverse refer to each other.
    """
    made = {} if made is None else made
    if isinstance(thing, Tensor):
        return thing.to(like) if thing.is_floating_point() else thing.to(like.device)
    if type(thing) in (list, tuple):
        return type(thing)(copied(part, like, made) for part in thing)
    if isinstance(thing, weakref.ref):  # an inverse in older versions of torch, which it makes again
        return None
    if not isinstance(thing, Distribution | Transform | Constraint):
        return thing
    if id(thing) not in made:
        new = made[id(thing)] = copy.copy(thing)
        new.__dict__.update({name: copied(part, like, made) for name, part in vars(thing).items()})
        if isinstance(new, Distribution):
            switch_checks_off(new)
    return made[id(thing)]


class Onto:
    """The map from x [..., d] in R^d onto a support, and back.

    Args:
        make: returns the map T for tensors like x; called once per dtype and device.
        shape: the shape that T needs if it is not a vector; x is reshaped to it.
    """

    def __init__(self, make: Callable[[Tensor], Transform], shape: Shape | None = None):
        self._make, self._shape = make, shape
        self._maps: dict[tuple[torch.dtype, torch.device], Transform] = {}

    def _map(self, like: Tensor) -> Transform:
        arrays.check_tensor("", like, "points")
        key = (like.dtype, like.device)
        if key not in self._maps:
            with torch.inference_mode(False):  # autograd must be able to use its constants later
                self._maps[key] = self._make(like)
        return self._maps[key]

    def __call__(self, x: Float[Tensor, "*batch d"]) -> tuple[Tensor, Float[Tensor, "*batch"]]:
        """Return T(x) and log |det dT/dx|."""
        to = self._map(x)
        u = x if self._shape is None else x.unflatten(-1, self._shape)
        y = to(u)
        jacobian = to.log_abs_det_jacobian(u, y)
        return y, jacobian if jacobian.ndim < x.ndim else jacobian.flatten(x.ndim - 1).sum(-1)

    def inverse(self, y: Tensor) -> Float[Tensor, "*batch d"]:
        """Return the x with T(x) = y."""
        u = self._map(y).inv(y)
        return u if self._shape is None else u.flatten(-len(self._shape))
