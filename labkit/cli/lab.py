"""`labkit lab`: open copies of the notebooks in JupyterLab."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labkit import places
from labkit.cli import copies
from labkit.cli.errors import fail

_QUIET = [  # nothing leaves the machine: no search for news, updates or extensions
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
]


def command(
    folder: Annotated[Path, typer.Option("--dir", help="Folder of your copies.")] = Path("labkit-notebooks"),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; by default JupyterLab chooses one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- OPTION", help="Options of JupyterLab, for example: -- --allow-root"),
    ] = None,
) -> None:
    """Open copies of the notebooks in JupyterLab; files that you have changed are never overwritten."""
    try:
        done = copies.refresh(places.find("notebooks"), folder)
    except OSError as error:
        fail(f"cannot copy the notebooks to {folder}: {error}; choose another folder with --dir")
    for line in tell(done, folder):
        typer.echo(line)
    raise typer.Exit(_attend(subprocess.Popen(jupyter(folder, port, no_browser, options))))


def tell(done: dict[str, list[str]], folder: Path) -> list[str]:
    """Return lines that tell the reader what happened to each copy."""
    lines = [f"labkit: your notebooks are in {folder}"]
    for fate, words in {"new": "new", "updated": "updated", "kept": "kept as you changed it"}.items():
        lines += [f"  {name}: {words}" for name in done[fate]]
    return lines


def jupyter(folder: Path, port: int | None, no_browser: bool, options: list[str] | None = None) -> list[str]:
    """Return the command that starts JupyterLab in that folder with this Python, and passes it the options."""
    line = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}", *_QUIET]
    if port is not None:
        line += [f"--port={port}", "--ServerApp.port_retries=0"]
    return [*line, *(["--no-browser"] if no_browser else []), *(options or [])]


def _attend(process: subprocess.Popen) -> int:
    """Wait until JupyterLab ends; Ctrl-C goes to JupyterLab, which asks before it stops."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
