"""A training run in the terminal: a progress bar with its bound, and a line for every test bound."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import typer
from rich.progress import MofNCompleteColumn, TextColumn

from labkit.cli import console, interrupts, keepsakes
from labkit.cli.errors import quoted
from labkit.training import is_first

NUMBERS = (
    "[cyan]{task.fields[rate]}[/] it/s  bound [bold]{task.fields[bound]}[/]  test {task.fields[test]}  "
    "{task.fields[left]} left"
)


def run(records: Iterator[Any], folder: Path, task: Any) -> bool:
    """Show the records until the run ends, or until Ctrl-C saves it; return whether Ctrl-C stopped it.

    Raises:
        ValueError, OSError: from `training.fit`.
    """
    last, speaks = None, is_first()
    try:
        columns = MofNCompleteColumn(), TextColumn(NUMBERS)
        with closing(records), interrupts.first() as pressed, console.progress(*columns, shown=speaks) as progress:
            bar = progress.add_task(folder.name, total=None, rate="-", bound="-", test="-", left="-")
            looked = 0.0
            for last in records:
                if speaks:
                    _tell(last, task)
                    if last.evaluation is not None or time.monotonic() - looked > console.LOOK:
                        looked = time.monotonic()
                        progress.update(bar, **_numbers(last))
                if pressed and last.step < last.steps:
                    records.close()  # saves
                    break
    except KeyboardInterrupt:
        last = None
    except RuntimeError as error:
        if speaks or not (pressed or "closed by peer" in str(error)):
            raise
        if not pressed:  # the first process has reported why it stopped
            raise typer.Exit(1) from None
    if speaks:
        if not (pressed and last is None):  # after a second Ctrl-C end at once
            keepsakes.write(folder)
        _end(last, folder, task, bool(pressed))
    return bool(pressed)


def _numbers(record: Any) -> dict[str, Any]:
    shown = {
        "completed": record.step,
        "total": record.steps,
        "rate": f"{record.rate:.1f}",
        "bound": f"{record.bound:.2f}",
    }
    if record.evaluation is not None:
        shown["test"] = f"{record.evaluation.bound:.2f}"
    # the remaining time at the mean speed of the run, evaluations included
    left = (record.steps - record.step) * record.seconds / record.step
    return shown | {"left": _clock(left)}


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _tell(record: Any, task: Any) -> None:
    """Print a line for a test bound and for a warning; Rich shows them above the bar."""
    found = record.evaluation
    if found is not None:
        skipped = f"  skipped {record.skipped}" if record.skipped else ""
        typer.echo(
            f"epoch {record.epoch} of {record.epochs}, step {record.step}: test bound {found.bound:.2f} nats "
            f"(Lx {found.lx:.2f}, Lz {found.lz:.2f}), train {record.bound:.2f}, "
            f"{record.rate:.1f} it/s, {_clock(record.seconds)}{skipped}"
        )
    if record.warning:
        typer.echo(f"warning: {record.warning}", err=True)


def _end(last: Any, folder: Path, task: Any, pressed: bool) -> None:
    """Print how the run ended and how to continue."""
    again = f"labkit train --resume {quoted(folder)}"
    if pressed and last is None:
        typer.echo(f"stopped in the middle of a step; resume from the last checkpoint with: {again}")
    elif pressed and last.step < last.steps:
        typer.echo(f"stopped and saved at step {last.step} of {last.steps}; resume with: {again}")
    elif last is None:
        typer.echo(f"{folder} is complete; {_next(folder, task)}")
    else:
        typer.echo(f"{folder} is done, {last.step} steps in {_clock(last.seconds)}; {_next(folder, task)}")


def _next(folder: Path, task: Any) -> str:
    name = quoted(folder)
    data = "" if "images" in task.facts else f" --data {task.facts['data']}"
    return f"continue with: labkit evaluate {name}{data}, or labkit sample {name}"
