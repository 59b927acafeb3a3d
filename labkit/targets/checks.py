"""These checks test parameters where they enter; every error names the wanted value, the value given and what to do."""

from collections.abc import Sequence
from typing import SupportsFloat

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labkit.arrays import Arrayed

Numbers = SupportsFloat | Sequence[object] | Arrayed  # arrays and tensors of any shape also count as SupportsFloat


def finite(name: str, value: object) -> Tensor:
    """Return `value` as a float64 tensor on the CPU; it may be numbers, an array, a tensor, a data frame or a series.

    Raises:
        ValueError: the value is ragged, not a number, NaN or infinite.
    """
    try:
        out = array(value, torch.float64).detach().cpu()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers of one shape, got {shown(value)}; {str(error)[:120]}") from error
    if not torch.isfinite(out).all():
        count = f" with {int((~torch.isfinite(out)).sum())} that are not" if out.ndim else ""
        raise ValueError(f"{name} must be finite, got {shown(value)}{count}; replace NaN and infinite entries")
    return out


def array(value: object, dtype: torch.dtype | None = None) -> Tensor:
    """Return `value` as a tensor; numpy reads what torch cannot, such as a data frame."""
    if isinstance(value, Arrayed) and not isinstance(value, Tensor):
        value = np.array(value, np.float64) if dtype == torch.float64 else np.array(value)
    return torch.as_tensor(value, dtype=dtype)


def shown(value: object) -> str:
    """Return a value for a message: its repr if that is short, otherwise its type and its shape or length."""
    text = repr(value)
    if len(text) <= 80 and "\n" not in text:
        return text
    if hasattr(value, "shape"):
        return f"{type(value).__name__} of shape {list(value.shape)}"
    return f"{type(value).__name__} of length {len(value)}" if hasattr(value, "__len__") else text[:77] + "..."


def positive(name: str, value: Numbers) -> Tensor:
    """Return `value` as a float64 tensor of positive numbers, or raise ValueError."""
    out = finite(name, value)
    if not (out > 0).all():
        raise ValueError(f"{name} must be > 0, got {shown(value)}; give a positive number")
    return out


def number(name: str, value: SupportsFloat, *, above: int | None = None) -> float:
    """Return `value` as a finite float greater than `above` if that is given, or raise ValueError."""
    out = finite(name, value)
    if out.ndim or (above is not None and out <= above):
        bound = "" if above is None else f" > {above:g}"
        raise ValueError(f"{name} must be one number{bound}, got {shown(value)}; give a single number")
    return out.item()


def whole(name: str, value: SupportsFloat, *, low: int) -> int:
    """Return `value` as an int of at least `low`, or raise ValueError."""
    out = number(name, value)
    if out != int(out) or out < low:
        raise ValueError(f"{name} must be a whole number >= {low}, got {shown(value)}; change it")
    return int(out)


def each(name: str, value: Tensor, k: int) -> Float[Tensor, " k"]:
    """Return one entry per mode; a single number is used for all k modes."""
    if value.ndim == 0:
        return value.expand(k).clone()
    if value.shape != (k,):
        raise ValueError(
            f"{name} must be one number or {k} numbers, one per mode, got shape {list(value.shape)}; "
            f"give as many {name} as means"
        )
    return value


def weights(value: Numbers | None, k: int) -> Float[Tensor, " k"]:
    """Return the weights of k modes, scaled to sum to 1 in float64; None means equal weights."""
    if value is None:
        return torch.full((k,), 1 / k, dtype=torch.float64)
    w = finite("weights", value)
    if w.shape != (k,):
        raise ValueError(
            f"weights must be {k} numbers, one per mode, got shape {list(w.shape)}; "
            "give as many weights as means, or None for equal weights"
        )
    if (w < 0).any() or abs(w.sum().item() - 1) > 1e-6:
        raise ValueError(
            f"weights must be >= 0 and sum to 1, got {shown(value)} with sum {w.sum().item():g}; "
            "divide them by their sum"
        )
    return w / w.sum()
