"""Runs notebooks without a browser, and writes them as HTML files that need neither a kernel nor a network."""

import base64
import gzip
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import labkit.private.jsonschema  # noqa: F401 # before nbformat, which then takes two seconds less to import

# isort: split
import nbformat
from bokeh.resources import Resources
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from labkit.views.still import CELLS

WIDGET = "application/vnd.jupyter.widget-view+json"
MODEL = "IPY_MODEL_"  # before the name of a model in the state of another
SLOW = 600  # seconds that a cell may take
# Runs before the first cell. Sliders need a kernel, so they show once what they show at the start. Their own widgets
# also exchange messages with the client, and a kernel that gets these while a cell ends may never reply (ipykernel 7).
ONCE = """
def _once():
    import ipywidgets
    from IPython.display import display

    made = ipywidgets.interactive

    class Once:
        def __init__(self, look, **sliders):
            self.look, self.sliders = look, made(look, **sliders).kwargs_widgets

        def _ipython_display_(self):
            found = self.look(**{each._kwarg: each.value for each in self.sliders})
            if found is not None:
                display(found)

    ipywidgets.interactive = Once
    ipywidgets.interact = lambda look, **sliders: display(Once(look, **sliders))
_once()
"""
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}"""

Notebook = nbformat.NotebookNode


def read(path: Path) -> Notebook:
    """Return the notebook of a file.

    Raises:
        ValueError: it is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has no common class for its errors
        raise ValueError(f"{path} is not a notebook that can be read: {error}") from None


def code(notebook: Notebook) -> list[Notebook]:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook: Notebook, folder: Path, keeps: str, done: Callable[[], None] = lambda: None) -> None:
    """Run the code cells of a notebook, and give them the new outputs.

    In place of ipywidgets, which need a kernel, there is what they showed last.

    Args:
        folder: where the kernel runs.
        keeps: what the cells keep, one of `labkit.views.still.KINDS`.
        done: called after each code cell.

    Raises:
        ValueError: a cell raised an error or took too long, or the kernel ended.
    """
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ONCE))
    client = NotebookClient(notebook, timeout=SLOW, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.reset_execution_trackers()
    with client.setup_kernel(env=os.environ | {CELLS: keeps}, stderr=subprocess.DEVNULL):  # it warns about its ports
        for i, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, i)
            except CellExecutionError as error:
                raise ValueError(f"cell {i} raised {error.ename}: {error.evalue}") from None
            except DeadKernelError:
                raise ValueError(f"the kernel ended in cell {i}; is there enough memory?") from None
            except TimeoutError:
                raise ValueError(f"cell {i} took longer than {SLOW} seconds") from None
            if i and cell.cell_type == "code":
                done()
    del notebook.cells[0]
    for cell in code(notebook):
        cell.outputs = list(_plain(cell.outputs, client.widget_state))
    notebook.metadata.pop("widgets", None)


def _plain(outputs: list[Any], models: dict[str, Any]) -> Iterator[Any]:
    for output in outputs:
        shown = output.get("data", {}).get(WIDGET)
        if shown is None:
            yield output
        else:
            yield from _plain(list(_inside(shown["model_id"], models)), models)


def _inside(name: str, models: dict[str, Any]) -> Iterator[Any]:
    """Yield the outputs that a widget and the widgets in it show."""
    state = models.get(name, {})
    yield from map(nbformat.from_dict, state.get("outputs", ()))
    for child in state.get("children", ()):
        yield from _inside(child.removeprefix(MODEL), models)


def page(notebook: Notebook, title: str) -> str:
    """Return a notebook as an HTML page that loads nothing."""
    exporter = HTMLExporter(raw_template=PAGE)
    text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    if not any("$" in cell.source for cell in notebook.cells if cell.cell_type == "markdown"):
        return text
    before, end, after = text.rpartition("</body>")
    return before + _formulas() + end + after


def _formulas() -> str:
    """Return scripts that draw the formulas of the page, with the MathJax in Bokeh."""
    scripts = Resources(mode="inline", components=["bokeh", "bokeh-mathjax"]).js_raw
    packed = base64.b64encode(gzip.compress("\n".join(scripts).encode(), 9, mtime=0)).decode()
    script = Path(__file__).with_name("formulas.js").read_text(encoding="utf-8")
    return f'<script type="text/plain" id="mathjax">{packed}</script>\n<script>\n{script}</script>\n'
