"""Rules that every notebook follows; nbval runs the notebooks themselves."""

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
CELLS, LINES, BYTES = 25, 12, 40_000
COMPARED = "# NBVAL_CHECK_OUTPUT"


@pytest.fixture(params=sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert list(FOLDER.glob("1-*.ipynb"))


def test_it_is_valid_and_its_cells_have_different_ids(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_it_is_short(notebook, code):
    assert len(notebook.cells) <= CELLS
    long = {cell.id: len(cell.source.splitlines()) for cell in code}
    assert {name: lines for name, lines in long.items() if lines > LINES} == {}


def test_it_starts_with_a_title_and_a_claim_and_asks_for_a_prediction(notebook):
    first, *others = notebook.cells
    assert first.cell_type == "markdown" and first.source.startswith("# ") and "**Claim.**" in first.source
    assert any(cell.cell_type == "markdown" and "Exercise" in cell.source for cell in others)


def test_it_checks_what_it_claims(code):
    assert any(line.startswith("assert ") for cell in code for line in cell.source.splitlines())


def test_it_needs_no_network_and_survives_a_reload_of_its_page(code):
    """`notebook.load` sends the scripts each time its cell runs. Panel's own way sends them once per kernel."""
    text = "\n".join(cell.source for cell in code)
    assert "notebook.load()" in text and "extension(" not in text


def test_only_compared_outputs_are_kept_and_they_are_text(code):
    for cell in code:
        compared = cell.source.startswith(COMPARED)
        assert bool(cell.outputs) == compared == (cell.execution_count is not None), cell.id
        assert all(output.output_type == "stream" and output.name == "stdout" for output in cell.outputs), cell.id


def test_it_is_small_and_has_no_state_of_widgets(notebook):
    assert len(nbformat.writes(notebook)) < BYTES
    assert "widgets" not in notebook.metadata
