"""A user's mistake ends a command with one line that says what to do, and exit code 2."""

import difflib
from collections.abc import Iterable
from typing import NoReturn

import typer


def fail(message: object) -> NoReturn:
    """Say one line on the error stream and leave the command with exit code 2."""
    typer.echo(f"labkit: {' '.join(str(message).split())}", err=True)
    raise typer.Exit(2)


def unknown(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    """Fail on a name that is not there, with the nearest one that is."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    fail(f"no {kind} is called {name!r}; {hint}")
