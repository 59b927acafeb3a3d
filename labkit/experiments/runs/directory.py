"""The runs of one directory: its own folders with a run's files; links out of it are not followed.

Whatever is wrong with a folder is one line about it, and the others are shown.
"""

import textwrap
from pathlib import Path

from labkit import models
from labkit.experiments.runs.reading import inside, read
from labkit.experiments.runs.state import RunState
from labkit.training.folder import CONFIG, Folder

PREFIX = "runs/"  # of a run's name in an address
REASON = 300  # characters of the line that says why a folder cannot be read


def folders(place: Path) -> list[Path]:
    """Return the folders of runs, damaged ones too, last written first; none where there is no directory."""
    try:
        found = [path for path in place.iterdir() if _is_run(path, place)]
    except OSError:
        return []
    return sorted(found, key=_written, reverse=True)


def _is_run(path: Path, place: Path) -> bool:
    """Whether a path is a folder of the directory with a run's files, or one that may not be opened."""
    try:
        return path.is_dir() and inside(path, place) and bool(_marks(path))
    except OSError:
        return True


def _marks(folder: Path) -> list[Path]:
    """The files by which a run is known."""
    run = Folder(folder)
    files = (folder / CONFIG, run.metrics.path, run.epochs.path, folder / models.EXPORT)
    return [file for file in files if file.is_file()]


def _written(folder: Path) -> float:
    try:
        return max((file.stat().st_mtime for file in _marks(folder)), default=0.0)
    except OSError:  # it may not be opened, or a file is gone meanwhile
        return 0.0


def states(place: Path) -> dict[str, RunState | str]:
    """Return name -> the run, or one line that says why it cannot be read; newest first."""
    return dict(map(_state, folders(place)))


def _state(folder: Path) -> tuple[str, RunState | str]:
    try:
        folder.name.encode()
    except UnicodeError:
        return folder.name.encode("utf-8", "replace").decode(), "the folder's name is not UTF-8; rename it"
    try:
        return folder.name, read(folder)
    except Exception as error:
        return folder.name, reason(error)


def reason(error: Exception) -> str:
    """Return one line that says what an exception says, by its kind where its text alone would not be understood."""
    said = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return textwrap.shorten(said, REASON, placeholder=" ...")


def networks(place: Path, kind: str) -> dict[str, str | Path]:
    """Return name in an address -> what `labkit.load_checkpoint` takes: networks of a kind, of labkit and of runs."""
    shipped = {name: name for name in models.shipped() if models.card(name)["kind"] == kind}
    return shipped | {PREFIX + folder.name: folder for folder in folders(place) if is_kind(folder, kind)}


def is_kind(folder: Path, kind: str) -> bool:
    """Return whether a folder holds weights of a kind that can be loaded, under a name that a page can show."""
    file = folder / models.EXPORT
    try:
        return bool(folder.name.encode()) and inside(file, folder) and models.card(file)["kind"] == kind
    except Exception:  # the page of runs says what is wrong with a folder
        return False
