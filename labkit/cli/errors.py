"""A user's mistake ends a command with one line that says what to do, and exit code 2."""

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
    """Say one line on the error stream and leave the command with exit code 2.

    Raises:
        BrokenPipeError: that was the error; nobody reads the output any more, and the command ends without a word.
    """
    if isinstance(message, BrokenPipeError):
        raise message
    typer.echo(f"labkit: {' '.join(words(message).split())}", err=True)
    raise typer.Exit(2)


def words(error: object) -> str:
    """What an error says, without its number; of one that names no file, that it was the output."""
    if not isinstance(error, OSError) or isinstance(error, WriteError) or not error.strerror:
        return str(error)
    if error.errno in _OF_OUTPUT and error.filename is None:
        return f"cannot write the output: {error.strerror}"
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror


def quoted(path: Path | str) -> str:
    """A path as it is typed in a command, in quotes where it has spaces or other special characters."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


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
    if not path.parent.exists():
        fail(f"cannot write {path}: there is no folder {path.parent}; make that folder or choose another")
    _try(path, path.parent)


def check_folder(option: str, path: Path) -> None:
    """Fail before the work on a folder that could not be made, or whose files could not be written."""
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        fail(f"{option} {path} must be a folder, but {there} is a file; name another")
    _try(path, there)


def _try(path: Path, folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        fail(f"cannot write {path}: {folder}: {error.strerror}; choose another folder")
