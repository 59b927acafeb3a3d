"""Scores: how one is had from a thing, and scores that change with the step.

A score that changes has `.at(t, generator)`, which gives the score of step t, a plain function x -> [..., d] that
always answers the same for the same x; calling the thing itself gives the full score, for diagnostics.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Distribution

from labkit.targets.distributions import from_distribution
from labkit.targets.wrap import from_log_prob

Score = Callable[[Tensor], Tensor]
Schedule = Callable[[int], float]


class HasScore(Protocol):
    """A target: its score is a method."""

    def score(self, x: Tensor, /) -> Tensor:
        """∇ log p(x)."""


class HasLogProb(Protocol):
    """A log-density, whose score is its gradient by autograd."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        """log p(x)."""


@runtime_checkable
class HasRows(Protocol):
    """A posterior given a number of rows, whose score can do with some of them."""

    rows: int

    def score(self, x: Tensor, /) -> Tensor:
        """∇ log p(x)."""

    def score_of_rows(self, x: Tensor, rows: Int[Tensor, " b"] | slice, /) -> Tensor:
        """An unbiased estimate of it from those rows."""


if TYPE_CHECKING:
    Scored = Score | HasScore | HasLogProb | Distribution
else:
    Scored = object  # `as_score` itself says what it does not take


@dataclass(frozen=True)
class Stepped:
    """A score and the rule that gives the score of step t."""

    score: Score
    at: Callable[[int, torch.Generator | None], Score]

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.score(x)


def as_score(thing: Scored) -> Score:
    """The score of a thing, a function x [..., d] -> [..., d]; it has `.at` where the thing has.

    A thing with `.score` gives that; one with `.log_prob` (a target, a torch distribution) its gradient by autograd;
    a bare callable is a score already. The score of a torch distribution with a bounded support is in unconstrained
    coordinates (`from_distribution`), as a warning says: without the target nobody can read the particles.

    Raises:
        TypeError: none of these, or the method `log_prob` of an object, which is no score.
    """
    own, log_prob = getattr(thing, "score", None), getattr(thing, "log_prob", None)
    if callable(own):
        score: Score = own
    elif isinstance(thing, Distribution):
        target = from_distribution(thing)
        if target.is_bounded:
            _say_unconstrained(type(thing).__name__)
        score = target.score
    elif callable(log_prob):
        score = from_log_prob(log_prob, dim=getattr(thing, "dim", None)).score
    elif getattr(thing, "__name__", "") == "log_prob" and hasattr(thing, "__self__"):
        owner = type(thing.__self__).__name__
        raise TypeError(f"a score is wanted, got {owner}.log_prob, a log-density; pass the {owner} itself")
    elif callable(thing):
        return thing
    else:
        raise TypeError(
            f"a score, a target or a distribution is wanted, got {type(thing).__name__}; pass a function "
            "x [..., d] -> [..., d], an object with .score or .log_prob, or targets.from_log_prob(f)"
        )
    return Stepped(score, thing.at) if hasattr(thing, "at") and not hasattr(score, "at") else score


@cache  # once for each kind: a step asks for the score again
def _say_unconstrained(name: str) -> None:
    warnings.warn(
        f"{name} has a bounded support: particles x are in unconstrained coordinates; take "
        "target = targets.from_distribution(d) as the target and read them by target.constrain(x)",
        stacklevel=3,
    )


class Annealed:
    """A tempered score: at step t it is β(t) ∇ log p, the score of p^β(t), so that modes join while β is small.

    Only the drive is tempered, never the repulsion: D'Angelo & Fortuin 2021 (arXiv 2101.09815). Called itself it is
    the untempered score.

    Args:
        score: whatever `as_score` takes; one with `.at` is tempered step by step.
        schedule: maps t = 0, 1, ... to β in (0, 1]; `linear_schedule`, `cyclical_schedule` or any function.
    """

    def __init__(self, score: Scored, schedule: Schedule):
        self.score, self.schedule = as_score(score), schedule

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.score(x)

    def at(self, t: int, generator: torch.Generator | None = None) -> Score:
        beta = self.schedule(t)
        if not 0 < beta <= 1:
            raise ValueError(f"a schedule must give β in (0, 1], got {beta} at step {t}; bound it")
        score = self.score.at(t, generator) if hasattr(self.score, "at") else self.score
        return lambda x: beta * score(x)


def linear_schedule(steps: int) -> Schedule:
    """β(t) = (t + 1)/steps, from 1/steps up to 1 at the last of `steps` steps, and 1 after."""
    return cyclical_schedule(steps, 1, 1.0)


def cyclical_schedule(steps: int, cycles: int = 5, power: float = 1.0) -> Schedule:
    """β climbs to 1 `cycles` times: ((t mod P + 1)/P)^power with period P = steps/cycles, and 1 from `steps` on.

    After the cyclical schedule of D'Angelo & Fortuin 2021, whose β starts each cycle at 0; here it ends each at 1.
    """
    if steps < 1 or not 1 <= cycles <= steps or power <= 0:
        raise ValueError(
            f"wanted steps >= cycles >= 1 and power > 0, got {steps}, {cycles} and {power}; lengthen the schedule"
        )
    period = steps / cycles
    return lambda t: 1.0 if t >= steps else min(1.0, (t % period + 1) / period) ** power


def _some(n: int, size: int, generator: torch.Generator) -> Tensor:
    """`size` different ones of n rows; few of many are drawn again until they differ, not sorted out of all."""
    if size * size > n:
        return torch.randperm(n, generator=generator, device=generator.device)[:size]
    while True:
        rows = torch.randint(n, (size,), generator=generator, device=generator.device)
        if len(rows.unique()) == size:
            return rows


class Minibatch:
    """The score of a posterior from B of its N rows: prior score + N/B times the likelihood score of the rows.

    Args:
        target: has `rows` (N), `score(x)` and `score_of_rows(x, rows)`, as `LogisticRegression` has; rows is a tensor
            of their numbers, or a slice.
        size: B, 1 to N.
        order: "random": B rows without replacement, by the step's generator; unbiased. "cyclic": rows tB, ...,
            tB + B - 1 modulo N as the original takes them; where B divides N the scores of N/B steps average to the
            full one.
    """

    def __init__(self, target: HasRows, size: int, order: str = "random"):
        if not 1 <= size <= target.rows:
            raise ValueError(f"size must be 1 to {target.rows}, the number of rows, got {size}; take fewer rows")
        if order not in ("random", "cyclic"):
            raise ValueError(f'order must be "random" or "cyclic", got {order!r}; choose one of them')
        self.target, self.size, self.order = target, size, order

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.target.score(x)

    def at(self, t: int, generator: torch.Generator | None = None) -> Score:
        n = self.target.rows
        if self.order == "cyclic":
            first = t * self.size % n
            last = first + self.size
            rows = slice(first, last) if last <= n else torch.arange(first, last) % n
        elif generator is None:
            raise ValueError('a random minibatch needs a torch.Generator, got None; pass one, or take order="cyclic"')
        else:
            rows = _some(n, self.size, generator)
        return lambda x: self.target.score_of_rows(x, rows)
