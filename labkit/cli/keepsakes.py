"""The pictures that a training run leaves in its folder: its curves, and its samples epoch after epoch."""

from pathlib import Path

import typer

from labkit.cli import console


def write(folder: Path) -> None:
    """Write `curves.png` and `training.gif` and say so; what cannot be made is a warning, for the run is safe."""
    try:
        wrote = _written(folder)
    except (Exception, KeyboardInterrupt) as error:
        why = str(error) or type(error).__name__
        typer.echo(f"warning: the pictures of {folder} could not be made ({why}); the run itself is whole", err=True)
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
