"""Checkpoints of a run: a file each, written atomically, the last two kept."""

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from labkit import atomic

FORMAT = 1
KEEP = 2
PARTS = {"format", "step", "seconds", "module", "average", "optimizer", "generators", "skipped", "facts"}


def save(folder: Path, state: dict[str, Any]) -> Path:
    """Write the state as the newest checkpoint of the folder, and drop all but the last two.

    Args:
        state: tensors, numbers, strings, and lists and dicts of them; `PARTS` but the format.

    Raises:
        OSError: it could not be written; those that were there still are.
    """
    path = folder / f"step-{state['step']:09d}.pt"
    with atomic.named(path):
        folder.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as file:
        torch.save({"format": FORMAT, **state}, file)
    for old in found(folder)[:-KEEP]:
        old.unlink()
    return path


def found(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(folder.glob("step-*.pt"))


def newest(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint that can be read, None if there is none; one that is cut short is passed over, warned of.

    Raises:
        ValueError: a file that is no checkpoint of labkit, or none that is whole.
    """
    atomic.sweep(folder)  # of a run that was killed while it wrote
    paths = found(folder)
    for path in reversed(paths):
        try:
            return load(path)
        except EOFError as error:
            warnings.warn(f"{error}; going on from the one before", stacklevel=2)
            torn = error
    if paths:
        raise ValueError(f"{torn}, and there is no whole one before it; start the run again in another folder")
    return None


def load(path: Path) -> dict[str, Any]:
    """The state in a file; code in it is not run.

    Raises:
        EOFError: the file is cut short or damaged.
        ValueError: it is something else than a checkpoint of labkit.
    """
    if not _whole(path):
        raise EOFError(f"checkpoint {path} is cut short or damaged")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        why = next((line for line in str(error).splitlines() if "GLOBAL" in line), "no state of torch.save").strip()
        raise ValueError(f"checkpoint {path} holds more than tensors and numbers ({why[:150]}); delete it") from None
    missing = PARTS - state.keys() if isinstance(state, dict) else PARTS
    if missing:
        raise ValueError(f"checkpoint {path} lacks {', '.join(sorted(missing))}: it is not one of labkit's; delete it")
    if state["format"] != FORMAT:
        raise ValueError(f"checkpoint {path} must be of format {FORMAT}, got {state['format']}; install a newer labkit")
    return state


def _whole(path: Path) -> bool:
    """Whether a file is a zip archive, as torch writes, with all its checksums right."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        return False
