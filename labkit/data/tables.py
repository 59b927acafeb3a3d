"""Tables by name or from a file: features and a target, and the standard splits where their files are at hand.

table = tables.table("uci/yacht")       # breast_cancer, covertype and the nine UCI regression sets: `TABLES`
table.x, table.y                        # float64 [n, f] and [n]
train, held = table.split(3)            # row numbers; table.origin says where the splits come from
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

HELD = 0.1  # share of rows held out where no split files are at hand
SEEDED, STANDARD = "seeded permutations, 90/10", "the standard split files"


@dataclass(frozen=True, eq=False)
class Table:
    """Features x [n, f] and target y [n], in float64, with the names of both.

    splits: rows for training, in their order, and rows held out of each standard split; or none. note: what a reader of
    results must know, or "".
    """

    x: Float[Tensor, "n f"]
    y: Float[Tensor, " n"]
    features: tuple[str, ...]
    target: str
    splits: tuple[tuple[Int64[Tensor, " _"], Int64[Tensor, " _"]], ...] = ()
    note: str = ""

    @property
    def origin(self) -> str:
        """Where the splits come from, in words."""
        return STANDARD if self.splits else SEEDED

    def split(self, number: int, seed: int = 0) -> tuple[Int64[Tensor, " _"], Int64[Tensor, " _"]]:
        """Rows for training and rows held out of split 0, 1, ...: the standard ones, or by a seeded permutation.

        Raises:
            ValueError: there is no such split.
        """
        if not 0 <= number < (len(self.splits) or math.inf):
            raise ValueError(f"split must be {f'0 to {len(self.splits) - 1}' if self.splits else '>= 0'}, got {number}")
        if self.splits:
            return self.splits[number]
        order = torch.from_numpy(np.random.default_rng((seed, number)).permutation(len(self.y)))
        held = max(1, round(HELD * len(self.y)))
        return order[held:], order[:held]


def table(name: str) -> Table:
    """The table of that name; nothing is downloaded.

    Raises:
        ValueError: an unknown name.
        FileNotFoundError: its file is not here.
        AlteredError: the file is truncated, altered or another one (a ValueError too).

    Warns:
        UserWarning: what is there only stands in for the set.
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
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    x, y = torch.from_numpy(found.data).double(), torch.from_numpy(found.target).double()
    return Table(x, y, tuple(map(str, found.feature_names)), "benign")


def _uci(content: bytes, folder: Path, features: int) -> Table:
    """The first so many columns and the one after them; held-out rows from index_test_K.txt beside the file."""
    numbers = torch.from_numpy(np.loadtxt(io.BytesIO(content), ndmin=2))
    splits: list[tuple[Tensor, Tensor]] = []
    while (folder / f"index_test_{len(splits)}.txt").is_file():
        paths = (folder / f"index_{part}_{len(splits)}.txt" for part in ("train", "test"))
        train, held = (torch.from_numpy(np.loadtxt(path, ndmin=1).astype(np.int64)) for path in paths)
        splits.append((train, held))
    names = tuple(f"x{j + 1}" for j in range(features))
    return Table(numbers[:, :features].contiguous(), numbers[:, features].contiguous(), names, "y", tuple(splits))


def _covertype(content: bytes, stand_in: bool, note: str) -> Table:
    """54 features, both categories as ones and zeros; y is 1 for cover type 2, else 0."""
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
