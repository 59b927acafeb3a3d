"""The particles of a state as a table for other programs: names of the columns, and rows."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import numpy as np

from labkit import svgd
from labkit.experiments.svgd.comparison import Pair
from labkit.experiments.svgd.particles import Sample


def particles(state: Sample | Pair) -> tuple[list[str], Iterator[list[Any]]]:
    """Return columns and one row per particle: its number, its coordinates, its score and phi.

    Score and phi are left out if the state has none. A `Pair` of states has a first column `run`. A state of several
    runs counts them in this column.
    """
    runs = {"left": state.left, "right": state.right} if isinstance(state, Pair) else {"": state}
    tables = {name: _fields(run) for name, run in runs.items()}
    fields = list(dict.fromkeys(chain.from_iterable(tables.values())))
    dims = max(table["x"].shape[-1] for table in tables.values())
    rows = [row for name, table in tables.items() for row in _rows(name, table, fields, dims)]
    named = any(row[0] != "" for row in rows)
    header = ["run", "particle", *(f"{field}{i + 1}" for field in fields for i in range(dims))]
    return header[not named :], (row[not named :] for row in rows)


def _fields(state: Sample) -> dict[str, np.ndarray]:
    """Return the columns of a state, each [..., n, d]."""
    found = {"x": state.x}
    if isinstance(state, svgd.State):
        found |= {"score": state.score, "phi": state.phi}
    return {name: values.numpy(force=True) for name, values in found.items()}


def _rows(name: str, table: dict[str, np.ndarray], fields: list[str], dims: int) -> Iterator[list[Any]]:
    """Yield one row per particle: run, number, coordinates of every field; empty if a run does not have the field."""
    *runs, _, _ = table["x"].shape
    for run in np.ndindex(*runs):
        label = " ".join(filter(None, [name, *map(str, run)]))
        parts = [table[field][run].tolist() if field in table else repeat([]) for field in fields]
        for i, row in enumerate(zip(*parts, strict=False)):
            yield [label, i, *chain.from_iterable([*part, *[""] * (dims - len(part))] for part in row)]
