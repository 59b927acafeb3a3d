"""The option `--use`: a user's own file of Python registers kernels, targets and estimators before a command runs."""

import runpy
import traceback
from pathlib import Path

from labkit.cli.errors import fail


def run(files: list[Path]) -> None:
    """Run each file; what it registers is known to the command, to its help and to the pages.

    A file that does not exist, or that raises an error, ends the command with one line.
    """
    for file in files:
        if not file.is_file():
            fail(f"--use {file}: there is no such file; give a file of Python")
        try:
            runpy.run_path(str(file))
        except Exception as error:
            fail(f"--use {file}{_line(error, file)}: {type(error).__name__}: {error}")


def _line(error: Exception, file: Path) -> str:
    """Return the line of the file at which an error was raised, "" if it is unknown."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
