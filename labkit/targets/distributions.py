"""This module makes targets from `torch.distributions` objects."""

import math
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import (
    AffineTransform,
    Distribution,
    Independent,
    MixtureSameFamily,
    Transform,
    TransformedDistribution,
    VonMises,
    constraints,
    transforms,
)
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical, RelaxedOneHotCategorical

from labkit.targets import supports
from labkit.targets.base import Range
from labkit.targets.wrap import FromLogProb

DRAWS = 4096  # number of samples that determine a plot range


def _moments(d: Distribution) -> tuple[Tensor | None, Tensor | None]:
    """Return mean [..., d] and covariance [..., d, d] of each member of the batch, or None if torch has no formula."""
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
        independent, axes = isinstance(d, Independent) and not d.base_dist.event_shape, -len(d.event_shape)
        return d.mean.flatten(axes), torch.diag_embed(d.variance.flatten(axes)) if independent else None
    except NotImplementedError:
        return None, None


def _refuse(d: Distribution, whole: str) -> None:
    """Raise ValueError if d, or a distribution inside it, has no density on R^d with a gradient."""
    kind = type(d).__name__
    name = kind if kind == whole else f"{whole} of {kind}"
    if isinstance(d, VonMises):
        raise ValueError(
            f"{name} is a distribution on the circle; cut the circle open: "
            "targets.from_log_prob(lambda y: d.log_prob(y[..., 0]), "
            "dim=1, support=torch.distributions.constraints.interval(d.loc - math.pi, d.loc + math.pi))"
        )
    if isinstance(d, ExpRelaxedCategorical):
        raise ValueError(f"{name} is a distribution on a surface; use RelaxedOneHotCategorical on the simplex")
    if isinstance(d, Independent | TransformedDistribution) and not isinstance(d, RelaxedOneHotCategorical):
        _refuse(d.base_dist, whole)
    elif isinstance(d, MixtureSameFamily):
        _refuse(d.component_distribution, whole)
    elif _support(d).is_discrete:
        raise ValueError(f"{name} is discrete, but SVGD needs the gradient of log p; use a continuous distribution")


def _support(d: Distribution) -> constraints.Constraint:
    """Return torch's support; a user's class without a support gets all of R^d."""
    try:
        known = d.support
    except NotImplementedError:
        known = None
    return constraints.independent(constraints.real, len(d.event_shape)) if known is None else known


def _map(d: Distribution) -> Transform | None:
    """Return the map from R^d onto the support, or None if the support is all of R^d."""
    if isinstance(d, TransformedDistribution) and all(isinstance(t, AffineTransform) for t in d.transforms):
        # torch reports a real support for any base
        inner = _map(d.base_dist)
        return inner and transforms.ComposeTransform([inner, *d.transforms])
    support = _support(d)
    return None if supports.is_real(support) else supports.bijection(support)


