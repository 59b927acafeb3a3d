"""A user's mistake ends a command with one line that says what to do, and exit code 2."""

import difflib
import tempfile
from collections.abc import Iterable
from pathlib import Path
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


def check_writable(option: str, path: Path) -> None:
    """Fail before the work on a file that could not be written after it."""
    if path.is_dir():
        fail(f"{option} {path} is a folder; name a file in it")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        fail(f"cannot write {path}: {path.parent}: {error.strerror}; make that folder or choose another")
