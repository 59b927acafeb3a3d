"""The runs of one directory: its own folders with a run's files; what leads out of it is not followed."""

from pathlib import Path

from labkit import models
from labkit.training.folder import CONFIG, Folder
from labkit.views.runs.state import State, inside, read

PREFIX = "runs/"  # of a run's name in an address


def folders(shelf: Path) -> list[Path]:
    """The folders of runs, damaged ones too, the one that was written last first; none where there is no directory."""
    try:
        found = [path for path in shelf.iterdir() if path.is_dir() and inside(path, shelf) and _marks(path)]
    except OSError:
        return []
    return sorted(found, key=_written, reverse=True)


def _marks(folder: Path) -> list[Path]:
    """The files by which a run is known."""
    run = Folder(folder)
    files = (folder / CONFIG, run.metrics.path, run.epochs.path, folder / models.EXPORT)
    return [file for file in files if file.is_file()]


def _written(folder: Path) -> float:
    times = []
    for file in _marks(folder):
        try:
            times.append(file.stat().st_mtime)
        except OSError:  # gone meanwhile
            continue
    return max(times, default=0.0)


def states(shelf: Path) -> dict[str, State | str]:
    """Name -> the run, or one line that says why it cannot be read; newest first."""
    found = {}
    for folder in folders(shelf):
        try:
            found[folder.name] = read(folder)
        except (ValueError, OSError) as error:
            found[folder.name] = str(error)
    return found


def networks(shelf: Path, kind: str) -> dict[str, str | Path]:
    """Name in an address -> what `labkit.load_checkpoint` takes: all of a kind, those of labkit and those of runs."""
    shipped = {name: name for name in models.shipped() if models.card(name)["kind"] == kind}
    return shipped | {PREFIX + folder.name: folder for folder in folders(shelf) if is_kind(folder, kind)}


def is_kind(folder: Path, kind: str) -> bool:
    """Whether a folder holds weights of a kind that can be loaded."""
    file = folder / models.EXPORT
    try:
        return inside(file, folder) and models.card(file)["kind"] == kind
    except (OSError, ValueError):
        return False
