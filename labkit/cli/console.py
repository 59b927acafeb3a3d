"""What all commands show in a terminal alike: progress bars, tables with room, the files that they wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

LOOK = 0.2  # seconds between two changes of the numbers behind a bar


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A progress bar on the error stream, where that is a terminal; it is gone when it ends.

    Args:
        columns: what stands behind the bar itself.
        shown: False in the processes of a training whose bar another process shows.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *columns)
    return Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))


def bar(words: str) -> Progress:
    """A progress bar that counts, with these words and the time that remains behind it."""
    return progress(MofNCompleteColumn(), TextColumn(words), TimeRemainingColumn())


def tracked(name: str, count: int) -> Callable[[Iterator], Iterator]:
    """A wrapper for the `count` frames of a file of that name: they pass under a progress bar."""

    def track(frames: Iterator) -> Iterator:
        with bar("frames") as shown:
            yield from shown.track(frames, count, description=name)

    return track


def wide() -> Console:
    """A console with room for a table where nobody has set its width: a file, a pipe."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=120)


def wrote(*paths: Path) -> None:
    """Say that files are there, and their sizes: a line for each."""
    console = Console(soft_wrap=True, highlight=False)
    for path in paths:
        console.print(f"wrote {path} ({path.stat().st_size / 1000:,.0f} kB)", markup=False)


def wrote_beside(*paths: Path) -> None:
    """Say in one line that files are there which nobody asked for by name; nothing where there are none."""
    if paths:
        typer.echo(f"wrote {' and '.join(map(str, paths))}")
