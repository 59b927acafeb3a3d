"""Runs the notebooks of this checkout, and puts new pictures of their live views and figures into them.

    python .ci/pictures.py [NAME ...]

NAME is the start of a file's name, for example 2. Other outputs do not change.
"""

import sys
from pathlib import Path

import nbformat

from labkit import atomic
from labkit.cli import console, executed
from labkit.views.still import PICTURES

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def refresh(path: Path) -> None:
    """Run a notebook and replace its pictures."""
    old, new = executed.read(path), executed.read(path)
    with console.bar("cells") as shown:
        task = shown.add_task(path.stem, total=len(executed.code(new)))
        executed.run(new, path.parent, PICTURES, lambda: shown.advance(task))
    replace(old, new)
    atomic.write(path, nbformat.writes(old) + "\n")
    console.wrote(path)


def replace(old: nbformat.NotebookNode, new: nbformat.NotebookNode) -> None:
    """Replace the pictures of a notebook by those of its new run."""
    for number, (cell, ran) in enumerate(zip(executed.code(old), executed.code(new), strict=True), 1):
        texts = [output for output in cell.outputs if output.output_type == "stream"]
        cell.outputs = texts + [picture(output) for output in ran.outputs if "image/png" in output.get("data", {})]
        cell.execution_count = number if cell.outputs else None  # nbval needs one where outputs are


def picture(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the picture of an output, with a description."""
    words = output.metadata.get("image/png", {}).get("alt")
    kept = {"image/png": output.data["image/png"]} | ({"text/plain": words} if words else {})
    return nbformat.v4.new_output("display_data", data=kept, metadata=output.metadata)


if __name__ == "__main__":
    for found in sorted(FOLDER.glob("*.ipynb")):
        if not sys.argv[1:] or found.name.startswith(tuple(sys.argv[1:])):
            refresh(found)
