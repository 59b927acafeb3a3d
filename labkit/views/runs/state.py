"""A run's folder as it is now: its tables, its sheets, how far it is; read while another process writes it.

Lines that are half written are left for the next look, files that are not there yet are empty tables, and links that
lead out of the folder are not followed.
"""

import re
import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from labkit.data import SETS
from labkit.models import EXPORT
from labkit.training import read_config
from labkit.training.folder import CONFIG, Folder

CURVES, ANIMATION = "curves.png", "training.gif"  # what `labkit train` leaves when it ends or is stopped
QUIET = 60.0  # seconds without a record, at least, after which a run that is not done counts as stopped
PATIENCE = 3  # times the longest wait for a record so far that may pass before that
LARGEST = 4096  # pixels of a sheet along an axis
PIXELS = 2048**2  # of a whole sheet
BYTES = {".json": 2**20, ".csv": 2**25, ".png": 2**25}  # of a file that is read, by its kind
DEPTH = 8  # levels of a configuration
MOST = 10**12  # of a setting that counts something

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class State:
    """A run after some steps; the numbers in nats, by column of its tables.

    Attributes:
        config: what config.json holds: kind, config, facts, settings.
        metrics: a row a record. epochs: a row an evaluation, with the KL of each glimpse as kl_1, kl_2, ...
        sheets: epoch -> file of its samples. shown: the epoch whose samples are `sheet`, uint8 (H, W) or (H, W, 3).
        touched: when a table was last written, seconds since 1970.
        left: its program has ended, for it has written its last pictures since.
        exported: it holds weights that can be loaded.
    """

    name: str
    config: dict[str, Any]
    metrics: Columns
    epochs: Columns
    sheets: dict[int, Path]
    touched: float
    left: bool = False
    exported: bool = False
    shown: int = 0
    sheet: np.ndarray | None = None

    @property
    def step(self) -> int:
        """Steps done, as far as the last record tells."""
        return int(_last(self.metrics, "step", 0))

    @property
    def steps(self) -> int | None:
        """Steps of the whole run; None while nothing tells how many an epoch has."""
        return self._setting("steps") or (self._per_epoch() or 0) * self._setting("epochs") or None

    def _setting(self, name: str) -> int:
        value = self.config["settings"].get(name)
        return value if isinstance(value, int) and 0 < value <= MOST else 0

    def _per_epoch(self) -> int | None:
        """From the record at the end of an epoch, else from the size of a known data set."""
        for table in (self.epochs, self.metrics):
            step, epoch = (table.get(name, np.zeros(0)) for name in ("step", "epoch"))
            ends = np.flatnonzero(np.diff(epoch)) if table is self.metrics else np.arange(len(epoch))
            if len(ends):
                return round(step[ends[0]] / epoch[ends[0]])
        known, batch = SETS.get(self.data), self._setting("batch_size")
        return known.splits["train"] // batch if known and batch else None

    @property
    def bound(self) -> float | None:
        """The newest on the test images; lower is better."""
        return _last(self.epochs, "bound", None)

    @property
    def data(self) -> str:
        return str(self.config["facts"].get("data", ""))

    @property
    def kind(self) -> str:
        return str(self.config["kind"])

    def kl(self) -> np.ndarray:
        """By evaluation and glimpse; NaN where it is not finite."""
        names = [f"kl_{t}" for t in range(1, len(self.epochs)) if f"kl_{t}" in self.epochs]
        found = np.stack([self.epochs[name] for name in names], 1) if names else np.zeros((0, 0))
        return np.where(np.isfinite(found), found, np.nan)

    def status(self, now: float) -> str:
        """ "done", "training" or "stopped", the last two told apart by how long nothing came.

        Args:
            now: seconds since 1970.
        """
        if self.steps and self.step >= self.steps:
            return "done"
        waits = np.diff(self.metrics.get("seconds", np.zeros(0)), prepend=0)
        quiet = max(QUIET, PATIENCE * float(waits.max(initial=0)))
        return "stopped" if self.left or now - self.touched > quiet else "training"


