"""Copies of a distribution with other tensors: detached, for gradients only through the sample, or in float64."""

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.distributions import Distribution, Transform, constraints

D = TypeVar("D", bound=Distribution)
PLAIN = (bool, int, float, complex, str, type(None), torch.dtype, torch.device, constraints.Constraint)


def detach_parameters(distribution: object) -> Distribution:
    """Return the same distribution with detached parameters: log_prob(z) then has a gradient only in z.

    It copies the parts of the distribution too: Independent, TransformedDistribution with its transforms,
    MixtureSameFamily, and any torch distribution with parameters in tensors.

    Raises:
        TypeError: it is not a torch distribution, or has parameters in an object of another kind.
    """
    if not isinstance(distribution, Distribution):
        raise TypeError(
            f"the proposal must be a torch.distributions.Distribution, got {type(distribution).__name__}; "
            "wrap its parameters in one, such as Independent(Normal(mu, sigma), 1)"
        )
    return _copied(distribution, Tensor.detach, type(distribution).__name__, {})


def double(distribution: D) -> D:
    """Return the same distribution with float64 parameters, through which gradients flow to the original ones."""
    return _copied(distribution, _doubled, type(distribution).__name__, {})


def _doubled(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


def _copied(value: Any, change: Callable[[Tensor], Tensor], owner: str, made: dict[int, Any]) -> Any:
    """Return a changed copy; `made` has the copies so far, because a transform and its inverse refer to each other."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, PLAIN) or isinstance(value, torch.Size):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)([_copied(each, change, owner, made) for each in value])
    if isinstance(value, dict):
        return {key: _copied(each, change, owner, made) for key, each in value.items()}
    if isinstance(value, weakref.ref):
        return None  # older transforms refer to their inverse like this; the copy makes its own
    if not isinstance(value, (Distribution, Transform)):
        raise TypeError(
            f"cannot detach the parameters of {owner}: it contains a {type(value).__name__}; "
            "use a torch distribution whose parameters are tensors"
        )
    if id(value) not in made:
        made[id(value)] = copy = object.__new__(type(value))
        for key, each in vars(value).items():
            copy.__dict__[key] = _copied(each, change, type(value).__name__, made)
    return made[id(value)]
