"""A live view as a file: the end of the file's name chooses the kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from labkit.engine import Past

SIZE = 960, 540  # pixels of an animation
SCALES = (1, 2, 3, 4)
PANELS = MAIN, ALL = "main", "all"


class Look(NamedTuple):
    """How pictures look.

    Attributes:
        size: width and height in pixels, None to fit the pictures.
        dark: whether the paper is dark.
        fps: frames per second of an animation.
        scale: how many times the pixels in width and height a PNG has.
        panels: the pictures of a figure, one of `PANELS`.
    """

    size: tuple[int, int] | None
    dark: bool
    fps: float
    scale: int
    panels: str


def _gif(cell: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import save, view

    live = cell.live
    look_of_frames = {"size": look.size or SIZE, "dark": look.dark, "status": live.status}
    save.gif(view.leading(live.views), past, path, fps=look.fps, **look_of_frames)


def _figure(cell: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import figures

    form = figures.Form(path.suffix.lower(), look.scale, look.panels == ALL, look.size, look.dark)
    figures.write(cell.live.views, past, position, path, form, cell.about(past, position))


def _html(cell: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit import recordings  # needs this package

    recordings.save_past(cell.live.views, past, path, fps=look.fps, status=cell.live.status)


def _csv(cell: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    from labkit.views import save

    save.curves_csv(past, path)


Writer = Callable[[Any, Past[Any], int, Path, Look], None]
FIGURES = dict.fromkeys((".svg", ".pdf", ".png"), _figure)
KINDS: dict[str, Writer] = {".gif": _gif, ".html": _html, **FIGURES, ".csv": _csv}


def checked(path: str | Path, look: Look) -> Path:
    """Return a path whose end is a kind of file.

    Raises:
        ValueError: it has another end, or the look does not exist.
    """
    found = Path(path)
    if look.panels not in PANELS:
        raise ValueError(f'panels must be "main" or "all", got {look.panels!r}')
    if look.scale not in SCALES:
        raise ValueError(f"scale must be 1, 2, 3 or 4, got {look.scale}; a .svg or .pdf has no pixels")
    if found.suffix.lower() not in KINDS:
        *most, last = KINDS
        raise ValueError(f"the path must end in {', '.join(most)} or {last}, got {found.name!r}; rename it")
    return found


def write(cell: Any, past: Past[Any], position: int, path: Path, look: Look) -> None:
    """Write the past of a live view to a path with one of the ends in `KINDS`."""
    KINDS[path.suffix.lower()](cell, past, position, path, look)
