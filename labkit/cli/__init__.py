"""The command `labkit`. Every command has its own module with a function `command`.

These modules import torch and panel only inside their functions, so that `labkit --help` is quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from labkit.cli import (
    bench,
    data,
    doctor,
    dreg,
    errors,
    evaluate,
    lab,
    limits,
    reproduce,
    sample,
    serve,
    ship,
    streams,
    svgd,
    train,
    use,
)

_USE = "Run your own file first: what it registers (svgd.register_kernel, targets.register, ...) is then known."
app = typer.Typer(
    help="SVGD, DRAW and doubly reparameterised gradients, live.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
_COMMANDS = {
    "serve": serve,
    "lab": lab,
    "svgd": svgd,
    "dreg": dreg,
    "train": train,
    "sample": sample,
    "evaluate": evaluate,
    "data": data,
    "reproduce": reproduce,
    "bench": bench,
    "doctor": doctor,
}
for _name, _module in _COMMANDS.items():
    app.command(_name, cls=limits.Command)(_module.command)
app.command("ship", hidden=True, cls=limits.Command)(ship.command)  # for developers of labkit

_Wrong = typer.BadParameter.__base__  # Typer raises it for a wrong command line; it has no public name


def _version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        typer.echo(f"labkit {version('labkit')}")
        raise typer.Exit
    return asked


@app.callback()
def _labkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    files: Annotated[list[Path] | None, typer.Option("--use", metavar="FILE.py", help=_USE)] = None,
) -> None:
    use.run(files or [])


def main(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; the default is the command line of the process."""
    streams.tolerate()
    code = _run(sys.argv[1:] if arguments is None else arguments)
    return streams.settle() or code


def _run(arguments: list[str]) -> int:
    try:
        return app(arguments or ["--help"], prog_name="labkit", standalone_mode=False) or 0
    except _Wrong as error:
        where = error.ctx.command_path if error.ctx else "labkit"
        message = " ".join(error.format_message().split())
        typer.echo(f"labkit: {message} (see {where} --help)", err=True)
        return 2
    except OSError as error:  # while writing the output; a command reports the errors of its files itself
        typer.echo(f"labkit: {errors.words(error)}", err=True)
        return 2
    except typer.Abort as stop:
        if isinstance(stop.__cause__, EOFError):  # a truncated file, not the end of the input at a prompt
            raise stop.__cause__ from None
        typer.echo("labkit: stopped", err=True)
        return 130
