"""This module finds out whether the support of a distribution moves with its parameters.

Most estimators rely on E_q[d/dphi log q] = 0, which holds if the support is fixed. For q = Uniform(a, b) the score in b
is -1/(b - a) everywhere.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, Transform, TransformedDistribution
from torch.distributions.constraints import Constraint, real
from torch.distributions.transforms import CatTransform, ComposeTransform, IndependentTransform, StackTransform

from labkit.private.torch import contents

Ends = tuple[Tensor, Tensor]  # ends of an interval, which may be infinite

LINE = torch.tensor(-math.inf), torch.tensor(math.inf)


class MovingError(Exception):
    """An edge of the support depends on a parameter that needs a gradient."""


def moves(q: Distribution) -> bool:
    """Return whether the support of q depends on a parameter that needs a gradient.

    The `support` of a distribution shows this, except for one made of transforms. There the ends of the base's support
    go through each transform. A transform of vectors with such parameters moves every support except the whole space,
    unless it maps its whole domain onto its codomain.
    """
    try:
        _ends(q)
    except MovingError:
        return True
    return False


def _ends(q: Distribution) -> Ends | None:
    """Return the ends of the support of every coordinate; `None` for a support of vectors, such as a simplex."""
    if isinstance(q, Independent):
        return _ends(q.base_dist)
    if isinstance(q, MixtureSameFamily):
        return _ends(q.component_distribution)
    if not isinstance(q, TransformedDistribution) or _says_its_support(q):
        return _declared(q)
    ends = _ends(q.base_dist)
    for transform in _parts(q.transforms):
        ends = _image(transform, ends)
    return ends


def _says_its_support(q: TransformedDistribution) -> bool:
    """Return whether its class has its own support.

    That of TransformedDistribution uses only the last transform.
    """
    first = next(kind for kind in type(q).__mro__ if "support" in vars(kind))
    return first is not TransformedDistribution


def _declared(q: Distribution) -> Ends | None:
    try:
        return _of(q.support)
    except NotImplementedError:  # a user's distribution that has no support
        return None


def _of(support: Any) -> Ends | None:
    if any(each.requires_grad for each in _tensors(support, set())):
        raise MovingError
    while (inner := getattr(support, "base_constraint", None)) is not None:
        support = inner
    low, high = (getattr(support, name, None) for name in ("lower_bound", "upper_bound"))
    if support is not real and low is None and high is None:
        return None
    ends = [end if bound is None else torch.as_tensor(bound) for bound, end in zip((low, high), LINE, strict=True)]
    return ends[0], ends[1]


def _parts(transforms: list[Transform]) -> Iterator[Transform]:
    for transform in transforms:
        while isinstance(transform, IndependentTransform):
            transform = transform.base_transform
        yield from _parts(transform.parts) if isinstance(transform, ComposeTransform) else (transform,)


def _image(transform: Transform, ends: Ends | None) -> Ends | None:
    """Return the ends of the image of a support."""
    if _same(ends, _of(transform.domain)):
        return _of(transform.codomain)
    of_vectors = transform.domain.event_dim or transform.codomain.event_dim
    parameters = [each for each in _tensors(transform, set()) if each.requires_grad]
    if ends is not None and not of_vectors and not isinstance(transform, (CatTransform, StackTransform)):
        return _pushed(transform, ends[0], parameters), _pushed(transform, ends[1], parameters)
    if parameters and not _same(ends, LINE):
        raise MovingError
    return _of(transform.codomain)


def _pushed(transform: Transform, end: Tensor, parameters: list[Tensor]) -> Tensor:
    """Return the image of an end; it moves if its derivative in a parameter is not 0. Infinity does not move."""
    with torch.enable_grad():
        image = transform(end)
        here = torch.where(image.isfinite(), image, 0).sum()
    if here.requires_grad:
        slopes = torch.autograd.grad(here, parameters, retain_graph=True, allow_unused=True)
        if any(each is not None and bool(each.nan_to_num(0).any()) for each in slopes):
            raise MovingError
    return image.detach()


def _same(ends: Ends | None, others: Ends | None) -> bool:
    if ends is None or others is None:
        return False
    return all(bool((a == b).all()) for a, b in zip(ends, others, strict=True))


def _tensors(value: Any, seen: set[int]) -> Iterator[Tensor]:
    """Yield all tensors in a constraint or a transform; a transform and its inverse refer to each other."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each, seen)
    elif isinstance(value, (Constraint, Transform)) and id(value) not in seen:
        seen.add(id(value))
        for each in contents(value):
            yield from _tensors(each, seen)
