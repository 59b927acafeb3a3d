"""Tables come by name or from a file, with features, a target, and the standard splits if their files exist.

table = tables.table("uci/yacht")       # breast_cancer, covertype and the nine UCI regression sets: `TABLES`
table.x, table.y                        # float64 [n, f] and [n]
train, held = table.split(3)            # row numbers; table.origin names the source of the splits
"""

import difflib
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from labkit.data import files, registry
from labkit.private import sklearn as private

HELD = 0.1  # fraction of rows held out if there are no split files
SEEDED, STANDARD = "seeded permutations, 90/10", "the standard split files"


@dataclass(frozen=True, eq=False)
class Table:
    """Features x [n, f] and target y [n], in float64, with the names of both.

    splits: for each standard split, the rows for training in their order, and the rows held out; or empty.
    note: what a reader of results must know, or "".
    """

    x: Float[Tensor, "n f"]
    y: Float[Tensor, " n"]
    features: tuple[str, ...]
    target: str
    splits: tuple[tuple[Int64[Tensor, " _"], Int64[Tensor, " _"]], ...] = ()
    note: str = ""

    @property
    def origin(self) -> str:
        """The source of the splits, as text."""
        return STANDARD if self.splits else SEEDED

    def split(self, number: int, seed: int = 0) -> tuple[Int64[Tensor, " _"], Int64[Tensor, " _"]]:
        """Return the rows for training and the rows held out of split 0, 1, ...: standard, or a random permutation.

        Args:
            seed: the seed of the permutation.

        Raises:
            ValueError: the split does not exist.
        """
        if not 0 <= number < (len(self.splits) or math.inf):
            raise ValueError(f"split must be {f'0 to {len(self.splits) - 1}' if self.splits else '>= 0'}, got {number}")
        if self.splits:
            return self.splits[number]
        order = torch.from_numpy(np.random.default_rng((seed, number)).permutation(len(self.y)))
        held = max(1, round(HELD * len(self.y)))
        return order[held:], order[:held]


def table(name: str) -> Table:
    """Return the table with that name; nothing is downloaded.

    Raises:
        ValueError: the name is unknown.
        FileNotFoundError: its file is missing.
        AlteredError: the file is truncated, altered or another file (also a ValueError).

    Warns:
        UserWarning: the file here only replaces the set.
    """
    if name == "breast_cancer":
        return _breast_cancer()
    known = registry.TABLES.get(name)
    if known is None:
        names = ["breast_cancer", *registry.TABLES]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise ValueError(f"table must be one of {', '.join(names)}, got {name!r}; did you mean {near!r}?")
    source, (path,) = files.locate(name, "all")
    content = files.read(path, source.files["all"][0], name)
    if name == "covertype":
        if source.warning:
            warnings.warn(f"covertype: {source.warning}", UserWarning, stacklevel=2)
        return _covertype(content, path.suffix == ".npz", source.note)
    return _uci(content, path.parent, known.features)


def _breast_cancer() -> Table:
    x, y, names = private.breast_cancer()
    return Table(torch.from_numpy(x), torch.from_numpy(y), names, "benign")


def _uci(content: bytes, folder: Path, features: int) -> Table:
    """Return the first `features` columns and the next one; index_test_K.txt in the folder lists held-out rows."""
    numbers = torch.from_numpy(np.loadtxt(io.BytesIO(content), ndmin=2))
    splits: list[tuple[Tensor, Tensor]] = []
    while (folder / f"index_test_{len(splits)}.txt").is_file():
        paths = (folder / f"index_{part}_{len(splits)}.txt" for part in ("train", "test"))
        train, held = (torch.from_numpy(np.loadtxt(path, ndmin=1).astype(np.int64)) for path in paths)
        splits.append((train, held))
    names = tuple(f"x{j + 1}" for j in range(features))
    return Table(numbers[:, :features].contiguous(), numbers[:, features].contiguous(), names, "y", tuple(splits))


def _covertype(content: bytes, stand_in: bool, note: str) -> Table:
    """Return 54 features, with both categories as zeros and ones; y is 1 for cover type 2, otherwise 0."""
    if stand_in:
        with np.load(io.BytesIO(content)) as found:
            numeric, area, soil, kind = (
                found[key] for key in ("numeric", "wilderness_area", "soil_type", "cover_type")
            )
            names = tuple(map(str, found["numeric_names"]))
        parts = [numeric, area[:, None] == np.arange(1, 5), soil[:, None] == np.arange(1, 41)]
        x = np.concatenate([part.astype(np.float64) for part in parts], 1)
    else:
        numbers = np.loadtxt(io.BytesIO(content), delimiter=",")
        x, kind, names = numbers[:, :54], numbers[:, 54], tuple(f"x{j + 1}" for j in range(10))
    names += tuple(f"wilderness {j}" for j in range(1, 5)) + tuple(f"soil {j}" for j in range(1, 41))
    y = torch.from_numpy(kind == 2).double()
    return Table(torch.from_numpy(np.ascontiguousarray(x)), y, names, "cover type 2", note=note)
