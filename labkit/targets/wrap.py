"""Targets made from what a reader has: a function that gives log p, or a `torch.distributions` object."""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily

from labkit.targets import quadrature
from labkit.targets.base import Range, Target


class FromLogProb(Target):
    """See `from_log_prob`."""

    def __init__(self, f: Callable, dim: int | None, plot_range: Range | None, name: str):
        box = plot_range or (None if dim is None else ((-4.0, 4.0),) * dim)
        if dim is not None and len(box) != dim:
            raise ValueError(f"plot_range must hold {dim} pairs (low, high), got {plot_range!r}; give one a dimension")
        super().__init__(name, dim, box, () if dim is None else None)
        self._f = f

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        if self.dim is not None:
            self._check(x)
        return self._f(x)

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        if self.dim is not None:
            self._check(x)
        with torch.inference_mode(False), torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()  # the clone: x may have been made in inference mode
            value = self._f(leaf)
            if not isinstance(value, Tensor) or value.shape != x.shape[:-1] or not value.requires_grad:
                came = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(
                    f"{self.name}: log_prob must map x {list(x.shape)} to {list(x.shape[:-1])} by torch operations "
                    f"on x, got {came}; sum over the last axis only and do not detach"
                )
            return torch.autograd.grad(value.sum(), leaf)[0]

    @cached_property
    def _moments(self) -> quadrature.Moments | None:
        if self.dim not in (1, 2):
            return None
        found = quadrature.moments(self.log_prob, self.plot_range, (4001,) if self.dim == 1 else (401, 401))
        # A range that cuts mass off, or holds a NaN, gives the moments of something else: better none.
        return found if found.border < 1e-6 and math.isfinite(found.log_z) else None

    @cached_property
    def mean(self) -> Float[Tensor, " d"] | None:
        return self._moments and self._moments.mean

    @cached_property
    def covariance(self) -> Float[Tensor, "d d"] | None:
        return self._moments and self._moments.covariance


def from_log_prob(
    f: Callable, *, dim: int | None = None, plot_range: Range | None = None, name: str | None = None
) -> FromLogProb:
    """A target whose score is the gradient of `f` by autograd, detached; works inside no_grad and inference_mode.

    `log_prob` is f, normalised only if f is.

    Args:
        f: maps x [..., d] to log p up to a constant, [...], each value from its own point alone.
        dim: d; left out, any last axis is taken, and there are neither moments nor a plot range.
        plot_range: one pair (low, high) a dimension, default (-4, 4). With d = 1 or 2 the moments are those on this
            range, by quadrature, or None where the density at its border is over 1e-6 of its peak.
        name: for pictures; default the function's own.
    """
    if not callable(f):
        raise TypeError(f"f must be a function x [..., d] -> [...], got {type(f).__name__}; pass log_prob itself")
    return FromLogProb(f, dim, plot_range, name or getattr(f, "__name__", "log_prob"))


def _moments(d: Distribution) -> tuple[Tensor | None, Tensor | None]:
    """Mean [..., d] and covariance [..., d, d] of each member of the batch, None where torch has no formula."""
    try:
        if isinstance(d, MixtureSameFamily):
            m, c = _moments(d.component_distribution)
            w = d.mixture_distribution.probs
            if m is None or c is None:
                return None, None
            mean = (w[..., None] * m).sum(-2)
            gap = m - mean[..., None, :]
            return mean, (w[..., None, None] * (c + gap[..., :, None] * gap[..., None, :])).sum(-3)
        if not d.event_shape:
            return d.mean[..., None], d.variance[..., None, None]
        if hasattr(d, "covariance_matrix"):
            return d.mean, d.covariance_matrix
        independent = isinstance(d, Independent) and not d.base_dist.event_shape
        return d.mean, torch.diag_embed(d.variance) if independent else None
    except NotImplementedError:
        return None, None


class FromDistribution(FromLogProb):
    """See `from_distribution`."""

    def __init__(self, d: Distribution):
        if d.batch_shape or len(d.event_shape) > 1:
            raise ValueError(
                f"a target is one distribution over numbers or vectors, got batch {list(d.batch_shape)} and event "
                f"{list(d.event_shape)}; wrap a batch in torch.distributions.Independent(d, 1)"
            )
        self.distribution = d
        scalar = not d.event_shape
        found = [None if m is None or not torch.isfinite(m).all() else m.detach().double().cpu() for m in _moments(d)]
        self.mean, self.covariance = found
        dim, box = 1 if scalar else d.event_shape[0], None
        if all(m is not None for m in found):
            sd = self.covariance.diagonal().sqrt()
            box = tuple(zip((self.mean - 4 * sd).tolist(), (self.mean + 4 * sd).tolist(), strict=True))
        f = (lambda x: d.log_prob(x.squeeze(-1))) if scalar else d.log_prob
        super().__init__(f, dim, box, type(d).__name__.lower())

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """n draws, float64. torch's distributions take no generator: the global CPU one is seeded from it and restored.

        The distribution must stand on the CPU for equal seeds to give equal draws.
        """
        kept = torch.default_generator.get_state()
        try:
            torch.default_generator.manual_seed(torch.randint(2**62, (), generator=generator).item())
            return self.distribution.sample((n,)).reshape(n, self.dim).double()
        finally:
            torch.default_generator.set_state(kept)


def from_distribution(d: Distribution) -> FromDistribution:
    """A target from a `torch.distributions` object: a scalar one has d = 1, one over vectors d = their length.

    Mean and covariance are torch's where it has formulae (any family, Independent, MixtureSameFamily), else None.
    """
    return FromDistribution(d)
