"""A run's folder holds configuration, tables, sample sheets, checkpoints and exported weights.

config.json  metrics.csv  epochs.csv  model.safetensors  samples/epoch-0001.png  checkpoints/step-000000600.pt
"""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from labkit import atomic
from labkit.training.settings import Settings

CONFIG = "config.json"
LARGEST = 1 << 20  # bytes read from it at most
LOCK = ".lock"  # the file stays; the system releases the lock when its process ends for any reason


class CsvLog:
    """A CSV file that grows by rows, with a column "step"."""

    def __init__(self, path: Path):
        self.path = path

    def cut(self, step: int) -> None:
        """Remove the rows after a step, and a row that a killed process did not finish."""
        if not self.path.exists():
            return
        lines = self.path.read_text().splitlines(keepends=True)
        if not lines or not lines[0].endswith("\n"):
            self.path.unlink()
            return
        at = next(csv.reader(lines[:1])).index("step")
        rows = [line for line in lines[1:] if line.endswith("\n") and int(line.split(",")[at]) <= step]
        atomic.write(self.path, "".join([lines[0], *rows]))

    def add(self, row: dict[str, Any]) -> None:
        """Append a row; floats are written with all digits."""
        new = not self.path.exists()
        text = io.StringIO()
        writer = csv.DictWriter(text, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
        atomic.append(self.path, text.getvalue())

    def sync(self) -> None:
        """Force the rows to disk."""
        if self.path.exists():
            atomic.sync(self.path)


class Folder:
    """The files of a run in one folder.

    Attributes:
        metrics: one row per record.
        epochs: one row per evaluation, with the KL of each glimpse.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.checkpoints, self.samples = self.path / "checkpoints", self.path / "samples"
        self.metrics, self.epochs = CsvLog(self.path / "metrics.csv"), CsvLog(self.path / "epochs.csv")
        self._lock = FileLock(self.path / LOCK, thread_local=False)  # a page may end a run in another thread

    def claim(self, config: dict[str, Any]) -> None:
        """Reserve the folder for this run until `release`, so that no other training can use it.

        A folder that exists must hold this run.

        Raises:
            ValueError: another training uses it now, or it holds a run with another configuration.
            OSError: it cannot be created or written.
        """
        with atomic.named(self.path / LOCK):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                raise ValueError(
                    f"another training writes into {self.path} now; wait until it ends, or name another folder"
                ) from None
        for folder in (self.path, self.samples):
            atomic.sweep(folder)
        file = self.path / CONFIG
        if not file.exists():
            atomic.write(file, json.dumps(config, indent=2) + "\n")
            return
        # for a run from before a setting existed, the setting has its default
        there = _flat({"settings": asdict(Settings())}) | _flat(read_config(self.path))
        mine = _flat(json.loads(json.dumps(config)))
        other = sorted(name for name in there.keys() | mine.keys() if there.get(name) != mine.get(name))
        if other:
            raise ValueError(
                f"{self.path} holds a run with another {', '.join(other[:4])}; name another folder, or resume that run"
            )

    def release(self) -> None:
        """Let another training use the folder."""
        self._lock.release()

    def cut(self, step: int) -> None:
        """Restore the tables to their state after a step."""
        self.metrics.cut(step)
        self.epochs.cut(step)

    def sync(self) -> None:
        """Force the rows of both tables to disk."""
        self.metrics.sync()
        self.epochs.sync()

    def sheet(self, picture: np.ndarray, epoch: int) -> Path:
        """Write a sample sheet and return its path."""
        from PIL import Image

        path = self.samples / f"epoch-{epoch:04d}.png"
        with atomic.named(path):
            self.samples.mkdir(exist_ok=True)
        with atomic.replacing(path) as file:
            Image.fromarray(picture).save(file, format="png")
        return path


def read_config(path: Path | str) -> dict[str, Any]:
    """Return the configuration of a run: its kind as a word; config, facts and settings as dicts.

    Raises:
        ValueError: the file does not exist, cannot be read, or is not the configuration of a run.
    """
    file = Path(path) / CONFIG
    try:
        with file.open("rb") as content:
            found = json.loads(content.read(LARGEST))
    except FileNotFoundError:
        raise ValueError(f"{path} is not a run: it has no {CONFIG}; name a folder that labkit train made") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); choose another run") from None
    except (ValueError, RecursionError) as error:  # not JSON, not text, incomplete, or nested too deeply
        raise ValueError(f"{file} cannot be read ({str(error)[:120]}); choose another run") from None
    parts = {"kind": str, "config": dict, "facts": dict, "settings": dict}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in parts.items()):
        raise ValueError(f"{file} must hold {', '.join(parts)}; name a folder that labkit train made")
    return found


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
