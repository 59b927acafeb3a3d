"""The command `labkit`: one module a command, each with a function `command`.

A command's module imports neither torch nor panel at its top, only inside its functions: `labkit --help` is quick.
"""

import sys
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
)

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
app.command("ship", hidden=True, cls=limits.Command)(ship.command)  # for those who make labkit

_Wrong = typer.BadParameter.__base__  # what Typer raises for a wrong command line; it has no public name of its own


def _version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        typer.echo(f"labkit {version('labkit')}")
        raise typer.Exit
    return asked


@app.callback()
def _labkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and exit.")
    ] = False,
) -> None: ...


def main(arguments: list[str] | None = None) -> int:
    """Run one command line, that of the process if none is given, and return its exit code."""
    streams.tolerate()
    code = _run(sys.argv[1:] if arguments is None else arguments)
    return streams.settle() or code


def _run(arguments: list[str]) -> int:
    try:
        return app(arguments or ["--help"], prog_name="labkit", standalone_mode=False) or 0
    except _Wrong as error:
        where = error.ctx.command_path if error.ctx else "labkit"
        message = " ".join(error.format_message().split())
        typer.echo(f"labkit: {message} ({where} --help tells more)", err=True)
        return 2
    except OSError as error:  # of the output: a command tells those of its files itself
        typer.echo(f"labkit: {errors.words(error)}", err=True)
        return 2
    except typer.Abort as stop:
        if isinstance(stop.__cause__, EOFError):  # not the end of the input at a prompt: a file that is cut short
            raise stop.__cause__ from None
        typer.echo("labkit: stopped", err=True)
        return 130
