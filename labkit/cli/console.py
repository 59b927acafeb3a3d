"""Output that all commands share: progress bars, wide tables, and the list of written files."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

LOOK = 0.2  # seconds between two updates of the numbers next to a bar


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """Return a progress bar on the error stream. It is visible only in a terminal, and disappears at its end.

    Args:
        columns: shown to the right of the bar.
        shown: False in a training process whose bar another process shows.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *columns)
    return Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))


def bar(words: str) -> Progress:
    """Return a progress bar with a count, these words and the remaining time."""
    return progress(MofNCompleteColumn(), TextColumn(words), TimeRemainingColumn())


def tracked(name: str, count: int) -> Callable[[Iterator], Iterator]:
    """Return a wrapper that shows a progress bar while the `count` frames of a file are written."""

    def track(frames: Iterator) -> Iterator:
        with bar("frames") as shown:
            yield from shown.track(frames, count, description=name)

    return track


def wide() -> Console:
    """Return a console; in a file or a pipe, which have no width, it is 120 columns wide."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=120)


def wrote(*paths: Path) -> None:
    """Print a line with the name and the size of each written file."""
    console = Console(soft_wrap=True, highlight=False)
    for path in paths:
        console.print(f"wrote {path} ({path.stat().st_size / 1000:,.0f} kB)", markup=False)


def report(lines: Iterable[str]) -> None:
    """Print a report: its first line, and the others indented."""
    for i, line in enumerate(lines):
        typer.echo(f"  {line}" if i else line)


def wrote_beside(*paths: Path) -> None:
    """Print the names of files that a command has written without an option for them."""
    if paths:
        typer.echo(f"wrote {' and '.join(map(str, paths))}")
