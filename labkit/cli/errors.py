"""A mistake of the user ends a command with exit code 2 and one line that says what to do."""

import difflib
import errno
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import typer

from labkit.atomic import WriteError

_OF_OUTPUT = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}


def fail(message: object) -> NoReturn:
    """Print one line on the error stream, and end the command with exit code 2.

    Raises:
        BrokenPipeError: the message is this error. No program reads the output, and the command ends silently.
    """
    if isinstance(message, BrokenPipeError):
        raise message
    typer.echo(f"labkit: {' '.join(words(message).split())}", err=True)
    raise typer.Exit(2)


def words(error: object) -> str:
    """Return the message of an error without its number.

    A full disk without a file name means that the output cannot be written.
    """
    if not isinstance(error, OSError) or isinstance(error, WriteError) or not error.strerror:
        return str(error)
    if error.errno in _OF_OUTPUT and error.filename is None:
        return f"cannot write the output: {error.strerror}"
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror


def quoted(path: Path | str) -> str:
    """Return a path as a user types it, in quotes if it has spaces or other special characters."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


def unknown(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    """Fail because a name does not exist, and suggest the most similar one."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
    fail(f"no {kind} is called {name!r}; {hint}")


def check_writable(option: str, path: Path) -> None:
    """Fail before the work starts if a file cannot be written."""
    if path.is_dir():
        fail(f"{option} {path} is a folder; name a file in it")
    if not path.parent.exists():
        fail(f"cannot write {path}: there is no folder {path.parent}; create it, or choose another folder")
    _try(path, path.parent)


def check_folder(option: str, path: Path) -> None:
    """Fail before the work starts if a folder cannot be created, or its files cannot be written."""
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        fail(f"{option} {path} must be a folder, but {there} is a file; choose another")
    _try(path, there)


def _try(path: Path, folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        fail(f"cannot write {path}: {folder}: {error.strerror}; choose another folder")
