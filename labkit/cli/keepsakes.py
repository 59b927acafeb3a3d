"""The pictures in the folder of a training run: its curves, and its samples after each epoch."""

from pathlib import Path

import typer

from labkit.cli import console


def write(folder: Path) -> None:
    """Write `curves.png` and `training.gif`, and print their names; an error is only a warning."""
    try:
        wrote = _written(folder)
    except (Exception, KeyboardInterrupt) as error:
        why = str(error) or type(error).__name__
        typer.echo(f"warning: cannot make the pictures of {folder} ({why}); the run itself is complete", err=True)
        return
    console.wrote_beside(*wrote)


def _written(folder: Path) -> list[Path]:
    from labkit import atomic
    from labkit.experiments import runs
    from labkit.views.runs import files

    run = runs.read(folder)
    makers = {runs.CURVES: run.step and files.curves, runs.ANIMATION: run.sheets and files.animation}
    wrote = []
    for name, make in makers.items():
        if make:
            with atomic.replacing(folder / name) as file:
                make(run, file)
            wrote.append(folder / name)
    return wrote
