"""Bandwidth rules: how far the kernel reaches, decided anew from the particles at every step.

A rule is called as rule(x, last, t): x (..., n, d) in the kernel's own coordinates, `last` the bandwidth of the state
before (None at the first), t the step; it returns the length h (...). A reader's rule may be any callable x -> h.
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
    """What `step` calls; rules that need less ignore the rest."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x, last, t)")


Bandwidth = str | float | int | Tensor | Callable[..., Tensor | float]


def median_bandwidth(x: Tensor, apart: Apart | None = None) -> Tensor:
    """The original code's median rule, h = sqrt(med / (2 log(n + 1))).

    med is the median over ALL n^2 squared distances, the n zeros of the diagonal included, an even count taking the
    mean of the two middle values. Other libraries leave the diagonal out, or take log n, or one median a dimension.
    One particle has h = 1; so have particles of which half coincide, with a warning.

    Args:
        x: particles (..., n, d).
        apart: `pairs.apart(x)`, where somebody has it already.

    Returns:
        h (...), a length in units of x.
    """
    n = x.shape[-2]
    return _length(x, lambda x: (exact.squared_distance(x, apart) / (2 * math.log(n + 1))).sqrt_())


def paper_bandwidth(x: Tensor) -> Tensor:
    """The rule of the paper's text, k = exp(-|x - x'|^2 / (med^2 / log n)): h = med / sqrt(2 log n).

    med is the median distance of the n (n - 1) / 2 pairs. (As remembered from the paper; the code that came with it
    uses `median_bandwidth`.)
    """
    n = x.shape[-2]
    return _length(x, lambda x: exact.distance_of_pairs(x).div_(math.sqrt(2 * math.log(n))))


def _length(x: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """rule(x), but 1 where there is one particle, or where the rule says 0."""
    if x.shape[-2] == 1:
        return x.new_ones(x.shape[:-2])
    h = rule(x)
    if h.is_cuda:  # to look at it would be to wait for the device: neither digits nor a warning are worth it there
        return torch.where(h > 0, h, 1.0)
    if h.ndim:
        low, high = (float(end) for end in h.aminmax())
    else:
        low = high = float(h)
    if 0 < low <= high < math.inf:
        return h
    if x.dtype != torch.float64:  # squares of very long or very short distances are no float32
        return _length(x.double(), rule).to(x.dtype)
    if low > 0:
        return h
    warnings.warn("the median distance is 0: half of the particles or more coincide; bandwidth 1 is used", stacklevel=2)
    return torch.where(h > 0, h, 1.0)


@dataclass(frozen=True)
class Median(Rule):
    """`median_bandwidth` as a rule."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return median_bandwidth(x)


@dataclass(frozen=True)
class Paper(Rule):
    """`paper_bandwidth` as a rule."""

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return paper_bandwidth(x)


@dataclass(frozen=True)
class Fixed(Rule):
    """Always the same h: one number, or a tensor (...) with one for every run."""

    h: float | int | Tensor

    def __post_init__(self) -> None:
        h = torch.as_tensor(self.h)
        wrong = h[~((h > 0) & h.isfinite())]
        if len(wrong):
            raise ValueError(
                f"bandwidth must be a length > 0 and finite, got {wrong[0]:g}; or name a rule: {', '.join(RULES)}"
            )

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        h, runs = torch.as_tensor(self.h, dtype=x.dtype, device=x.device), x.shape[:-2]
        try:
            return h.expand(runs)
        except RuntimeError:
            raise ValueError(
                f"a tensor of bandwidths must hold one length for every run, {tuple(runs)}, got {tuple(h.shape)}; "
                "give one number or as many as there are runs"
            ) from None


def _check_count(name: str, count: int) -> None:
    if count < 1 or count != int(count):
        raise ValueError(f"{name} must be a whole number >= 1, got {count}")


@dataclass(frozen=True)
class Subsampled(Rule):
    """The median rule on every k-th particle, at most `size` of them: near enough for many particles, much cheaper."""

    size: int = 256

    def __post_init__(self) -> None:
        _check_count("size", self.size)

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        n = x.shape[-2]
        if n <= self.size:
            return median_bandwidth(x)
        some = x[..., :: math.ceil(n / self.size), :]
        # the rule's log(n + 1) belongs to all particles, not to the sample
        return median_bandwidth(some) * math.sqrt(math.log(some.shape[-2] + 1) / math.log(n + 1))


@dataclass(frozen=True)
class Lagged(Rule):
    """Another rule, asked only every `every` steps; between them the last answer stands."""

    every: int = 10
    rule: Rule = Median()

    def __post_init__(self) -> None:
        _check_count("every", self.every)

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        return self.rule(x, last, t) if last is None or t % self.every == 0 else last


@dataclass(frozen=True)
class _Called(Rule):
    """A reader's own x -> h; it gets a copy of x, so that it cannot move the particles."""

    function: Callable[[Tensor], Tensor | float]

    def __call__(self, x: Tensor, last: Tensor | None = None, t: int = 0) -> Tensor:
        h = torch.as_tensor(self.function(x.clone()), dtype=x.dtype, device=x.device)
        if h.shape not in (torch.Size(()), x.shape[:-2]) or not bool(((h > 0) & h.isfinite()).all()):
            raise ValueError(
                f"the bandwidth rule must return lengths > 0 of shape {tuple(x.shape[:-2])}, "
                f"got {h.tolist() if h.numel() < 5 else tuple(h.shape)} at step {t}"
            )
        return h.expand(x.shape[:-2])


RULES: dict[str, Rule] = {
    "median": Median(),
    "paper": Paper(),
    "median-subsampled": Subsampled(),
    "median-lagged": Lagged(),
}


def rule(bandwidth: Bandwidth) -> Rule:
    """The rule that a name, a number (or one for every run) or a callable x -> h stands for.

    Raises:
        ValueError: an unknown name, or a number that is not positive and finite.
    """
    if isinstance(bandwidth, str):
        if bandwidth not in RULES:
            raise ValueError(f"bandwidth must be a number, a callable or one of {', '.join(RULES)}; got {bandwidth!r}")
        return RULES[bandwidth]
    if isinstance(bandwidth, Rule):
        return bandwidth
    return _Called(bandwidth) if callable(bandwidth) else Fixed(bandwidth)
