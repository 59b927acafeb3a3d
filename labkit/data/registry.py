"""The data sets by name: `SETS` of images and `TABLES`, with the entries of `labkit.data.entries`."""

import difflib

from labkit.data.entries import Columns, File, Set, Source
from labkit.data.image_sets import SETS
from labkit.data.table_sets import TABLES

__all__ = ["SETS", "TABLES", "Columns", "File", "Set", "Source", "find"]


def find(name: str) -> Set | Columns:
    """Return the image set or the table with that name.

    Raises:
        ValueError: the name is unknown.
    """
    every: dict[str, Set | Columns] = {**SETS, **TABLES}
    if name not in every:
        near = difflib.get_close_matches(name, every, n=1, cutoff=0.0)[0]
        raise ValueError(f"data set must be one of {', '.join(every)}, got {name!r}; did you mean {near!r}?")
    return every[name]
