"""These checks raise an error where wrong particles or scores enter SVGD."""

import math

import torch
from torch import Tensor

from labkit.targets.scores import Score

LOG_DENSITY = "this looks like a log-density; wrap it: targets.from_log_prob(f)"


def check_particles(x: object) -> None:
    """Raise an error unless x can be particles.

    Raises:
        TypeError: x is not a tensor of float32 or float64.
        ValueError: x is not (..., n, d) with n, d >= 1, or not finite.
    """
    if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(
            f"particles must be a float32 or float64 tensor, got {got}; use torch.as_tensor(x, dtype=torch.float64)"
        )
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            f"particles must be (..., n, d) with n and d at least 1, got {tuple(x.shape)}; "
            "for one dimension use x[:, None]"
        )
    check_finite(x.detach(), "particles", "check where they come from")


def check_finite(values: Tensor, what: str, do: str) -> None:
    """Raise ValueError if a value is NaN or infinite; `what` names the values and `do` says how to correct them."""
    # nearly every good tensor passes with one sum; a finite tensor with an infinite sum needs a second look
    if not math.isfinite(values.sum()) and not bool(values.isfinite().all()):
        bad = values.isfinite().logical_not_()
        first = tuple(bad.nonzero()[0].tolist())
        raise ValueError(
            f"{what} must be finite, got {int(bad.sum())} of {values.numel()} that are not, "
            f"the first at index {first}; {do}"
        )


def evaluate_score(score: Score, x: Tensor, t: int = 0, generator: torch.Generator | None = None) -> Tensor:
    """Return the score of step t at x, checked and detached.

    The score gets a copy of x, so that it cannot move the particles.

    Raises:
        ValueError: the score has another shape or dtype than x, or is not finite.
    """
    if hasattr(score, "at"):
        score = score.at(t, generator)
    # a copy, because the tensor's version does not show a write through `x.numpy()`
    s = score(x.clone())
    if not isinstance(s, Tensor) or s.shape != x.shape:
        got = tuple(s.shape) if isinstance(s, Tensor) else type(s).__name__
        one_each = isinstance(s, Tensor) and s.shape in (x.shape[:-1], (*x.shape[:-1], 1))
        raise ValueError(
            f"the score must return a tensor {tuple(x.shape)} like the particles, got {got}; "
            + (LOG_DENSITY if one_each else "differentiate log_p(x).sum()")
        )
    if s.dtype != x.dtype:
        raise ValueError(
            f"the score must return {x.dtype} like the particles, got {s.dtype}; make its constants follow x.dtype"
        )
    s = s.detach()
    check_finite(s, f"the score at step {t}", "take a smaller step size, or a target whose score is finite there")
    return s
