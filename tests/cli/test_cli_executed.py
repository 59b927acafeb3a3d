"""`labkit lab --executed`: notebooks that were run, as HTML files."""

import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from labkit.cli import executed, lab, main

pytestmark = pytest.mark.slow
LIVE = """
from labkit.experiments.svgd import ParticlesSettings
from labkit.views import notebook
from labkit.views.svgd import ParticlesScene
import holoviews as hv, ipywidgets
notebook.load()
"""
SLIDER = """
def look(steps):
    print("steps:", steps)
    return ParticlesScene(ParticlesSettings(n=steps)).live
interaction = ipywidgets.interact(look, steps=ipywidgets.IntSlider(7))
"""


def notebook_of(path, *cells):
    """A notebook with these cells; those that begin with # are text."""
    made = [nbformat.v4.new_markdown_cell(c) if c.startswith("#") else nbformat.v4.new_code_cell(c) for c in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


@pytest.fixture
def only(tmp_path, monkeypatch):
    """only(cells) makes a notebook the only one that ships."""
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr(lab.places, "find", lambda name: tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    return lambda *cells: notebook_of(tmp_path / "shipped" / "small.ipynb", *cells)


@pytest.fixture
def run(python, tmp_path):
    """run(arguments) runs `labkit` in a separate process, where `tmp_path / "shipped"` has the notebooks.

    Event loops of other tests in this process could keep a kernel's messages.
    """

    def separate(*arguments):
        script = (
            "import sys\nfrom pathlib import Path\nfrom labkit.cli import lab, main\n"
            f"lab.places.find = lambda name: Path({str(tmp_path / 'shipped')!r})\n"
            f"sys.exit(main({list(arguments)!r}))"
        )
        return subprocess.run([*python, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=240)

    return separate


def test_a_page_holds_recordings_figures_what_sliders_show_and_nothing_to_fetch(only, run, tmp_path):
    only(
        "# Größe\n\nThe area is $x^2$.",
        LIVE,
        "ParticlesScene(ParticlesSettings(n=5))",
        "notebook.figure(hv.Curve([0, 1]))",
        SLIDER,
    )
    ran = run("lab", "--executed", "pages")
    assert ran.returncode == 0, ran.stderr
    text = (tmp_path / "pages" / "small.html").read_text(encoding="utf-8")
    size = (tmp_path / "pages" / "small.html").stat().st_size
    assert f"wrote pages/small.html ({size / 1000:,.0f} kB)" in ran.stdout and size < 6_000_000
    assert text.count("labkitPlayer.open(") == 2, "the scene, and the one that the slider shows"
    assert text.count('src="data:image/png') + text.count("data:image/png;base64") >= 1
    assert "steps: 7" in text and "widget-view" not in text
    assert "<title>small</title>" in text and "tex2svg" in text
    assert not re.search(r"""(src|href)=["']?(?!data:|#)[\w/.]""", text), "it loads something"


def test_a_failing_cell_ends_the_command_with_one_line(only, run, tmp_path):
    only("1 + 1", "raise KeyError('none')")
    ran = run("lab", "--executed", "pages")
    assert ran.returncode == 2
    err = ran.stderr
    assert err.count("\n") == 1 and "small.ipynb: cell 2 raised KeyError: 'none'" in err
    assert list((tmp_path / "pages").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_reported_before_the_run(only, tmp_path, capsys):
    only("1 + 1")
    (tmp_path / "file").write_text("mine")
    assert main(["lab", "--executed", "file"]) == 2
    assert "must be a folder, but file is a file" in capsys.readouterr().err
    assert not (tmp_path / "labkit-notebooks").exists()


def test_a_file_that_is_not_a_notebook_is_named(only, tmp_path, capsys):
    only("1 + 1").write_text("{}")
    assert main(["lab", "--executed", "pages"]) == 2
    assert "small.ipynb is not a notebook" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_stops_it_with_its_kernel(tmp_path):
    """Real processes, not forks, because signals are tested."""
    path = notebook_of(
        tmp_path / "small.ipynb", "import os, time; open('pid', 'w').write(str(os.getpid()))\ntime.sleep(99)"
    )
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\nfrom labkit.cli import lab, main\n"
        f"lab.places.find = lambda name: Path({str(path.parent / 'none')!r})\n"
        "sys.exit(main(['lab', '--dir', '.', '--executed', 'pages']))"
    )
    (tmp_path / "none").mkdir()
    plain = {name: value for name, value in os.environ.items() if name != "JUPYTER_PATH"}
    words = [sys.executable, "-c", script]
    process = subprocess.Popen(words, cwd=tmp_path, env=plain, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not ((tmp_path / "pid").exists() and (kernel := (tmp_path / "pid").read_text())):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130 and process.stderr.read() == "labkit: stopped\n"
        while alive(int(kernel)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.kill()
    assert not list((tmp_path / "pages").iterdir())


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_page_without_formulas_has_no_mathjax(tmp_path):
    found = executed.page(executed.read(notebook_of(tmp_path / "a.ipynb", "# No formula", "1")), "a")
    assert "tex2svg" not in found
