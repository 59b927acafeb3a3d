"""A run's folder: configuration, tables, sample sheets, checkpoints, exported weights.

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
LARGEST = 1 << 20  # bytes that are read of it
LOCK = ".lock"  # stays in the folder; the system gives it back when its process ends, however that ends


class CsvLog:
    """A CSV file that grows by rows, each with a column "step"."""

    def __init__(self, path: Path):
        self.path = path

    def cut(self, step: int) -> None:
        """Forget the rows after a step, and one that a killed process left unfinished."""
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
        """Append a row; floats are written so that they are read back to the last bit."""
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
    """The files of a run under one path.

    Attributes:
        metrics: a row a record. epochs: a row an evaluation, with the KL of each glimpse.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.checkpoints, self.samples = self.path / "checkpoints", self.path / "samples"
        self.metrics, self.epochs = CsvLog(self.path / "metrics.csv"), CsvLog(self.path / "epochs.csv")
        self._lock = FileLock(self.path / LOCK, thread_local=False)  # a page may end a run in another thread

    def claim(self, config: dict[str, Any]) -> None:
        """Make the folder this run's, or find that it is; until `release` no other training can claim it.

        Raises:
            ValueError: another training uses it now, or it holds a run of another configuration.
            OSError: it cannot be made or written.
        """
        with atomic.named(self.path / LOCK):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                raise ValueError(
                    f"another training writes into {self.path} now; wait for its end, or name another folder"
                ) from None
        for folder in (self.path, self.samples):
            atomic.sweep(folder)
        file = self.path / CONFIG
        if not file.exists():
            atomic.write(file, json.dumps(config, indent=2) + "\n")
            return
        # a run that was made before a setting existed has it at its default
        there = _flat({"settings": asdict(Settings())}) | _flat(read_config(self.path))
        mine = _flat(json.loads(json.dumps(config)))
        other = sorted(name for name in there.keys() | mine.keys() if there.get(name) != mine.get(name))
        if other:
            raise ValueError(
                f"{self.path} holds a run with another {', '.join(other[:4])}; name another folder, or resume that one"
            )

    def release(self) -> None:
        """Let another training claim the folder."""
        self._lock.release()

    def cut(self, step: int) -> None:
        """Go back to how the tables were after a step."""
        self.metrics.cut(step)
        self.epochs.cut(step)

    def sync(self) -> None:
        self.metrics.sync()
        self.epochs.sync()

    def sheet(self, picture: np.ndarray, epoch: int) -> Path:
        """Write a sample sheet and answer its path."""
        from PIL import Image

        path = self.samples / f"epoch-{epoch:04d}.png"
        with atomic.named(path):
            self.samples.mkdir(exist_ok=True)
        with atomic.replacing(path) as file:
            Image.fromarray(picture).save(file, format="png")
        return path


def read_config(path: Path | str) -> dict[str, Any]:
    """The configuration of a run: its kind in a word; config, facts and settings by name.

    Raises:
        ValueError: there is none, it cannot be read, or it is no configuration of a run.
    """
    file = Path(path) / CONFIG
    try:
        with file.open("rb") as content:
            found = json.loads(content.read(LARGEST))
    except FileNotFoundError:
        raise ValueError(f"{path} is no run: it has no {CONFIG}; name a folder that labkit train made") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); take another run") from None
    except (ValueError, RecursionError) as error:  # no JSON, no text, cut short, nested without end
        raise ValueError(f"{file} cannot be read ({str(error)[:120]}); take another run") from None
    parts = {"kind": str, "config": dict, "facts": dict, "settings": dict}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in parts.items()):
        raise ValueError(f"{file} must hold {', '.join(parts)}; take a folder that labkit train made")
    return found


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
