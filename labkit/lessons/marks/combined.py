"""Marks that compare two numbers of another mark."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.lessons.marks.registry import MARKS, mark


@mark()
def ratio(states: Sequence[Any], of: str, top: Mapping[str, Any], bottom: Mapping[str, Any]) -> float:
    """Return the mark `of` with the parameters `top`, divided by the same mark with the parameters `bottom`."""
    upper, lower = (float(MARKS[of](states, **parameters)) for parameters in (top, bottom))
    if lower == 0:
        return math.nan if upper == 0 else math.copysign(math.inf, upper)
    return upper / lower


@mark()
def difference(states: Sequence[Any], of: str, top: Mapping[str, Any], bottom: Mapping[str, Any]) -> float:
    """Return the mark `of` with the parameters `top`, minus the same mark with the parameters `bottom`."""
    upper, lower = (float(MARKS[of](states, **parameters)) for parameters in (top, bottom))
    return upper - lower


def parts(name: str, parameters: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a mark and the marks that it compares, each with its parameters."""
    inner = [parameters.get(end) for end in ("top", "bottom")] if name in ("ratio", "difference") else []
    return [(name, parameters), *((str(parameters.get("of")), each) for each in inner if isinstance(each, Mapping))]
