"""The second process of the engine takes the next steps of many runs before they are due.

Meanwhile this process renders frames and serves pages, see `labkit.engine_process`.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import torch

from labkit.engine import engine
from labkit.engine_process import EndedError
from labkit.experiments.shared import Latest
from labkit.experiments.svgd.batch import Batch, joined
from labkit.experiments.svgd.particles import ParticlesSettings

CHUNK = 8  # steps in a call of the process


class Ahead:
    """Steps that were taken before they were due. They are for one batch of runs, and for its settings."""

    def __init__(self) -> None:
        self._end: tuple[Batch | None, Hashable] = None, None  # the last batch that was taken, and its settings
        self._ready: deque[Batch] = deque()  # the steps after it
        self._coming: Future[Any] | None = None  # the steps after these
        self._refused: Hashable = None  # settings with which the process failed

    def take(self, batch: Batch, settings: Hashable, values: dict[str, Any], most: int) -> list[Batch]:
        """Return the batch after each of the next steps, at most `most`; none if the caller must take a step.

        Args:
            settings: what the step depends on. values: of `ParticlesSettings`, by name.
        """
        if settings == self._refused or batch.moving.device.type != "cpu":
            return []
        try:
            return self._take(batch, settings, values, most)
        except RuntimeError as error:  # for example, it does not know a target that was registered here
            self._coming = None
            self._refused = self._refused if isinstance(error, EndedError) else settings
            return []

    def _take(self, batch: Batch, settings: Hashable, values: dict[str, Any], most: int) -> list[Batch]:
        if self._end[0] is not batch or self._end[1] != settings:
            # other runs, other settings, or a run was changed: the ready steps are useless
            self._end = None, None
            self._ready.clear()
            if most < 2 or (self._coming is not None and not self._coming.done()):
                return []
            self._coming = _asked(values, batch, most)
        if self._coming is not None and (self._coming.done() or not self._ready):
            self._ready.extend(Batch(*map(torch.from_numpy, parts)) for parts in self._coming.result())
            self._coming = None
        if not self._ready:
            return []
        if self._coming is None and len(self._ready) <= CHUNK:
            self._coming = _asked(values, self._ready[-1], CHUNK)
        found = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        self._end = found[-1], settings
        return found


def _asked(values: dict[str, Any], batch: Batch, steps: int) -> Future[Any] | None:
    """Ask the process for the steps after a batch."""
    values = {name: value for name, value in values.items() if name != "name"}
    return engine().process.call(f"{__name__}:stepped", values, [each.numpy() for each in batch], steps)


_settings = Latest[ParticlesSettings]()


def stepped(values: dict[str, Any], parts: Sequence[np.ndarray], steps: int) -> list[list[np.ndarray]]:
    """Return the parts of a `Batch` after each of the next steps. This runs in the second process."""
    run, found = _settings.take(values, lambda: ParticlesSettings(**values)), list[list[np.ndarray]]()
    batch = Batch(*map(torch.from_numpy, parts))
    for _ in range(steps):
        batch = joined(run.step(batch.state()))
        found.append([each.numpy() for each in batch])
    return found
