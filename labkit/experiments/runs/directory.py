"""The runs of one directory: its folders with the files of a run. Links to other directories are not followed.

If a folder cannot be read, one line describes the reason, and the others are shown.
"""

import textwrap
from pathlib import Path

from labkit import models
from labkit.experiments.runs.reading import inside, read
from labkit.experiments.runs.state import RunState
from labkit.training.folder import CONFIG, Folder

EXAMPLES = Path(__file__).with_name("examples")  # a run that ships, to show while there is no other
PREFIX = "runs/"  # prefix of a run's name in an address
REASON = 300  # maximum length of the line that describes why a folder cannot be read


def folders(place: Path) -> list[Path]:
    """Return the folders of runs, also damaged ones, last written first; an empty list without the directory."""
    try:
        found = [path for path in place.iterdir() if _is_run(path, place)]
    except OSError:
        return []
    return sorted(found, key=_written, reverse=True)


def _is_run(path: Path, place: Path) -> bool:
    """Return whether a path is a folder with a run's files, or one that cannot be opened."""
    try:
        return path.is_dir() and inside(path, place) and bool(_marks(path))
    except OSError:
        return True


def _marks(folder: Path) -> list[Path]:
    """Return the files that identify a run."""
    run = Folder(folder)
    files = (folder / CONFIG, run.metrics.path, run.epochs.path, folder / models.EXPORT)
    return [file for file in files if file.is_file()]


def _written(folder: Path) -> float:
    try:
        return max((file.stat().st_mtime for file in _marks(folder)), default=0.0)
    except OSError:  # it cannot be opened, or a file was removed
        return 0.0


def states(place: Path) -> dict[str, RunState | str]:
    """Return name -> the run, or one line that describes why it cannot be read; newest first."""
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
    """Return one line about an exception; it begins with its kind if the message alone is unclear."""
    said = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return textwrap.shorten(said, REASON, placeholder=" ...")


def networks(place: Path, kind: str) -> dict[str, str | Path]:
    """Return name in an address -> argument of `labkit.load_checkpoint`, for all networks of a kind, shipped or from
    runs."""
    shipped = {name: name for name in models.shipped() if models.card(name)["kind"] == kind}
    return shipped | {PREFIX + folder.name: folder for folder in folders(place) if is_kind(folder, kind)}


def is_kind(folder: Path, kind: str) -> bool:
    """Return whether a folder has loadable weights of a kind, under a name that a page can show."""
    file = folder / models.EXPORT
    try:
        return bool(folder.name.encode()) and inside(file, folder) and models.card(file)["kind"] == kind
    except Exception:  # the page of runs describes errors in folders
        return False
