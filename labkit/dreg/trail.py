"""Samples of a distribution keep their origin, so that log q needs no numerical inverse.

A TransformedDistribution samples x, returns z = T(x), and finds log q(z) by inverting T. Where T is flat, rounding
destroys the inverse: tanh(9) is 1 in float32, and the inverse of 1 is infinite. Here x is kept. As a function of z and
of the parameters of T it still is the inverse, by the derivative of an inverse function:

    dx = (dz - dT at x held constant) / T'(x)                                                                   (1)

Transforms are computed in float64 for every dtype, because T itself may cancel (1 - x^5). z has the values of the
distribution's own transforms. A transform of vectors is inverted as in torch.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Transform, TransformedDistribution
from torch.distributions.transforms import IndependentTransform

from labkit.dreg.detach import double


class Trail(NamedTuple):
    """Samples z of a distribution, which move with its parameters; start: those of its base, or None without a base.

    A distribution with its own `rsample` or `log_prob` counts as one without a base.
    """

    z: Tensor
    start: "Trail | None" = None


def draw(q: Distribution, k: int) -> Trail:
    """Return k samples of q, by `rsample` if it has one."""
    with torch.set_grad_enabled(q.has_rsample and torch.is_grad_enabled()):
        return _drawn(q, torch.Size([k]))


def log_prob(q: Distribution, trail: Trail, z: Tensor) -> Tensor:
    """Return log q(z), where z has the values of the trail and may be a leaf; q may be a copy with other parameters."""
    return q.log_prob(z) if trail.start is None else _log_prob(double(q), trail, z.double()).to(z.dtype)


def _drawn(q: Distribution, shape: torch.Size) -> Trail:
    if type(q) is Independent:
        return _drawn(q.base_dist, shape)
    if not _is_plain(q):
        return Trail(q.rsample(shape) if q.has_rsample else q.sample(shape))
    start = _drawn(q.base_dist, shape)
    with torch.no_grad():
        z = _last(q.transforms, start.z)
    exact = start.z.double()
    for transform in double(q).transforms:
        exact = _forward(transform, exact)
    return Trail(z + (exact - exact.detach()).to(z.dtype), start)


def _last(transforms: Iterable[Transform], x: Tensor) -> Tensor:
    for transform in transforms:
        x = transform(x)
    return x


def _log_prob(q: Distribution, trail: Trail, z: Tensor) -> Tensor:
    if type(q) is Independent:
        return _summed(_log_prob(q.base_dist, trail, z), q.reinterpreted_batch_ndims)
    if trail.start is None or not isinstance(q, TransformedDistribution):
        return q.log_prob(z)
    with torch.no_grad():
        known = [trail.start.z.detach().double()]
        for transform in q.transforms[:-1]:
            known.append(transform(known[-1]))
    event = len(q.event_shape)  # from here on as in torch.distributions
    total: Tensor | float = 0.0
    for transform, x in zip(reversed(q.transforms), reversed(known), strict=True):
        x = _inverse(transform, x, z)
        event += transform.domain.event_dim - transform.codomain.event_dim
        total = total - _summed(transform.log_abs_det_jacobian(x, z), event - transform.domain.event_dim)
        z = x
    return total + _summed(_log_prob(q.base_dist, trail.start, z), event - len(q.base_dist.event_shape))


def _is_plain(q: Distribution) -> TypeGuard[TransformedDistribution]:
    """Return whether it samples and evaluates as TransformedDistribution does."""
    if not isinstance(q, TransformedDistribution) or not q.transforms:
        return False
    return all(getattr(type(q), name) is getattr(TransformedDistribution, name) for name in ("rsample", "log_prob"))


def _forward(transform: Transform, x: Tensor) -> Tensor:
    """Return T(x) with T' of (1) as its derivative.

    Where tanh is flat, autograd's 1 - tanh^2 is only rounding error.
    """
    z = transform(x.detach())
    slope = _slope(transform, x.detach(), z.detach())
    return transform(x) if slope is None else z + slope * (x - x.detach())


def _inverse(transform: Transform, x: Tensor, z: Tensor) -> Tensor:
    """Return (1): x as a function of z and of the transform's parameters."""
    slope = _slope(transform, x, z.detach())
    if slope is None:
        return transform.inv(z)
    gap = z - transform(x)
    return x + (gap - gap.detach()) / slope


@torch.no_grad()
def _slope(transform: Transform, x: Tensor, z: Tensor) -> Tensor | None:
    """Return T'(x) of a transform of single numbers; `None` for any other, or if T' is 0 or infinite."""
    while isinstance(transform, IndependentTransform):
        transform = transform.base_transform
    if not transform.bijective or transform.domain.event_dim or transform.codomain.event_dim:
        return None
    try:
        slope = transform.sign * transform.log_abs_det_jacobian(x, z).exp()
    except NotImplementedError:  # a transform without a sign
        return None
    return slope if bool((slope.isfinite() & (slope != 0)).all()) else None


def _summed(x: Tensor, dims: int) -> Tensor:
    return x.flatten(-dims).sum(-1) if dims else x
