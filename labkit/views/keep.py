"""A live view as a file: the end of the file's name chooses the kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from labkit.engine import Past


class Look(NamedTuple):
    """How pictures look: width and height in pixels, dark paper, frames per second."""

    size: tuple[int, int]
    dark: bool
    fps: float


def _gif(live: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import save, view

    look_of_frames = {"size": look.size, "dark": look.dark, "status": live.status}
    save.gif(view.leading(live.views), past, path, fps=look.fps, **look_of_frames)


def _png(live: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import save, view

    look_of_frame = {"size": look.size, "dark": look.dark, "status": live.status}
    save.png(view.leading(live.views), past, position, path, **look_of_frame)


def _html(live: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit import recordings  # needs this package

    recordings.save_past(live.views, past, path, fps=look.fps, status=live.status)


def _csv(live: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import save

    save.curves_csv(past, path)


Writer = Callable[[Any, Past[Any], int, Path, Look], None]
KINDS: dict[str, Writer] = {".gif": _gif, ".html": _html, ".png": _png, ".csv": _csv}


def checked(path: str | Path) -> Path:
    """Return a path whose end is a kind of file.

    Raises:
        ValueError: it has another end.
    """
    found = Path(path)
    if found.suffix.lower() not in KINDS:
        *most, last = KINDS
        raise ValueError(f"the path must end in {', '.join(most)} or {last}, got {found.name!r}; rename it")
    return found


def write(live: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    """Write the past of a live view to a path with one of the ends in `KINDS`."""
    KINDS[path.suffix.lower()](live, past, position, path, look)
