"""The state of a training run of any method: its tables, its samples, and its progress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labkit.data import SETS

QUIET = 60.0  # minimum seconds without a record after which an unfinished run counts as stopped
PATIENCE = 3  # and at least this multiple of the longest wait for a record so far
MOST = 10**12  # maximum of a setting that is a number of things

Table = dict[str, np.ndarray]  # column -> numbers


@dataclass(frozen=True, eq=False)
class RunState:
    """A run after some steps; its tables have values in nats, by column.

    Attributes:
        config: contents of config.json: kind, config, facts, settings.
        metrics: one row per record. epochs: one row per evaluation, with the KL of each glimpse as kl_1, kl_2, ...
        sheets: epoch -> file of its samples. shown: the epoch whose samples are `sheet`, uint8 (H, W) or (H, W, 3).
        touched: time when a table was last written, in seconds since 1970.
        left: whether its program has ended: it has written its last pictures after the tables.
        exported: whether it has weights that can be loaded.
    """

    name: str
    config: dict[str, Any]
    metrics: Table
    epochs: Table
    sheets: dict[int, Path]
    touched: float
    left: bool = False
    exported: bool = False
    shown: int = 0
    sheet: np.ndarray | None = None

    @property
    def step(self) -> int:
        """Number of steps in the last record."""
        return int(_last(self.metrics, "step", 0))

    @property
    def steps(self) -> int | None:
        """Number of steps of the whole run; None if the number per epoch is unknown."""
        return self._setting("steps") or (self._per_epoch() or 0) * self._setting("epochs") or None

    def _setting(self, name: str) -> int:
        value = self.config["settings"].get(name)
        return value if isinstance(value, int) and 0 < value <= MOST else 0

    def _per_epoch(self) -> int | None:
        """Return the steps per epoch: from the record at the end of an epoch, or from the size of a known data set."""
        for table in (self.epochs, self.metrics):
            step, epoch = (table.get(name, np.zeros(0)) for name in ("step", "epoch"))
            ends = np.flatnonzero(np.diff(epoch)) if table is self.metrics else np.arange(len(epoch))
            if len(ends):
                return round(step[ends[0]] / epoch[ends[0]])
        known, batch = SETS.get(self.data), self._setting("batch_size")
        return known.splits["train"] // batch if known and batch else None

    @property
    def bound(self) -> float | None:
        """The newest bound on the test images; lower is better."""
        return _last(self.epochs, "bound", None)

    @property
    def data(self) -> str:
        return str(self.config["facts"].get("data", ""))

    @property
    def kind(self) -> str:
        return str(self.config["kind"])

    def kl(self) -> np.ndarray:
        """Return the KL by evaluation and glimpse; NaN if it is not finite."""
        names = [f"kl_{t}" for t in range(1, len(self.epochs)) if f"kl_{t}" in self.epochs]
        found = np.stack([self.epochs[name] for name in names], 1) if names else np.zeros((0, 0))
        return np.where(np.isfinite(found), found, np.nan)

    def status(self, now: float) -> str:
        """Return "done", "training" or "stopped". The time since the last record distinguishes the last two.

        Args:
            now: seconds since 1970.
        """
        if self.steps and self.step >= self.steps:
            return "done"
        waits = np.diff(self.metrics.get("seconds", np.zeros(0)), prepend=0)
        quiet = max(QUIET, PATIENCE * float(waits.max(initial=0)))
        return "stopped" if self.left or now - self.touched > quiet else "training"


def _last(table: Table, name: str, none: Any) -> Any:
    values = table.get(name, np.zeros(0))
    return float(values[-1]) if len(values) else none
