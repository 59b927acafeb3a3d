"""A run of SVGD on a user's own target and particles, with a target that a picture can draw."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from labkit import svgd, targets
from labkit.svgd import Kernel
from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.checks import Particles, as_particles
from labkit.svgd.optimizers import Optimizer
from labkit.svgd.registry import kernel_of, optimizer_of
from labkit.targets import Minibatch, Target, as_score, quadrature
from labkit.targets.base import Range
from labkit.targets.scores import Score, Scored

PARTS = 4001  # points on a line from which a density is normalised
WIDER = 2.0  # times the picture on each side, for the part of the density outside it
ROOM = 0.25  # space around the first particles, as a fraction of their width


class WatchedRun:
    """A run of SVGD from x0: `start()` and `step(state)` always give the same states, also with a generator.

    Args:
        target: as in `svgd.flow`.
        x0: particles (n, d), or a state from which the run continues.
        box: one pair (low, high) per dimension for the picture; by default it holds the target and the first particles.
        kernel, bandwidth, optimizer, generator: as in `svgd.flow`.

    Raises:
        TypeError, ValueError: as `svgd.flow`; or x0 has several runs.
    """

    def __init__(
        self,
        target: Scored,
        x0: Particles | svgd.State,
        *,
        box: Range | None = None,
        kernel: Kernel | str = "rbf",
        bandwidth: Bandwidth = "median",
        optimizer: Optimizer | str = "adagrad",
        generator: torch.Generator | None = None,
    ):
        self._first = x0 if isinstance(x0, svgd.State) else as_particles(x0).detach().clone()
        x = self.particles()
        if x.ndim != 2:
            raise ValueError(f"a live view shows one run (n, d), got {tuple(x.shape)}; give one of them, such as x0[0]")
        self._score, self._optimizer = as_score(target), optimizer_of(optimizer)
        self._how: dict[str, Any] = {"kernel": kernel_of(kernel), "bandwidth": bandwidth, "generator": generator}
        self._generator, self._seed = generator, None if generator is None else generator.get_state()
        self._target = pictured(target, self._score, x, box)
        self.box = self._target.plot_range

    def particles(self) -> Tensor:
        """Return the first particles."""
        return self._first.x if isinstance(self._first, svgd.State) else self._first

    def density(self) -> Target:
        """Return the target as the picture draws it."""
        return self._target

    def start(self) -> svgd.State:
        """Return the first state."""
        if self._generator is not None and self._seed is not None:
            self._generator.set_state(self._seed)
        return next(svgd.flow(self._score, self._first, **self._how))

    def step(self, state: svgd.State) -> svgd.State:
        """Return the state one step later."""
        return svgd.step(state, self._score, optimizer=self._optimizer, **self._how)


class Pictured(Target):
    """A target as a picture draws it: with a plot range and, on a line, a normalised density.

    Args:
        of: the known target; None if only the score is known.
        x: the first particles (n, d). The density is computed in their dtype and on their device.
    """

    def __init__(self, of: Target | None, score: Score, x: Tensor, box: Range):
        dim = x.shape[-1]
        labels = of.labels if of is not None and len(of.labels) == dim else None
        super().__init__("target" if of is None else of.name, dim, box, labels)
        self._score = score
        if of is not None:
            self.mean, self.covariance = _moments(of, x)
        self._log_density = _density(of, score, x, box)
        self.has_density = self._log_density is not None

    def score(self, x: Tensor) -> Tensor:
        return self._score(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x), [...], for x [..., d].

        Raises:
            ValueError: only the score is known, in more than one dimension, or no grid can be computed.
        """
        if self._log_density is None:
            raise ValueError(f"{self.name}: only the score is known, not the density; use targets.from_log_prob(f)")
        return self._log_density(x)


