"""`load` returns the tensors of a set by its name; the cache keeps arrays that are slow to unpack."""

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
    """Return the images of one split, uint8 [n, c, h, w], and their labels, int64 [n], or `None` without labels.

    For a table, split "all" returns x [n, f] and y [n], float64; `tables.table` has its standard splits too.

    Nothing is downloaded. The bytes of the files are verified, unless the cache has unpacked arrays of unchanged files.
    Black or background is 0, ink or light is 255.

    Raises:
        ValueError: the name or the split is unknown.
        FileNotFoundError: a file is missing.
        AlteredError: a file is truncated, altered or another file (also a ValueError).

    Warns:
        UserWarning: the files here only replace the set (its first images, or images resized in another way).
    """
    if name == "breast_cancer" or isinstance(wanted := registry.find(name), registry.Columns):
        if split != "all":
            raise ValueError(f"split of {name} must be all, got {split!r}; `data.table({name!r}).split(k)` divides it")
        found = tables.table(name)
        return found.x, found.y
    if split not in wanted.splits:
        raise ValueError(f"split of {name} must be {' or '.join(wanted.splits)}, got {split!r}; choose one of these")
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
            raise ValueError(f"there must be n images {shape} and n labels, got {images.shape} and {shapes[1]} labels")
    except Exception as error:  # a parser may raise any error for bytes without a known checksum
        named = " and ".join(map(str, paths))
        raise files.AlteredError(
            f"{named} cannot be read as {name}: {error}; remove it, then run `labkit data fetch {name}`"
        ) from error
    return images, labels


def _kept(name: str, split: str, source: registry.Source, paths: list[Path]) -> Arrays:
    """Return the arrays unpacked earlier from these files, or unpack and keep them."""
    kept, stamp = files.cache() / name / f"{split}.npz", _stamp(paths)
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # none, or damaged: unpack again
        with np.load(kept) as found:
            if str(found["stamp"]) == stamp:
                return found["images"], found["labels"] if "labels" in found else None
    images, labels = _read(name, split, source, paths)
    with suppress(OSError):  # without a writable cache, loading is slower but works
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(kept) as out:
            if labels is None:
                np.savez(out, stamp=stamp, images=images)
            else:
                np.savez(out, stamp=stamp, images=images, labels=labels)
    return images, labels


def _stamp(paths: list[Path]) -> str:
    """Return a text that changes when one of the files changes."""
    stats = [(str(path.resolve()), os.stat(path)) for path in paths]
    return json.dumps([(path, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for path, each in stats])