def _last(table: Columns, name: str, none: Any) -> Any:
    values = table.get(name, ())
    return float(values[-1]) if len(values) else none


def read(folder: Path) -> State:
    """The run of a folder; the same object again while nothing in it has changed.

    Raises:
        ValueError: its configuration is missing or is none.
        OSError: it cannot be read.
    """
    return _read(folder, tuple(map(_stamp, _files(folder))))


def _files(folder: Path) -> tuple[Path, ...]:
    run = Folder(folder)
    return folder / CONFIG, run.metrics.path, run.epochs.path, run.samples, folder / CURVES, folder / EXPORT


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file or folder does; None where there is none inside the run's folder."""
    try:
        about = path.stat()
    except OSError:
        return None
    plain = stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)  # a pipe would be waited for
    return (about.st_mtime_ns, about.st_size) if plain and inside(path, path.parent) else None


def inside(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, stays in a folder."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except RuntimeError:  # links that lead to each other
        return False


def _bounded(path: Path) -> Path:
    """Return the path of a file that is small enough to be read."""
    size, most = path.stat().st_size, BYTES[path.suffix]
    if size > most:
        raise ValueError(f"{path.name} has {size:,} bytes; one of up to {most:,} is read")
    return path


@lru_cache(maxsize=256)
def _read(folder: Path, stamps: tuple) -> State:
    config, metrics, epochs, samples, curves, export = stamps
    about = _config(folder, config is not None)
    tables = [time for time, _ in filter(None, (metrics, epochs))]
    run = Folder(folder)
    return State(
        name=folder.name,
        config=about,
        metrics=table(run.metrics.path) if metrics else {},
        epochs=table(run.epochs.path) if epochs else {},
        sheets=_sheets(run.samples) if samples else {},
        touched=max([config[0], *tables]) / 1e9,
        left=curves is not None and curves[0] >= max(tables, default=0),
        exported=export is not None,
    )


def _config(folder: Path, there: bool) -> dict[str, Any]:
    if there:
        _bounded(folder / CONFIG)
    elif (folder / CONFIG).exists():
        raise ValueError(f"{CONFIG} must be a plain file of its folder; take a folder that labkit train made")
    found = read_config(folder)
    if _depth(found) > DEPTH:
        raise ValueError(f"{CONFIG} is nested deeper than {DEPTH} levels; take a folder that labkit train made")
    return found


def _depth(value: Any) -> int:
    """How many levels of lists and dictionaries a value has; one more than DEPTH stands for all that are deeper."""
    level, depth = [value], 0
    while depth <= DEPTH and (level := [each for each in level if isinstance(each, dict | list)]):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        depth += 1
    return depth


def table(path: Path) -> Columns:
    """The whole rows of a run's CSV file by column; those that are not numbers at a step are left out."""
    lines = (
        _bounded(path).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    )  # the rest is still being written
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


def showing(state: State, epoch: int | None = None) -> State:
    """The state with the samples of an epoch, the newest where it has no such epoch; without any it stays.

    Raises:
        ValueError: the sheet cannot be read.
    """
    if not state.sheets:
        return state
    epoch = epoch if epoch in state.sheets else max(state.sheets)
    path = state.sheets[epoch]
    try:
        return replace(state, shown=epoch, sheet=_pixels(path, _stamp(path)))
    except Exception as error:  # Pillow has many for a file that is no PNG, or one made to fill the memory
        raise ValueError(f"{path.name} cannot be read ({error}); the next evaluation may write it again") from None


@lru_cache(maxsize=32)
def _pixels(path: Path, _as_it_was: tuple | None) -> np.ndarray:
    wide, high = _announced(_bounded(path))
    if max(wide, high) > LARGEST or wide * high > PIXELS:
        raise OSError(f"at most {PIXELS:,} pixels, {LARGEST} along an axis, are shown, got {wide} x {high}")
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _announced(path: Path) -> tuple[int, int]:
    """Return the width and height that a PNG file gives at its beginning."""
    with path.open("rb") as file:
        head = file.read(24)
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
