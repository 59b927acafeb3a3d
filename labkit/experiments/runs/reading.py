"""A run's current folder, read while another process writes it.

Incomplete lines wait for the next reading, and missing files are empty tables. Links to other folders are not followed.
"""

import re
import stat
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from labkit.experiments.runs.state import RunState, Table
from labkit.models import EXPORT
from labkit.training import read_config
from labkit.training.folder import CONFIG, Folder

CURVES, ANIMATION = "curves.png", "training.gif"  # files that `labkit train` writes when it ends or is stopped
LARGEST = 4096  # maximum pixels of a sheet along an axis
PIXELS = 2048**2  # maximum pixels of a sheet
BYTES = {".json": 2**20, ".csv": 2**25, ".png": 2**25}  # maximum size of a file, by its kind
DEPTH = 8  # maximum levels of a configuration

Stamp = tuple[int, int]  # time of the last change of a file, in nanoseconds, and its size in bytes


def read(folder: Path) -> RunState:
    """Return the run of a folder; the same object again until something in it changes.

    Raises:
        ValueError: its configuration is missing or wrong.
        OSError: it cannot be read.
    """
    return _read(folder, tuple(map(_stamp, _files(folder))))


def _files(folder: Path) -> tuple[Path, ...]:
    run = Folder(folder)
    return folder / CONFIG, run.metrics.path, run.epochs.path, run.samples, folder / CURVES, folder / EXPORT


def _stamp(path: Path) -> Stamp | None:
    """Return a stamp that changes with a file or folder; None if it does not exist in the run's folder."""
    try:
        about = path.stat()
    except OSError:
        return None
    plain = stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)  # reading a pipe would block
    return (about.st_mtime_ns, about.st_size) if plain and inside(path, path.parent) else None


def inside(path: Path, folder: Path) -> bool:
    """Return whether a path is in a folder, after following links."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except RuntimeError:  # links in a circle
        return False


def _bounded(path: Path) -> Path:
    """Return the path of a file if it is small enough."""
    size, most = path.stat().st_size, BYTES[path.suffix]
    if size > most:
        raise ValueError(f"{path.name} has {size:,} bytes; at most {most:,} are read")
    return path


@lru_cache(maxsize=256)
def _read(folder: Path, stamps: tuple[Stamp | None, ...]) -> RunState:
    config, metrics, epochs, samples, curves, export = stamps
    about = _config(folder, config is not None)
    tables = [time for time, _ in filter(None, (metrics, epochs))]
    run = Folder(folder)
    return RunState(
        name=folder.name,
        config=about,
        metrics=table(run.metrics.path) if metrics else {},
        epochs=table(run.epochs.path) if epochs else {},
        sheets=_sheets(run.samples) if samples else {},
        touched=max(time for time, _ in filter(None, (config, metrics, epochs))) / 1e9,
        left=curves is not None and curves[0] >= max(tables, default=0),
        exported=export is not None,
    )


def _config(folder: Path, there: bool) -> dict[str, Any]:
    if there:
        _bounded(folder / CONFIG)
    elif (folder / CONFIG).exists():
        raise ValueError(f"{CONFIG} is not a plain file of its folder; choose a folder that labkit train made")
    found = read_config(folder)
    if _depth(found) > DEPTH:
        raise ValueError(f"{CONFIG} is nested deeper than {DEPTH} levels; choose a folder that labkit train made")
    return found


def _depth(value: Any) -> int:
    """Return the number of levels of lists and dictionaries in a value; DEPTH + 1 means DEPTH + 1 or more."""
    level, depth = [value], 0
    while depth <= DEPTH and (level := [each for each in level if isinstance(each, dict | list)]):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        depth += 1
    return depth


def table(path: Path) -> Table:
    """Return the complete rows of a run's CSV file by column, without rows that are not numbers at a step."""
    text = _bounded(path).read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")[:-1]  # the last line may be incomplete
    names = lines[0].split(",") if lines else []
    if not {"step", "epoch"} <= set(names):
        return {}
    rows = [row for row in map(_numbers, lines[1:]) if len(row) == len(names)]
    found = dict(zip(names, np.array(rows).reshape(-1, len(names)).T, strict=True))
    good = np.isfinite(found["step"] + found["epoch"]) & (np.minimum(found["step"], found["epoch"]) > 0)
    return {name: values[good] for name, values in found.items()}


def _numbers(line: str) -> list[float]:
    try:
        return [float(word) for word in line.split(",")]
    except ValueError:
        return []


def _sheets(samples: Path) -> dict[int, Path]:
    named = ((re.fullmatch(r"epoch-(\d{1,9})\.png", path.name), path) for path in samples.iterdir())
    found = {int(match[1]): path for match, path in named if match and inside(path, samples)}
    return dict(sorted(found.items()))


def with_samples(state: RunState, epoch: int | None = None) -> RunState:
    """Return the state with the samples of an epoch. If there are none, it shows the newest samples, or stays the same.

    Raises:
        ValueError: the sheet cannot be read.
    """
    if not state.sheets:
        return state
    epoch = epoch if epoch in state.sheets else max(state.sheets)
    path = state.sheets[epoch]
    try:
        return replace(state, shown=epoch, sheet=_pixels(path, _stamp(path)))
    except Exception as error:  # Pillow raises many kinds for a file that is not a PNG, or that would fill the memory
        raise ValueError(f"{path.name} cannot be read ({error}); the next evaluation may write it again") from None


@lru_cache(maxsize=32)
def _pixels(path: Path, _as_it_was: Stamp | None) -> np.ndarray:
    wide, high = _announced(_bounded(path))
    if max(wide, high) > LARGEST or wide * high > PIXELS:
        raise OSError(f"it is {wide} x {high}; at most {PIXELS:,} pixels are shown, {LARGEST} along an axis")
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _announced(path: Path) -> tuple[int, int]:
    """Return the width and height in the header of a PNG file."""
    with path.open("rb") as file:
        head = file.read(24)
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