class FromDistribution(FromLogProb):
    """The target that `from_distribution` returns."""

    def __init__(self, d: Distribution):
        name, self.distribution = type(d).__name__, d
        if d.batch_shape:
            raise ValueError(
                f"a target must be one distribution over numbers, vectors or matrices, got {name} with batch "
                f"{list(d.batch_shape)} and event {list(d.event_shape)}; wrap a batch in "
                "torch.distributions.Independent(d, 1)"
            )
        _refuse(d, name)
        found = _map(d)
        self._copies: dict[tuple[torch.dtype, torch.device], Distribution] = {}
        shape = tuple(d.event_shape) if found is None else tuple(found.inverse_shape(d.event_shape))
        dim = math.prod(shape)
        if not dim:
            raise ValueError(f"{name} with event {list(d.event_shape)} is a single point; use a larger event")
        onto = None
        if found is not None:
            onto = supports.Onto(self._map_like, shape if len(shape) > 1 else None)
        super().__init__(self._log_prob, dim, None if onto else self._take_moments(dim), name.lower(), onto)

    def _take_moments(self, dim: int) -> Range:
        """Set torch's moments and return the range of four standard deviations around the mean."""
        found = [m if m is None or torch.isfinite(m).all() else None for m in _moments(self.distribution)]
        self.mean, self.covariance = (m if m is None else m.detach().double().cpu() for m in found)
        if self.mean is None or self.covariance is None:
            return ((-4.0, 4.0),) * dim
        sd = self.covariance.diagonal().sqrt()
        return tuple(zip((self.mean - 4 * sd).tolist(), (self.mean + 4 * sd).tolist(), strict=True))

    def _copy(self, like: Tensor) -> Distribution:
        key = (like.dtype, like.device)
        if key not in self._copies:
            with torch.inference_mode(False):
                self._copies[key] = supports.copied(self.distribution, like)
        return self._copies[key]

    def _map_like(self, x: Tensor) -> Transform:
        """Return the map onto the support, in the dtype and on the device of x."""
        return _map(self._copy(x)) or transforms.identity_transform

    def _log_prob(self, y: Tensor) -> Tensor:
        d, bounded = self.distribution, self._onto is not None
        if not d.event_shape:
            y = y.squeeze(-1)
        elif not bounded and len(d.event_shape) > 1:
            y = y.unflatten(-1, d.event_shape)
        first = self._copy(y) if bounded or (y.dtype, y.device) in self._copies else d
        try:
            return first.log_prob(y)
        except NotImplementedError:
            raise ValueError(
                f"{self.name}: torch cannot compute log_prob: a transform has no inverse; use another"
            ) from None
        except RuntimeError:
            # parameters have another dtype or device than x, or torch's formula is for float32 (GeneralizedPareto)
            y = y.float() if bounded else y
            return self._copy(y).log_prob(y)

    def constrain(self, x: Float[Tensor, "*batch d"]) -> Tensor:
        if self._onto is None and len(self.distribution.event_shape) > 1:
            return x.unflatten(-1, self.distribution.event_shape)
        return super().constrain(x)

    def unconstrain(self, y: Tensor) -> Float[Tensor, "*batch d"]:
        if self._onto is None and len(self.distribution.event_shape) > 1:
            return y.flatten(-len(self.distribution.event_shape))
        return super().unconstrain(y)

    @cached_property
    def plot_range(self) -> Range:  # type: ignore[override]  # a cached property can be assigned
        """The plot range in x for a bounded support: nearly all of many samples, and a tenth more on each side."""
        x = self.sample(DRAWS, torch.Generator().manual_seed(0))
        low, high = x.quantile(torch.tensor([0.001, 0.999], dtype=x.dtype, device=x.device), 0)
        more = (high - low) / 10
        return tuple(zip((low - more).tolist(), (high + more).tolist(), strict=True))

    @property
    def _box(self) -> Range:
        """Four times the plot range, because coordinates of a bounded support have exponential tails."""
        return tuple((low - 1.5 * (high - low), high + 1.5 * (high - low)) for low, high in self.plot_range)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Return n samples, float64.

        torch's distributions accept no generator. So this seeds the global CPU generator from it and restores it
        afterwards. Equal seeds give equal samples only if the distribution is on the CPU.
        """
        kept = torch.default_generator.get_state()
        try:
            torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            drawn = self.distribution.sample((n,)).double()
        finally:
            torch.default_generator.set_state(kept)
        return self.unconstrain(drawn if self.distribution.event_shape else drawn[:, None])


def from_distribution(d: Distribution) -> FromDistribution:
    """Return a target for a continuous `torch.distributions` object; a scalar one has d = 1, a vector one its length.

    If the support is bounded (Gamma, Dirichlet, Wishart, ...), particles move in unconstrained coordinates x of R^d, as
    in `from_log_prob(f, support=...)`. Then log_prob, score, moments, plot range and `State.x` are in x, and log |det
    J| is included. Convert particles to points of the support with

        target.constrain(state.x)      # [n, 1] for a scalar, [n, *event_shape] for vectors and matrices

    and points y of the support to particles with `target.unconstrain(y)`. The number d counts free coordinates: a
    Dirichlet of three parts has 2, a 4 x 4 Wishart 10. The axes of other events are flattened to one. Moments of y are
    sensitive to the tails of x, and steps of 0.1 change them by several percent. So end a run with small steps
    (`Adagrad(0.01)`).

    On all of R^d, x is y. Then mean and covariance are torch's if it has formulae, otherwise `None`. On a bounded
    support with d = 1 or 2 they come from quadrature, otherwise they are `None`.

    Raises:
        TypeError: d is not a `torch.distributions` object.
        ValueError: d is discrete or a batch, or has a support that no map reaches; the message says which.
    """
    if not isinstance(d, Distribution):
        raise TypeError(f"d must be a torch.distributions object, got {type(d).__name__}; see targets.from_log_prob")
    return FromDistribution(d)