def _like(x: Tensor, f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return f for points of any dtype: it gets them as particles like x (n, d), and its values become float64."""

    def wrapped(points: Tensor) -> Tensor:
        values = quadrature.in_parts(f, points.detach().reshape(-1, points.shape[-1]).to(x))
        return values.detach().cpu().double().reshape(*points.shape[:-1], *values.shape[1:])

    return wrapped


def _moments(of: Target, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return mean and covariance of a target, None if they are not known."""
    like = targets.from_log_prob(_like(x, of.log_prob), dim=of.dim, plot_range=of.plot_range, name=of.name)
    for each in (of, like):  # some log-densities accept only the dtype and the device of the particles
        try:
            return each.mean, each.covariance
        except Exception:
            continue
    return None, None


def _density(of: Target | None, score: Score, x: Tensor, box: Range) -> Callable[[Tensor], Tensor] | None:
    """Return the log-density, normalised on a line; None if it is not known, or cannot be computed on a grid."""
    try:
        if x.shape[-1] == 1:
            return _of_score(_like(x, score), box) if of is None else _normalised(_like(x, of.log_prob), box)
        if of is not None:
            found = _like(x, of.log_prob)
            found(x[:2])
            return found
    except Exception:  # it is for the picture only; the run does not need it
        pass
    return None


def _normalised(known: Callable[[Tensor], Tensor], box: Range) -> Callable[[Tensor], Tensor]:
    """Return a log-density on a line, normalised."""
    ((low, high),) = box
    more = WIDER * (high - low)
    log_z = quadrature.moments(known, ((low - more, high + more),), (PARTS,)).log_z
    return lambda x: known(x) - log_z


def _of_score(score: Score, box: Range) -> Callable[[Tensor], Tensor]:
    """Return the normalised log-density on a line that is the integral of the score over the box."""
    grid = torch.linspace(*box[0], PARTS, dtype=torch.float64)
    slope, width = score(grid[:, None])[:, 0], float(grid[1] - grid[0])
    log_p = torch.cat([slope.new_zeros(1), torch.cumulative_trapezoid(slope, dx=width)])
    log_p = log_p - torch.logsumexp(log_p, 0) - math.log(width)

    def interpolated(x: Tensor) -> Tensor:
        place = ((x[..., 0].double() - grid[0]) / width).clamp(0, PARTS - 1)
        left = place.long().clamp(max=PARTS - 2)
        return torch.lerp(log_p[left], log_p[left + 1], place - left)

    return interpolated


def pictured(target: Any, score: Score, x: Tensor, box: Range | None = None) -> Pictured:
    """Return what a picture draws of anything that `svgd.flow` takes as a target.

    Args:
        score: its score.
        x: the first particles (n, d).
        box: one pair (low, high) per dimension; by default it holds the target and the particles.

    Raises:
        ValueError: box has another number of pairs than x has dimensions.
    """
    dim, known = x.shape[-1], _known(target, x.shape[-1])
    if box is None:
        box = _around(x, None if known is None else known.plot_range)
    if len(box) != dim:
        raise ValueError(f"box must hold {dim} pairs (low, high), one per dimension, got {len(box)}; change it")
    return Pictured(known, score, x, box)


def _known(target: Any, dim: int) -> Target | None:
    """Return a target with a log-density, None if there is only a score."""
    if isinstance(target, str):
        return targets.make(target)
    if isinstance(target, Minibatch):
        return _known(target.target, dim)
    if isinstance(target, Distribution):
        return targets.from_distribution(target)
    if isinstance(target, Target) and target.dim is not None:
        return target
    log_prob = getattr(target, "log_prob", None)
    return targets.from_log_prob(log_prob, dim=dim, name="target") if callable(log_prob) else None


def _around(x: Tensor, box: Range | None) -> Range:
    """Return ranges that hold the particles, with some room, and a target's own ranges."""
    low, high = (end.double().cpu() for end in (x.amin(0), x.amax(0)))
    room = ROOM * (high - low).clamp(min=1.0)
    pairs = zip((low - room).tolist(), (high + room).tolist(), strict=True)
    if box is None or len(box) != x.shape[-1]:
        return tuple(pairs)
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(pairs, box, strict=True))
