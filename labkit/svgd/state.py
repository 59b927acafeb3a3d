"""The state of a run of SVGD, and what can be done with it: save it, load it, fit its memory to other particles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.summary import Summary
from labkit.svgd.optimizers import AdamMemory

NAMED = {"AdamMemory": AdamMemory}  # memories that `to_dict` writes by their name
ADVICE = "let your optimizer keep its memory in tensors, numbers, tuples, lists and dicts"


@dataclass(frozen=True, eq=False, repr=False)
class State(Summary):
    """A state holds the particles after t steps and all values computed at them; leading axes are separate runs.

    x: particles (..., n, d) in R^d; for a target with a bounded support, `target.constrain(x)` are the points in it.
    score: (..., n, d), the score of this step, with its minibatch and temperature.
    phi, drive, repulsion: (..., n, d), with phi = drive + repulsion.
    bandwidth: (...), a length; (..., d) for `PerDimension`; infinite for `Linear`.
    ksd: (...), the root of the V-statistic of KSD^2 under the run's kernel. NaN where only rounding error is left.
    memory: the memory of the optimiser, None at first.
    """

    line: ClassVar[dict[str, str]] = {"x": "x", "t": "t", "bandwidth": "h", "ksd": "KSD"}

    # x has its own axes: `replace(state, x=more)` is legal, `evaluate` then updates the rest
    x: Float[Tensor, "*_ _ _"]
    score: Float[Tensor, "*runs n d"]
    phi: Float[Tensor, "*runs n d"]
    drive: Float[Tensor, "*runs n d"]
    repulsion: Float[Tensor, "*runs n d"]
    bandwidth: Tensor
    ksd: Float[Tensor, "*runs"]
    t: int = 0
    memory: Any = None

    def to_dict(self) -> dict[str, Any]:
        """Return the state as a dict of tensors and numbers, which `torch.save` writes and `torch.load` reads.

            torch.save(state.to_dict(), "state.pt")
            state = svgd.State.from_dict(torch.load("state.pt"))

        Raises:
            TypeError: the memory of the optimiser holds other objects.
        """
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"memory": _plain(self.memory)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "State":
        """Return the state of a dict from `to_dict`. A run continues from it with the same numbers.

        Raises:
            ValueError: it is not such a dict.
        """
        wanted = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping) or set(values) != set(wanted):
            got = ", ".join(map(str, values)) if isinstance(values, Mapping) else type(values).__name__
            raise ValueError(f"a state needs {', '.join(wanted)}, got {got}; use a dict from state.to_dict()")
        tensors = [name for name in wanted if name not in ("t", "memory")]
        if wrong := [name for name in tensors if not isinstance(values[name], Tensor)]:
            got = ", ".join(f"{name} {type(values[name]).__name__}" for name in wrong)
            raise ValueError(f"a state needs tensors, got {got}; use a dict from state.to_dict()")
        return cls(**{**values, "memory": _memory(values["memory"])})


def _plain(memory: Any) -> Any:
    """Return a memory with a dict in place of each named tuple, because `torch.load` refuses other classes."""
    if memory is None or isinstance(memory, Tensor | bool | int | float | str):
        return memory
    if type(memory).__name__ in NAMED and hasattr(memory, "_asdict"):
        return {"type": type(memory).__name__, "parts": [_plain(part) for part in memory]}
    if type(memory) in (tuple, list):
        return type(memory)(_plain(part) for part in memory)
    if type(memory) is dict:
        return {key: _plain(part) for key, part in memory.items()}
    raise TypeError(f"the memory of the optimizer cannot be saved: it holds {type(memory).__name__}; {ADVICE}")


def _memory(plain: Any) -> Any:
    """Return the memory from which `_plain` made this."""
    if type(plain) is dict and set(plain) == {"type", "parts"} and plain["type"] in NAMED:
        return NAMED[plain["type"]](*map(_memory, plain["parts"]))
    if type(plain) in (tuple, list):
        return type(plain)(_memory(part) for part in plain)
    return {key: _memory(part) for key, part in plain.items()} if type(plain) is dict else plain


def memory_for(memory: Any, x: Tensor) -> Any:
    """Return an optimiser's memory that fits the particles x (..., n, d).

    If n has grown, the new rows are the mean of the old ones; if n has shrunk, the last rows are dropped.
    It returns None if the memory has another dimension or other runs.
    """

    fits = True

    def fitted(part: Tensor) -> Tensor:
        nonlocal fits
        if part.shape[-1] != x.shape[-1] or part.shape[:-2] != x.shape[:-2]:
            fits = False
            return part
        more = x.shape[-2] - part.shape[-2]
        if more <= 0:
            return part[..., : x.shape[-2], :]
        return torch.cat([part, part.mean(-2, keepdim=True).expand(*part.shape[:-2], more, -1)], -2)

    changed = _changed(memory, fitted)
    return changed if fits else None


def memory_of(memory: Any, rows: Tensor) -> Any:
    """Return an optimiser's memory of some of the n particles.

    Args:
        rows: whether to keep each particle, (n,).
    """
    return _changed(memory, lambda part: part[..., rows, :] if part.shape[-2] == len(rows) else part)


def _changed(memory: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a memory with all its tensors of particles changed. Numbers and vectors stay."""
    if isinstance(memory, dict):
        return {key: _changed(part, change) for key, part in memory.items()}
    if isinstance(memory, tuple | list):
        parts = [_changed(part, change) for part in memory]
        return type(memory)(*parts) if hasattr(memory, "_fields") else type(memory)(parts)
    return change(memory) if isinstance(memory, Tensor) and memory.ndim > 1 else memory
