"""The table of a state's particles, in a CSV file."""

from typing import Any

from labkit.experiments.svgd import tables
from labkit.paint.files import Target, save_table


def save_csv(state: Any, target: Target) -> None:
    """Write `tables.particles` to a path or an open binary file."""
    save_table(*tables.particles(state), target)
