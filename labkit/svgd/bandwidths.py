"""Bandwidth rules set how far the kernel reaches; each step applies the rule to its particles.

A step calls rule(x, last, t) and gets the bandwidth h (...), a length. Here x (..., n, d) are the particles in the
kernel's coordinates. `last` is the bandwidth of the previous state, None at the first; t counts the steps.
Your own rule may be any callable x -> h.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.svgd.fast import median as exact
from labkit.svgd.fast.pairs import Apart


class Rule:
    """A rule defines `__call__(x, last, t)`, which `step` calls; it may ignore `last` and t."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x, last, t)")


Bandwidth = str | float | int | Tensor | Callable[..., Tensor | float]


def median_bandwidth(x: Tensor, apart: Apart | None = None) -> Tensor:
    """Return the bandwidth of the original code's median rule, h = sqrt(med / (2 log(n + 1))).

    med is the median of ALL n^2 squared distances, with the n zeros of the diagonal. For an even count it is the mean
    of the two middle values. Other libraries leave out the diagonal, use log n, or take one median per dimension.
    One particle has h = 1. If at least half of all pairs coincide, h is 1 too, with a warning.

    Args:
        x: particles (..., n, d).
        apart: `pairs.apart(x)`, if the caller has it already.

    Returns:
        h (...), a length in units of x.
    """
    n = x.shape[-2]
    return _length(x, lambda x: (exact.squared_distance(x, apart) / (2 * math.log(n + 1))).sqrt_())


def paper_bandwidth(x: Tensor) -> Tensor:
    """Return the bandwidth of the rule in the paper's text, h = med / sqrt(2 log n), a length (...).

    There the kernel is k = exp(-|x - x'|^2 / (med^2 / log n)), from Liu & Wang 2016, section 5. For x (..., n, d), med
    is the median distance of the n (n - 1) / 2 pairs. The code of the same authors uses `median_bandwidth`.
    """
    n = x.shape[-2]
    return _length(x, lambda x: exact.distance_of_pairs(x).div_(math.sqrt(2 * math.log(n))))


def _length(x: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """Return rule(x), or 1 for one particle and where the rule returns 0."""
    if x.shape[-2] == 1:
        return x.new_ones(x.shape[:-2])
    h = rule(x)
    if h.is_cuda:  # reading h would wait for the GPU: precision and a warning are not worth that
        return torch.where(h > 0, h, 1.0)
    if h.ndim:
        low, high = (float(end) for end in h.aminmax())
    else:
        low = high = float(h)
    if 0 < low <= high < math.inf:
        return h
    if x.dtype != torch.float64:  # float32 cannot hold the squares of very long or very short distances
        return _length(x.double(), rule).to(x.dtype)
    if low > 0:
        return h
    warnings.warn(
        "the median distance is 0 because at least half of all pairs coincide, so the bandwidth is set to 1; "
        "spread the particles or give a bandwidth",
        stacklevel=2,
    )
    return torch.where(h > 0, h, 1.0)


@dataclass(frozen=True)
class Median(Rule):
    """This rule returns `median_bandwidth(x)`."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return median_bandwidth(x)


@dataclass(frozen=True)
class Paper(Rule):
    """This rule returns `paper_bandwidth(x)`."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return paper_bandwidth(x)


@dataclass(frozen=True)
class Fixed(Rule):
    """This rule always returns the same h: one number, or a tensor (...) with one h per run.

    Raises:
        ValueError: a bandwidth is not positive and finite, or the tensor does not fit the number of runs.
    """

    h: float | int | Tensor

    def __post_init__(self) -> None:
        h = torch.as_tensor(self.h)
        wrong = h[~((h > 0) & h.isfinite())]
        if len(wrong):
            raise ValueError(
                f"bandwidth must be a finite number > 0, got {wrong[0]:g}; "
                f"give a length or name a rule: {', '.join(RULES)}"
            )

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        h, runs = torch.as_tensor(self.h, dtype=x.dtype, device=x.device), x.shape[:-2]
        try:
            return h.expand(runs)
        except RuntimeError:
            raise ValueError(
                f"a tensor of bandwidths must have the shape of the runs, {tuple(runs)}, got {tuple(h.shape)}; "
                "give one number, or one per run"
            ) from None


def _check_count(name: str, count: int) -> None:
    if count < 1 or count != int(count):
        raise ValueError(f"{name} must be a whole number >= 1, got {count}")


@dataclass(frozen=True)
class Subsampled(Rule):
    """This rule applies the median rule to every k-th particle, at most `size` of them.

    For many particles it is close to `median_bandwidth` and much cheaper.

    Raises:
        ValueError: size is not a whole number of at least 1.
    """

    size: int = 256

    def __post_init__(self) -> None:
        _check_count("size", self.size)

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        n = x.shape[-2]
        if n <= self.size:
            return median_bandwidth(x)
        some = x[..., :: math.ceil(n / self.size), :]
        # the rule's log(n + 1) counts all particles, not only these
        return median_bandwidth(some) * math.sqrt(math.log(some.shape[-2] + 1) / math.log(n + 1))


@dataclass(frozen=True)
class Lagged(Rule):
    """This rule applies another rule every `every` steps and keeps its last bandwidth in between.

    Raises:
        ValueError: every is not a whole number of at least 1.
    """

    every: int = 10
    rule: Rule = Median()

    def __post_init__(self) -> None:
        _check_count("every", self.every)

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return self.rule(x, last, t) if last is None or t % self.every == 0 else last


@dataclass(frozen=True)
class _Called(Rule):
    """This rule calls the user's function x -> h with a copy of x, so that it cannot move the particles.

    A single number for several runs is refused: it would make the bandwidth of each run depend on the others.
    """

    function: Callable[[Tensor], Tensor | float]

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        runs = x.shape[:-2]
        h = torch.as_tensor(self.function(x.clone()), dtype=x.dtype, device=x.device)
        if h.shape != runs:
            raise ValueError(
                f"the bandwidth rule must return one number per run, shape {tuple(runs)}, got {tuple(h.shape)} "
                f"at step {t}; reduce over the last two axes of x, for example x.std((-2, -1))"
            )
        wrong = h[~((h > 0) & h.isfinite())]
        if len(wrong):
            raise ValueError(
                f"the bandwidth rule must return finite numbers > 0, got {wrong[0]:g} at step {t}; "
                "correct the function that you gave as bandwidth"
            )
        return h


RULES: dict[str, Rule | Callable[[Tensor], Tensor | float]] = {
    "median": Median(),
    "paper": Paper(),
    "median-subsampled": Subsampled(),
    "median-lagged": Lagged(),
}


def rule(bandwidth: Bandwidth) -> Rule:
    """Return the rule for a name, a number, a tensor with one number per run, or a callable x -> h.

    Raises:
        ValueError: the name is unknown, or a number is not positive and finite.
    """
    if isinstance(bandwidth, str):
        if bandwidth not in RULES:
            raise ValueError(f"bandwidth {bandwidth!r} is unknown; give a number, a callable, or {', '.join(RULES)}")
        bandwidth = RULES[bandwidth]
    if isinstance(bandwidth, Rule):
        return bandwidth
    return _Called(bandwidth) if callable(bandwidth) else Fixed(bandwidth)
