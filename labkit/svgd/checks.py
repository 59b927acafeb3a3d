"""These checks raise an error where wrong particles or scores enter SVGD."""

import math

import numpy as np
import torch
from torch import Tensor

from labkit.arrays import Arrayed
from labkit.svgd.state import State
from labkit.targets.scores import Score

Particles = Tensor | Arrayed  # arrays and data frames become tensors

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


def as_particles(x: object) -> Tensor:
    """Return particles as a checked tensor, float32 if that holds the numbers of an array exactly, else float64.

    Raises:
        TypeError, ValueError: as `check_particles`; or the numbers of an array are not real.
    """
    if isinstance(x, Arrayed) and not isinstance(x, Tensor):
        array = np.asarray(x)
        x = torch.from_numpy(floats(array, "particles", float_dtype(array)))
    check_particles(x)
    return x  # type: ignore[return-value]  # it has been checked


def float_dtype(array: np.ndarray) -> np.dtype:
    """Return float32 if it holds the array exactly, else float64; longer floats and Python numbers give float64 too."""
    exact = array.dtype.kind in "biuf" and np.can_cast(array.dtype, np.float32)
    return np.dtype(np.float32 if exact else np.float64)


def floats(values: object, what: str, dtype: np.dtype) -> np.ndarray:
    """Return a copy of `values` in `dtype`, because torch accepts no negative strides, long doubles or object arrays.

    Raises:
        TypeError: the values are not real numbers of one shape.
    """
    try:
        values = np.asarray(values)
        if values.dtype.kind not in "biufO":
            raise TypeError
        return np.array(values, dtype=dtype, order="C")
    except (TypeError, ValueError):
        got = getattr(values, "dtype", type(values).__name__)
        raise TypeError(f"{what} must be real numbers of one shape, got {got}; use np.asarray(x, float)") from None


def check_whole(state: State) -> None:
    """Raise an error for a state whose particles are not those of its other fields.

    Raises:
        ValueError: x has another shape than phi.
    """
    if state.x.shape != state.phi.shape:
        raise ValueError(
            f"the state has particles {tuple(state.x.shape)}, but phi of {tuple(state.phi.shape)}; "
            "use svgd.flow(target, svgd.evaluate(state, target))"
        )


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
