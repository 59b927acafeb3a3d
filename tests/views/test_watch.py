"""`svgd.watch` is a live view of a user's own target; `Live.save` writes it to a file of the kind of its name."""

import csv
import itertools
import math
import subprocess
import sys
from itertools import islice
from types import SimpleNamespace

import IPython
import numpy as np
import panel as pn
import pytest
import torch
from bokeh.document import Document
from panel.io.state import set_curdoc
from PIL import Image

from labkit import svgd, targets
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.views import notebook, still
from labkit.views.svgd import Curves, Line, ParticlesScene, Plane
from labkit.views.svgd.watch import watch

X = torch.randn(15, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
RING = targets.from_log_prob(lambda x: -((x.norm(dim=-1) - 2) ** 2) / 0.18, dim=2)


@pytest.fixture
def live():
    """live(target, x0, ...) -> a live view, which ends with the test."""
    made = []

    def make(*given, **how):
        made.append(watch(*given, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


def advance(view, steps):
    for _ in range(steps):
        view.run.once()


@pytest.mark.parametrize(
    ("target", "x0", "main", "lines"),
    [
        (RING, X, Plane, True),
        (torch.neg, X.numpy(), Plane, False),
        ("mixture", X[:, :1], Line, False),
        (lambda x: x - x**3, X[:, :1], Line, False),
        (targets.make("normal", dim=4), X.repeat(1, 2), Plane, True),
    ],
)
def test_the_pictures_follow_the_dimension_and_what_is_known(target, x0, main, lines, live, stood, check):
    view = live(target, x0)
    first, state = view.views[0], view.run.past(lambda past: past.states[0])
    assert isinstance(first, main) and all(isinstance(each, Curves) for each in view.views[1:])
    assert bool(getattr(first, "lines", ())) is lines
    check(first, stood(first, state), state)
    assert torch.equal(state.x, torch.as_tensor(x0)) and "KSD (run's kernel)" in view.status(state)


def test_the_run_equals_the_flow_with_the_same_choices(live):
    how = {"kernel": "imq", "optimizer": "adam", "bandwidth": 0.5}
    view = live("banana", X, **how)
    advance(view, 3)
    wanted = next(islice(svgd.flow("banana", X, **how), 3, 4))
    assert torch.equal(view.run.past(lambda past: past.states[-1]).x, wanted.x)


@pytest.mark.slow
def test_the_display_is_loaded_when_a_program_calls_watch(tmp_path):
    """A process that has loaded nothing; tests/test_loaded.py shows that an import of all names loads no display."""
    code = """
import torch
from labkit import svgd
svgd.watch("banana", torch.randn(9, 2)).save("a.png", steps=2)
print("watch" in dir(svgd))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["True"]
    assert Image.open(tmp_path / "a.png").size == (540, 540)  # a plane is square


def test_svgd_has_no_other_late_name():
    with pytest.raises(AttributeError, match="module 'labkit.svgd' has no attribute 'wath'"):
        svgd.wath  # noqa: B018


# scripts in a notebook


@pytest.mark.parametrize(
    ("cells", "loads"), [(["a"], 1), (["a", "b"], 1), (["a", "a"], 2), (["a", "b", "a"], 2), ([], 0)]
)
def test_a_notebook_gets_the_scripts_in_its_first_cell_and_when_that_cell_runs_again(cells, loads, monkeypatch):
    count = []
    monkeypatch.setattr(notebook, "_loaders", set())
    monkeypatch.setattr(notebook, "_is_notebook", lambda: True)
    monkeypatch.setattr(pn, "extension", lambda **options: count.append(options))
    monkeypatch.setattr(notebook.hv, "extension", lambda *names, **options: None)
    for i, cell in enumerate(cells):
        monkeypatch.setattr(notebook, "_cell", lambda cell=cell, i=i: (cell, i + 1))
        notebook.ready()
    assert len(count) == loads


def test_the_slow_part_of_nbformat_is_left_out_before_the_scripts_are_loaded(monkeypatch):
    """HoloViews imports nbformat when it loads its scripts."""
    quick, found = "labkit.private.jsonschema", []
    monkeypatch.delitem(sys.modules, quick, raising=False)
    monkeypatch.setattr(pn, "extension", lambda **options: found.append(quick in sys.modules))
    monkeypatch.setattr(notebook.hv, "extension", lambda *names, **options: found.append(quick in sys.modules))
    notebook.load()
    assert found == [True, True]


def test_a_program_and_a_page_load_no_scripts(monkeypatch):
    monkeypatch.setattr(notebook, "_loaders", set())
    monkeypatch.setattr(notebook, "load", lambda: pytest.fail("loaded"))
    assert not notebook._is_notebook()
    notebook.ready()


def test_a_page_in_the_process_of_a_notebook_loads_no_scripts(monkeypatch, live):
    """The kernel's shell knows its message; a page has a document of its own session."""
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(get_parent=dict))
    assert notebook._is_notebook()
    document = Document()
    request = SimpleNamespace(arguments={}, headers={}, cookies={}, uri="/", path="/")
    session = SimpleNamespace(id="one", request=request, server_context=None, session=None)
    document._session_context = lambda: session
    monkeypatch.setattr(notebook, "load", lambda: pytest.fail("loaded"))
    with set_curdoc(document):
        view = live(RING, X)
        assert not notebook._is_notebook() and view.served and view.clock is None


# files


def test_the_end_of_the_name_chooses_the_kind_of_file(live, tmp_path):
    view = live(RING, X)
    for name in ("run.gif", "run.png", "run.html", "run.csv"):
        view.save(tmp_path / name, steps=4, size=(320, 240))
    gif = Image.open(tmp_path / "run.gif")
    assert gif.n_frames >= 5 and gif.size == (320, 240)
    assert "<html" in (tmp_path / "run.html").read_text()
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
    states = islice(svgd.flow(RING, X), 5)
    assert np.allclose([float(row["Bandwidth: h"]) for row in rows], [float(s.bandwidth) for s in states])
    assert view.run.position == 0  # the view itself stays


def test_a_run_that_was_played_is_saved_as_it_is(live, tmp_path):
    view = live(RING, X)
    advance(view, 2)
    view.save(str(tmp_path / "run.csv"), steps=50)
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 4


def test_a_step_that_fails_is_an_error_and_leaves_no_file(live, tmp_path):
    view = live(lambda x: torch.where(x > 0, -x, math.nan), X.abs() / 10)
    with pytest.raises(ValueError, match="finite"):
        view.save(tmp_path / "run.csv", steps=300)
    assert not list(tmp_path.iterdir()) and view.run.past(lambda past: past.marks) == [0]


def test_a_file_with_fewer_steps_than_requested_has_a_warning(live, tmp_path, monkeypatch):
    minutes = itertools.count(step=61)
    monkeypatch.setattr(still, "time", SimpleNamespace(monotonic=lambda: next(minutes)))
    with pytest.warns(UserWarning, match="run.csv has 1 of 5 steps: they take longer than 60 seconds; play the view"):
        live(RING, X).save(tmp_path / "run.csv", steps=5)
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 3


def test_a_density_that_fails_on_a_grid_leaves_a_picture_of_the_particles(live, tmp_path):
    def score(x):
        if len(x) != len(X):
            raise RuntimeError("for these particles only")
        return -x

    view = live(score, X[:, :1])
    assert np.isnan(view.views[0].columns(view.run.past(lambda past: past.states[0]))["target"]["y"]).all()
    view.save(tmp_path / "run.png", steps=2)
    assert Image.open(tmp_path / "run.png").size == (960, 540)


def test_dark_paper_is_dark(live, tmp_path):
    view = live(RING, X)
    for dark in (False, True):
        view.save(tmp_path / "run.png", steps=1, size=(320, 240), dark=dark)
        bright = float(np.asarray(Image.open(tmp_path / "run.png").convert("L"))[-1].mean())
        assert (bright < 128) is dark


@pytest.mark.parametrize("name", ["run.jpg", "run", "run.gif.txt"])
def test_another_kind_of_file_is_refused(name, live, tmp_path):
    kinds = ".gif, .html, .svg, .pdf, .png or .csv"
    with pytest.raises(ValueError, match=f"the path must end in {kinds}, got '{name}'; rename it"):
        live(RING, X).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_tab_of_a_page_is_saved_in_the_same_way(tmp_path):
    scene = ParticlesScene(ParticlesSettings(n=5), play=False)
    try:
        scene.save(tmp_path / "run.csv", steps=3)
        assert len((tmp_path / "run.csv").read_text().splitlines()) == 5
    finally:
        scene.live.close()
