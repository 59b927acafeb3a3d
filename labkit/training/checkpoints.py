"""Checkpoints of a run are one file each, written atomically; the last two are kept."""

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
    """Write the state as the newest checkpoint of the folder, keep only the last two, and return its path.

    Args:
        state: tensors, numbers, strings, and lists and dicts of them; all of `PARTS` except the format.

    Raises:
        OSError: the file could not be written; older checkpoints are unchanged.
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
    """Return the checkpoints of a folder, oldest first."""
    return sorted(folder.glob("step-*.pt"))


def newest(folder: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint that can be read, or `None` in an empty folder; warn about a damaged one.

    Raises:
        ValueError: a file is not a labkit checkpoint, or no checkpoint is complete.
    """
    atomic.sweep(folder)  # files of a run that was killed while it wrote
    paths = found(folder)
    for path in reversed(paths):
        try:
            return load(path)
        except EOFError as error:
            warnings.warn(f"{error}; the run continues from the previous checkpoint", stacklevel=2)
            torn = error
    if paths:
        raise ValueError(f"{torn}, and no previous checkpoint is complete; start the run again in another folder")
    return None


def load(path: Path) -> dict[str, Any]:
    """Return the state in a file, without running any code in it.

    Raises:
        EOFError: the file is incomplete or damaged.
        ValueError: the file is not a labkit checkpoint.
    """
    if not _whole(path):
        raise EOFError(f"checkpoint {path} is incomplete or damaged")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        why = next((line for line in str(error).splitlines() if "GLOBAL" in line), "not a file of torch.save").strip()
        raise ValueError(f"checkpoint {path} contains more than tensors and numbers ({why[:150]}); delete it") from None
    missing = PARTS - state.keys() if isinstance(state, dict) else PARTS
    if missing:
        raise ValueError(f"checkpoint {path} has no {', '.join(sorted(missing))}, so it is not labkit's; delete it")
    if state["format"] != FORMAT:
        raise ValueError(f"checkpoint {path} must have format {FORMAT}, got {state['format']}; install a newer labkit")
    return state


def _whole(path: Path) -> bool:
    """Return whether a file is a zip archive, as torch writes it, with correct checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        return False
