"""Scores: how to get one from an object, and scores that change with the step.

A score that changes has `.at(t, generator)`, which returns the score of step t. That is a plain function
x -> [..., d] that always returns the same for the same x. Calling the object itself gives the full score, for
diagnostics.
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
    """A target, which has its score as a method."""

    def score(self, x: Tensor, /) -> Tensor:
        """Return ∇ log p(x)."""


class HasLogProb(Protocol):
    """A log-density; its score is its gradient by autograd."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        """Return log p(x)."""


@runtime_checkable
class HasRows(Protocol):
    """A posterior given a number of rows, which can estimate its score from some of them."""

    rows: int

    def score(self, x: Tensor, /) -> Tensor:
        """Return ∇ log p(x)."""

    def score_of_rows(self, x: Tensor, rows: Int[Tensor, " b"] | slice, /) -> Tensor:
        """Return an unbiased estimate of the score from these rows."""


if TYPE_CHECKING:
    Scored = Score | HasScore | HasLogProb | Distribution | str
else:
    Scored = object  # `as_score` checks the type itself


@dataclass(frozen=True)
class Stepped:
    """A score together with the function that returns the score of step t."""

    score: Score
    at: Callable[[int, torch.Generator | None], Score]

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.score(x)


def as_score(thing: Scored) -> Score:
    """Return the score of an object, a function x [..., d] -> [..., d]; it has `.at` if the object has.

    A string is the name of a target in `TARGETS`. If the object has `.score`, that is used. If it has `.log_prob` (a
    target, a torch distribution), the score is its gradient by autograd. Any other callable is a score already. For a
    torch distribution with a bounded support, the score is in unconstrained coordinates (`from_distribution`). A
    warning reports this, because you need the target to convert the particles.

    Raises:
        TypeError: the object is something else, or the method `log_prob` of an object, which is not a score.
    """
    if isinstance(thing, str):
        from labkit.targets.registry import make  # imported late: the registry has targets with minibatches

        return make(thing).score
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
        raise TypeError(f"the score must not be a log-density, got {owner}.log_prob; pass the {owner} itself")
    elif callable(thing):
        return thing
    else:
        raise TypeError(
            f"the score must be a score, a target or a distribution, got {type(thing).__name__}; pass a function "
            "x [..., d] -> [..., d], an object with .score or .log_prob, targets.from_log_prob(f), or a target's name"
        )
    return Stepped(score, thing.at) if hasattr(thing, "at") and not hasattr(score, "at") else score


@cache  # warn once per kind, because every step calls as_score
def _say_unconstrained(name: str) -> None:
    warnings.warn(
        f"{name} has a bounded support, so particles x are in unconstrained coordinates; use "
        "target = targets.from_distribution(d) as the target, and convert them with target.constrain(x)",
        stacklevel=3,
    )


class Annealed:
    """A tempered score, β(t) ∇ log p at step t: the score of p^β(t), so that modes join while β is small.

    It tempers only the drive, not the repulsion (D'Angelo & Fortuin 2021, arXiv 2101.09815). Calling the object gives
    the untempered score.

    Args:
        score: any argument of `as_score`; one with `.at` is tempered step by step.
        schedule: maps t = 0, 1, ... to β in (0, 1]: `linear_schedule`, `cyclical_schedule` or any function.

    Raises (at a step):
        ValueError: the schedule returns a number outside (0, 1].
    """

    def __init__(self, score: Scored, schedule: Schedule):
        self.score, self.schedule = as_score(score), schedule

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.score(x)

    def at(self, t: int, generator: torch.Generator | None = None) -> Score:
        """Return the tempered score of step t.

        Raises:
            ValueError: the schedule returns a number outside (0, 1].
        """
        beta = self.schedule(t)
        if not 0 < beta <= 1:
            raise ValueError(f"a schedule must return β in (0, 1], got {beta} at step {t}; correct it")
        score = self.score.at(t, generator) if hasattr(self.score, "at") else self.score
        return lambda x: beta * score(x)


def linear_schedule(steps: int) -> Schedule:
    """Return β(t) = (t + 1)/steps, which rises from 1/steps to 1 at the last of `steps` steps and is 1 afterwards.

    Raises:
        ValueError: steps < 1.
    """
    return cyclical_schedule(steps, 1, 1.0)


def cyclical_schedule(steps: int, cycles: int = 5, power: float = 1.0) -> Schedule:
    """Return a β that rises to 1 `cycles` times and is 1 from `steps` on.

        β(t) = ((t mod P + 1)/P)^power,   period P = steps/cycles

    It follows the cyclical schedule of D'Angelo & Fortuin 2021, where β starts each cycle at 0; here it ends each at 1.

    Raises:
        ValueError: not steps >= cycles >= 1, or power is not positive.
    """
    if steps < 1 or not 1 <= cycles <= steps or power <= 0:
        raise ValueError(
            f"a schedule needs steps >= cycles >= 1 and power > 0, got {steps}, {cycles} and {power}; change them"
        )
    return _Cycles(steps, steps / cycles, power)


@dataclass(frozen=True)
class _Cycles:
    """The schedule of `cyclical_schedule`; an object, because a function inside it could not be pickled."""

    steps: int
    period: float
    power: float

    def __call__(self, t: int) -> float:
        return 1.0 if t >= self.steps else min(1.0, (t % self.period + 1) / self.period) ** self.power


def _some(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Return `size` different row numbers below n.

    If size is small, it samples until all differ, which is cheaper than a permutation of all n.
    """
    if size * size > n:
        return torch.randperm(n, generator=generator, device=generator.device)[:size]
    while True:
        rows = torch.randint(n, (size,), generator=generator, device=generator.device)
        if len(rows.unique()) == size:
            return rows


class Minibatch:
    """The score of a posterior from B of its N rows: prior score + N/B times the likelihood score of the rows.

    Args:
        target: has `rows` (N), `score(x)` and `score_of_rows(x, rows)`, like `LogisticRegression`; rows is a tensor of
            row numbers, or a slice.
        size: B, 1 to N.
        order: "random" samples B rows without replacement with the step's generator, and is unbiased. "cyclic" uses
            rows tB, ..., tB + B - 1 modulo N, as the original does. If B divides N, the scores of N/B steps then
            average to the full score.

    Raises:
        ValueError: size or order is wrong; at a step, a random order has no generator.
    """

    def __init__(self, target: HasRows, size: int, order: str = "random"):
        if not 1 <= size <= target.rows:
            raise ValueError(f"size must be 1 to {target.rows}, the number of rows, got {size}; change it")
        if order not in ("random", "cyclic"):
            raise ValueError(f'order must be "random" or "cyclic", got {order!r}; choose one of them')
        self.target, self.size, self.order = target, size, order

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self.target.score(x)

    def at(self, t: int, generator: torch.Generator | None = None) -> Score:
        """Return the score of step t, which uses the rows of that step.

        Raises:
            ValueError: the order is random, and there is no generator.
        """
        n = self.target.rows
        if self.order == "cyclic":
            first = t * self.size % n
            last = first + self.size
            rows = slice(first, last) if last <= n else torch.arange(first, last) % n
        elif generator is None:
            raise ValueError('a random minibatch needs a torch.Generator, got None; pass one, or use order="cyclic"')
        else:
            rows = _some(n, self.size, generator)
        return lambda x: self.target.score_of_rows(x, rows)
