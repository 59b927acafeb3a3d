"""`labkit lab`: open copies of the notebooks in JupyterLab, or run them and write HTML files."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labkit import places
from labkit.cli import console, copies
from labkit.cli.errors import check_folder, fail

CONFIG = Path(__file__).with_name("jupyter")  # it disables the question whether JupyterLab may fetch news
_QUIET = [  # nothing leaves the machine: no search for news, updates or extensions
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
]


def command(
    folder: Annotated[Path, typer.Option("--dir", help="Folder of your copies.")] = Path("labkit-notebooks"),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; by default JupyterLab chooses one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    executed: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Open nothing: run the notebooks, and write each into this folder as an HTML file.",
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- OPTION", help="Options of JupyterLab, for example: -- --allow-root"),
    ] = None,
) -> None:
    """Open copies of the notebooks in JupyterLab; files that you have changed are never overwritten."""
    if executed is not None:
        check_folder("--executed", executed)
    try:
        done = copies.refresh(places.find("notebooks"), folder)
    except OSError as error:
        fail(f"cannot copy the notebooks to {folder}: {error}; choose another folder with --dir")
    for line in tell(done, folder):
        typer.echo(line)
    if executed is not None:
        write_pages(sorted(folder.glob("*.ipynb")), executed)
        return
    line = jupyter(folder, port, no_browser, options)
    if within_hub():  # the hub sends its signals to this process, so the student's server must take its place
        sys.stdout.flush()
        os.execve(sys.executable, line, environment())
    raise typer.Exit(_attend(subprocess.Popen(line, env=environment())))


def write_pages(paths: list[Path], folder: Path) -> None:
    """Run notebooks, and write each as an HTML file into a folder."""
    from labkit import atomic  # imported late, as in every command
    from labkit.cli import executed
    from labkit.views.still import RECORDINGS

    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            notebook = executed.read(path)
            with console.bar("cells") as shown:
                task = shown.add_task(path.stem, total=len(executed.code(notebook)))
                executed.run(notebook, path.parent, RECORDINGS, lambda: shown.advance(task))  # noqa: B023  called in this turn
            atomic.write(folder / f"{path.stem}.html", executed.page(notebook, path.stem))
        except (OSError, ValueError) as error:
            fail(f"cannot run {path}: {error}" if isinstance(error, ValueError) else error)
        console.wrote(folder / f"{path.stem}.html")


def tell(done: dict[str, list[str]], folder: Path) -> list[str]:
    """Return lines that tell the reader what happened to each copy."""
    lines = [f"labkit: your notebooks are in {folder}"]
    for fate, words in {"new": "new", "updated": "updated", "kept": "kept as you changed it"}.items():
        lines += [f"  {name}: {words}" for name in done[fate]]
    return lines


def jupyter(folder: Path, port: int | None, no_browser: bool, options: list[str] | None = None) -> list[str]:
    """Return the command that starts JupyterLab, or a hub's server for one user, in that folder with this Python."""
    module = "jupyterhub.singleuser" if within_hub() else "jupyterlab"
    line = [sys.executable, "-m", module, f"--ServerApp.root_dir={folder.resolve()}", *_QUIET]
    if port is not None:
        line += [f"--port={port}", "--ServerApp.port_retries=0"]
    return [*line, *(["--no-browser"] if no_browser else []), *(options or [])]


def within_hub() -> bool:
    """Return whether a JupyterHub starts this command for one of its users."""
    return "JUPYTERHUB_SERVICE_PREFIX" in os.environ


def environment() -> dict[str, str]:
    """Return the environment of JupyterLab: the reader's own, and labkit's configuration before the reader's."""
    own = os.environ.get("JUPYTER_CONFIG_PATH")
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, (str(CONFIG), own)))}


def _attend(process: subprocess.Popen) -> int:
    """Wait until JupyterLab ends; Ctrl-C goes to JupyterLab, which asks before it stops."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
