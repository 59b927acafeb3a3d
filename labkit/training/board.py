"""This module writes TensorBoard's files if the extra `tensorboard` is installed and the settings request it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit import atomic
from labkit.training.settings import Settings
from labkit.training.task import NUMBERS, Record

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter
else:
    SummaryWriter = Any  # TensorBoard is optional

NAME = "tensorboard"  # inside the run's folder


class Board:
    """A writer of records as scalars and pictures; it does nothing unless the settings request it.

    Raises:
        ValueError: TensorBoard is requested but not installed.
    """

    def __init__(self, settings: Settings, folder: Path, step: int):
        self._folder = folder
        self._writer: SummaryWriter | None = None
        if not settings.tensorboard:
            return
        try:
            from torch.utils import tensorboard
        except ImportError:
            raise ValueError('TensorBoard is not installed; run pip install "labkit[tensorboard]"') from None
        self._writer = tensorboard.SummaryWriter(str(folder / NAME), purge_step=step + 1)

    def add(self, record: Record) -> None:
        """Write the numbers of a record.

        Raises:
            WriteError: the disk is full or cannot be written; also in `flush` and `close`.
        """
        if self._writer is not None:
            with atomic.named(self._folder / NAME):
                self._add(self._writer, record)

    def _add(self, writer: SummaryWriter, record: Record) -> None:
        for name in (*NUMBERS, "norm", "lr", "beta", "skipped", "rate"):
            writer.add_scalar(f"train/{name}", getattr(record, name), record.step)
        if (found := record.evaluation) is not None:
            for name in ("bound", "lx", "lz"):
                writer.add_scalar(f"test/{name}", getattr(found, name), record.step)
            for t, kl in enumerate(found.kl, 1):
                writer.add_scalar(f"kl/glimpse {t}", kl, record.step)
        if record.sheet is not None:
            axes = "HW" if record.sheet.ndim == 2 else "HWC"
            writer.add_image("samples", record.sheet, record.step, dataformats=axes)

    def flush(self) -> None:
        """Write records that are still in memory to disk."""
        if self._writer is not None:
            with atomic.named(self._folder / NAME):
                self._writer.flush()

    def close(self) -> None:
        """Write all records and close the files."""
        if self._writer is not None:
            with atomic.named(self._folder / NAME):
                self._writer.close()
