"""`labkit lab`: the notebooks in JupyterLab, on copies that are the reader's own."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labkit import places
from labkit.cli import copies
from labkit.cli.errors import fail

_QUIET = [  # nothing leaves the machine: no look for news, updates or extensions
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
]


def command(
    folder: Annotated[Path, typer.Option("--dir", help="Where your copies stand.")] = Path("labkit-notebooks"),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="JupyterLab's own choice if not given.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="-- OPTION", help="JupyterLab's own options: -- --allow-root")
    ] = None,
) -> None:
    """Open the notebooks in JupyterLab, as copies in the current folder; what you changed is never overwritten."""
    try:
        done = copies.refresh(places.find("notebooks"), folder)
    except OSError as error:
        fail(f"cannot copy the notebooks to {folder}: {error}; take --dir with a folder of your own")
    for line in tell(done, folder):
        typer.echo(line)
    raise typer.Exit(_attend(subprocess.Popen(jupyter(folder, port, no_browser, options))))


def tell(done: dict[str, list[str]], folder: Path) -> list[str]:
    """What was copied, in lines for the reader."""
    lines = [f"labkit: your notebooks are in {folder}"]
    for fate, words in {"new": "new", "updated": "brought up to date", "kept": "yours, left as it is"}.items():
        lines += [f"  {name}: {words}" for name in done[fate]]
    return lines


def jupyter(folder: Path, port: int | None, no_browser: bool, options: list[str] | None = None) -> list[str]:
    """The command that starts JupyterLab there, with this Python; options: of JupyterLab, as they are."""
    line = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}", *_QUIET]
    if port is not None:
        line += [f"--port={port}", "--ServerApp.port_retries=0"]
    return [*line, *(["--no-browser"] if no_browser else []), *(options or [])]


def _attend(process: subprocess.Popen) -> int:
    """Wait for JupyterLab's end; Ctrl-C is for JupyterLab, which asks before it stops."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
