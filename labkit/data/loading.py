"""`load`: from a name to tensors; arrays that were slow to unpack are kept in the cache for the next time."""

import json
import os
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from labkit import atomic
from labkit.data import files, registry, tables
from labkit.data.readers import Arrays


def load(name: str, split: str) -> tuple[Tensor, Tensor | None]:
    """The images of one split, uint8 [n, c, h, w], and their labels, int64 [n], where the set has any.

    Of a table, split "all": x [n, f] and y [n], float64; `tables.table` has its standard splits too.

    Nothing is downloaded. The bytes of the files are verified, except where arrays unpacked earlier are kept and the
    files have not been touched since. Black or background is 0, ink or light 255.

    Raises:
        ValueError: an unknown name, or a split that the set has not.
        FileNotFoundError: a file is missing.
        AlteredError: a file is truncated, altered or another one (a ValueError too).

    Warns:
        UserWarning: what is there only stands in for the set (a prefix, an own resize).
    """
    if name == "breast_cancer" or isinstance(wanted := registry.find(name), registry.Columns):
        if split != "all":
            raise ValueError(f"split of {name} must be all, got {split!r}; `data.table({name!r}).split(k)` divides it")
        found = tables.table(name)
        return found.x, found.y
    if split not in wanted.splits:
        raise ValueError(f"split of {name} must be {' or '.join(wanted.splits)}, got {split!r}; there is no other")
    source, paths = files.locate(name, split)
    images, labels = _kept(name, split, source, paths) if source.keep else _read(name, split, source, paths)
    if source.warning:
        proper = f"the set itself has {wanted.splits[split]:,}; `labkit data fetch {name}` downloads it"
        warnings.warn(f"{name} {split}, N = {len(images):,}: {source.warning}; {proper}", UserWarning, stacklevel=2)
    pixels = torch.from_numpy(np.require(images, np.uint8, ["C", "W"]))
    return pixels, None if labels is None else torch.from_numpy(np.array(labels, dtype=np.int64))


def _read(name: str, split: str, source: registry.Source, paths: list[Path]) -> Arrays:
    contents = [files.read(path, file, name) for path, file in zip(paths, source.files[split], strict=True)]
    try:
        images, labels = source.read(contents, split)
        shape, shapes = registry.SETS[name].shape, (images.shape[1:], len(images) if labels is None else len(labels))
        if shapes != (shape, len(images)):
            raise ValueError(f"n images {shape} and n labels were wanted, got {images.shape} and {shapes[1]} labels")
    except Exception as error:  # whatever a parser makes of bytes that were accepted without a known checksum
        named = " and ".join(map(str, paths))
        raise files.AlteredError(
            f"{named} cannot be read as {name}: {error}; remove it, then run `labkit data fetch {name}`"
        ) from error
    return images, labels


def _kept(name: str, split: str, source: registry.Source, paths: list[Path]) -> Arrays:
    """The arrays unpacked earlier from these very files, else unpacked now and kept."""
    kept, stamp = files.cache() / name / f"{split}.npz", _stamp(paths)
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # none yet, or damaged: made anew
        with np.load(kept) as found:
            if str(found["stamp"]) == stamp:
                return found["images"], found["labels"] if "labels" in found else None
    images, labels = _read(name, split, source, paths)
    with suppress(OSError):  # a cache that cannot be written costs time, not the load
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(kept) as out:
            if labels is None:
                np.savez(out, stamp=stamp, images=images)
            else:
                np.savez(out, stamp=stamp, images=images, labels=labels)
    return images, labels


def _stamp(paths: list[Path]) -> str:
    """What changes when one of the files does."""
    stats = [(str(path.resolve()), os.stat(path)) for path in paths]
    return json.dumps([(path, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for path, each in stats])
