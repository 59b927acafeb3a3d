"""Rules that every notebook follows; nbval runs the notebooks themselves."""

import base64
import importlib.util
import io
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image, ImageColor

from labkit import lessons

FOLDER = Path(__file__).parents[1] / "notebooks"
CELLS, LINES, BYTES = 25, 12, 40_000
PICTURES = 2_000_000  # bytes of all notebooks together
COMPARED = "# NBVAL_CHECK_OUTPUT"
DETAILS = re.compile(r"<details><summary>Answer</summary>\n\n.+?\n\n</details>", re.DOTALL)


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


def pictures(cell):
    return [output for output in cell.get("outputs", ()) if output.output_type == "display_data"]


def test_only_compared_texts_and_pictures_are_kept(code):
    """The command in CONTRIBUTING.md makes the pictures."""
    for cell in code:
        compared = cell.source.startswith(COMPARED)
        texts = [output for output in cell.outputs if output.output_type == "stream"]
        assert bool(texts) == compared, cell.id
        assert (cell.execution_count is not None) == bool(cell.outputs), cell.id  # otherwise nbval fails
        assert len(texts) + len(pictures(cell)) == len(cell.outputs), cell.id
        assert all(output.name == "stdout" for output in texts), cell.id
        for output in pictures(cell):
            assert set(output.data) <= {"image/png", "text/plain"}, cell.id
            shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("L"))
            assert shown.std() > 1, f"{cell.id}: the picture is empty"


def contrast(color, ground):
    """The contrast ratio of WCAG of two colours."""

    def light(name):
        linear = [(v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4) for v in ImageColor.getrgb(name)]
        return np.dot(linear[:3], (0.2126, 0.7152, 0.0722)) + 0.05

    return max(light(color) / light(ground), light(ground) / light(color))


def test_its_colours_are_visible_in_a_light_and_a_dark_theme(code):
    named = {color for cell in code for color in re.findall(r'color="([^"]+)"', cell.source)}
    assert {c for c in named if min(contrast(c, "white"), contrast(c, "#111111")) < 3} == set()


def test_it_shows_a_picture_where_nothing_runs(code):
    """Every live view and every figure of a cell. A call inside of a function shows nothing yet."""
    shows = re.compile(
        r"^(notebook\.figure\(|scene|display\(\w*Scene|interaction = |(display\()?lessons\.show)", re.MULTILINE
    )
    without = [cell.id for cell in code if shows.search(cell.source) and not pictures(cell)]
    assert without == [] and any(map(pictures, code))


def test_an_exercise_of_a_lesson_asks_its_question(notebook):
    """The text before the lesson's cell has the same words, for readers who run nothing."""
    for text, cell in pairwise(notebook.cells):
        for name, step in re.findall(r'lessons\.show\("([\w-]+)", step=(\d+)\)', cell.source):
            question = lessons.load(name).steps[int(step) - 1].question
            assert cell.cell_type == "code" and question.text in " ".join(text.source.replace("*", "").split()), cell.id


def test_notebooks_ask_the_questions_of_lessons():
    asked = [path.stem for path in FOLDER.glob("*.ipynb") if "lessons.show(" in path.read_text(encoding="utf-8")]
    assert {"1-svgd", "3-dreg", "5-when-svgd-fails"} <= set(asked)


def test_its_text_is_small_and_has_no_state_of_widgets(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
    assert len(nbformat.writes(notebook)) < BYTES
    assert "widgets" not in notebook.metadata


def test_all_notebooks_are_small_together():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.ipynb")) <= PICTURES


def test_answers_are_hidden_wherever_the_notebook_is_shown(notebook):
    """The text is in a box that the reader opens. The code that computes it is hidden in JupyterLab."""
    exercises = [cell for cell in notebook.cells if re.search(r"^#+ Exercise", cell.source, re.MULTILINE)]
    assert exercises
    for cell in exercises:
        assert cell.cell_type == "markdown" and len(DETAILS.findall(cell.source)) == 1, cell.id
    for cell in notebook.cells:
        if cell.id.startswith("answer"):
            assert cell.metadata.jupyter.source_hidden, cell.id


@pytest.fixture(scope="module")
def command():
    """The command that makes the pictures."""
    spec = importlib.util.spec_from_file_location("labkit_pictures", FOLDER.parent / ".ci" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def output(kind="display_data", **data):
    types = {name.replace("_", "/"): value for name, value in data.items()}
    if kind == "stream":
        return nbformat.v4.new_output("stream", text="a number")
    return nbformat.v4.new_output(kind, data=types)


def test_pictures_replace_pictures_and_leave_compared_texts(command):
    """Live views, HTML and other texts are not kept."""
    old = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{COMPARED}\n1"), nbformat.v4.new_code_cell("2")])
    old.cells[0].update(outputs=[output("stream")], execution_count=3)
    old.cells[1].outputs = [output(image_png="b2xk")]
    new = nbformat.from_dict(old)
    new.cells[0].update(outputs=[output("stream"), output(image_png="b25l")], execution_count=8)
    shown = {"image_png": "bmV3", "text_html": "<b>live</b>", "text_plain": "words"}
    live = output("execute_result", **shown)
    live.metadata["image/png"] = {"alt": "words"}
    new.cells[1].update(outputs=[output("stream"), live, output(image_png="bmV3", text_plain="Figure(0)")])
    command.replace(old, new)
    assert [each.output_type for each in old.cells[0].outputs] == ["stream", "display_data"]
    assert [each.data for each in old.cells[1].outputs] == [
        {"image/png": "bmV3", "text/plain": "words"},
        {"image/png": "bmV3"},
    ]
    assert [cell.execution_count for cell in old.cells] == [1, 2]
    nbformat.validate(old)
