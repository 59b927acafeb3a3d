"""Parameters are checked where they enter; every error names what was wanted, what came and what to do."""

from collections.abc import Sequence
from typing import SupportsFloat

import torch
from jaxtyping import Float
from torch import Tensor

Numbers = SupportsFloat | Sequence  # arrays and tensors of any shape are SupportsFloat too


def finite(name: str, value: Numbers) -> Tensor:
    """`value` as a float64 tensor on the CPU. Raises ValueError: it is ragged, no number, NaN or infinite."""
    try:
        out = torch.as_tensor(value, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers of one shape, got {value!r}; {error}") from error
    if not torch.isfinite(out).all():
        raise ValueError(f"{name} must be finite, got {value!r}; replace NaN and infinite entries")
    return out


def positive(name: str, value: Numbers) -> Tensor:
    """`value` as a float64 tensor of positive numbers."""
    out = finite(name, value)
    if not (out > 0).all():
        raise ValueError(f"{name} must be > 0, got {value!r}; give a positive number")
    return out


def number(name: str, value: SupportsFloat, *, above: int | None = None) -> float:
    """`value` as a finite float, and greater than `above` where that is given."""
    out = finite(name, value)
    if out.ndim or (above is not None and out <= above):
        bound = "" if above is None else f" > {above:g}"
        raise ValueError(f"{name} must be one number{bound}, got {value!r}; give such a number")
    return out.item()


def whole(name: str, value: SupportsFloat, *, low: int) -> int:
    """`value` as an int, at least `low`."""
    if number(name, value) != int(value) or value < low:
        raise ValueError(f"{name} must be a whole number >= {low}, got {value!r}; round it")
    return int(value)


def each(name: str, value: Tensor, k: int) -> Float[Tensor, " k"]:
    """One entry a mode: a single number stands for all k of them."""
    if value.ndim == 0:
        return value.expand(k).clone()
    if value.shape != (k,):
        raise ValueError(
            f"{name} must be one number or {k} numbers, one for each mode, got shape {list(value.shape)}; "
            f"give as many {name} as means"
        )
    return value


def weights(value: Numbers | None, k: int) -> Float[Tensor, " k"]:
    """Weights of k modes, scaled to sum to 1 in float64; None means equal ones."""
    if value is None:
        return torch.full((k,), 1 / k, dtype=torch.float64)
    w = finite("weights", value)
    if w.shape != (k,):
        raise ValueError(
            f"weights must be {k} numbers, one for each mode, got shape {list(w.shape)}; "
            "give as many weights as means, or None for equal ones"
        )
    if (w < 0).any() or abs(w.sum().item() - 1) > 1e-6:
        raise ValueError(
            f"weights must be >= 0 and sum to 1, got {value!r} with sum {w.sum().item():g}; divide them by their sum"
        )
    return w / w.sum()
