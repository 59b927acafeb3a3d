"""Why a link may not set parameters of a target."""

from typing import Any

from labkit import targets
from labkit.targets import PARAMETERS


def of_text(setting: str, text: str) -> str:
    """Return why a formula or a drawing cannot be used, "" if it can."""
    try:
        (targets.from_formula if setting == "formula" else targets.from_drawing)(text)
    except ValueError as error:
        return str(error)
    return ""


def of_shape(shape: dict[str, Any]) -> str:
    """Return why the parameters of a target by name cannot be used, "" if they can.

    Each must be in a range that some target has for it.
    """
    ranges = [part for known in PARAMETERS.values() for part in known.items()]
    for key, number in shape.items():
        ends = [(p.low, p.high) for known, p in ranges if known == key]
        low, high = min((a for a, _ in ends), default=0), max((b for _, b in ends), default=0)
        if not ends or isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
            return f"{key} must be from {low} to {high}" if ends else f"no target has a parameter {key}"
    return ""
