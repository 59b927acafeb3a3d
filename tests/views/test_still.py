"""What the cells of a notebook keep: a picture, with the live view or with a recording."""

import base64
import functools
import html
import io
import re
import threading
from dataclasses import dataclass

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch
from PIL import Image

from labkit.experiments.svgd.comparison import LANGEVIN, ComparisonSettings
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.past import Past
from labkit.views import notebook, save, still
from labkit.views.draw import GenerateScene, LatentsScene
from labkit.views.live import Live
from labkit.views.svgd import ParticlesScene
from labkit.views.view import View


@pytest.fixture(autouse=True)
def in_a_notebook(monkeypatch):
    monkeypatch.setattr(notebook, "_cells", {})
    monkeypatch.setattr(pn.extension, "_loaded", True)
    hv.extension("bokeh")


@dataclass(frozen=True)
class Count:
    t: int = 0


class Dot(View):
    """A dot at x = t, in a picture without axes."""

    def picture(self, state):
        look = {"color": "black", "size": 40}
        bare = {"xaxis": None, "yaxis": None, "xlim": (-1, 10), "ylim": (-1, 1)}
        return hv.Overlay([hv.Points([(0, 0)], label="dot").opts(**look)]).opts(**bare)

    def columns(self, state, past=None):
        return {"dot": {"x": np.array([float(state.t)]), "y": np.zeros(1)}}

    def describe(self, state, past=None):
        return f"A dot at {state.t} after {len(past.states)} states."


@pytest.fixture
def live():
    """live(step, ...) -> a live view of a dot."""
    made = []

    def make(step=lambda state: Count(state.t + 1), start=Count, view=None, ahead=still.STEPS, **options):
        made.append(Live(start, step, view or Dot(), **options))
        made[-1].ahead = ahead
        return made[-1]

    yield make
    for each in made:
        each.close()


def bundle(shown):
    """The output of a cell by type, and what it says about each type."""
    return shown._repr_mimebundle_()


def picture(shown):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle(shown)[0]["image/png"]))).convert("L"))


@functools.cache
def at(t):
    """The picture of a dot at t, painted by `save`."""
    past, target = Past(), io.BytesIO()
    for i in range(t + 1):
        past.add(Count(i))
    save.png(Dot(), past, -1, target, size=still.SIZE)
    return np.asarray(Image.open(target).convert("L"))


def same(shown, t):
    """Whether the picture of a cell shows a dot at t, and at no other t."""
    found = picture(shown)
    return [i for i in range(9) if np.array_equal(found, at(i))] == [t]


def test_a_live_view_keeps_a_picture_of_some_steps_ahead_and_stays_at_its_start(live):
    one = live(ahead=7)
    data, about = bundle(one)
    assert {"text/html", "image/png"} <= set(data)  # Panel's own output stays
    assert about["image/png"]["alt"] == data["text/plain"] == "A dot at 7 after 8 states."
    assert same(one, 7)
    assert one.run.past(lambda past: past.marks) == [0]


def test_a_view_that_was_played_keeps_the_picture_on_screen(live):
    one = live(ahead=7)
    for _ in range(4):
        one.run.once()
    one.run.seek(0)
    assert same(one, 0)
    one.run.seek(3)
    assert same(one, 3)
    assert one.run.past(lambda past: past.marks) == [0, 1, 2, 3, 4]


def test_a_view_without_words_has_its_step_and_status(live):
    class Silent(Dot):
        def describe(self, state, past=None):
            return ""

    assert bundle(live(view=Silent(), ahead=2))[0]["text/plain"] == "The run at step 2"
    one = live(view=Silent(), ahead=2, status=lambda state: f"t is {state.t}")
    assert bundle(one)[1]["image/png"]["alt"] == "The run at step 2: t is 2"


def test_a_failing_step_leaves_the_picture_of_the_start(live):
    def step(state):
        raise ValueError("no step")

    one = live(step)
    assert same(one, 0)
    assert not one.run.frame.error


def test_a_cell_does_not_wait_for_a_slow_step(live):
    """The step ends only after the cell."""
    gate = threading.Event()

    def step(state):
        gate.wait(20)
        return Count(state.t + 1)

    one = live(step)
    found = same(one, 0)
    gate.set()
    assert found


def test_a_view_without_a_painter_still_shows(live):
    class Unpainted(Dot):
        def picture(self, state):
            return hv.Overlay([hv.HexTiles(np.zeros((3, 2)))])

        def columns(self, state, past=None):
            return {}

    data, _ = bundle(live(view=Unpainted()))
    assert "text/html" in data and "image/png" not in data


def test_looking_ahead_does_not_change_the_random_numbers_of_a_run(without_pictures):
    """Langevin chains have one generator for the whole run, and torch has one for all."""
    ends = []
    for looks in (False, True):
        torch.manual_seed(3)
        settings = ComparisonSettings(ParticlesSettings(n=5), compare=LANGEVIN)
        scene = ParticlesScene(settings)
        try:
            if looks:
                bundle(scene)
            for _ in range(3):
                scene.live.run.once()
            ends.append((scene.live.run.past(lambda past: past.states[-1].right.x), torch.rand(3)))
        finally:
            scene.live.close()
    assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))


def test_scenes_keep_a_picture_of_their_run(draw_of_a_shape, without_pictures):
    """The pictures on the page are not needed for the one that the cell keeps."""
    scenes = [GenerateScene(draw_of_a_shape, n=2), LatentsScene(draw_of_a_shape)]
    try:
        for scene in scenes:
            assert picture(scene).std() > 1
    finally:
        for scene in scenes:
            scene.live.close()


def test_images_are_finished_in_their_picture(draw_of_a_shape):
    """As many steps ahead as there are strokes; so the windows of the last stroke are shown."""
    scene = GenerateScene(draw_of_a_shape, n=2)
    try:
        past, position = still.ahead(scene.live, scene.ahead)
        assert past.states[position].shown == past.states[position].stroke == draw_of_a_shape.config.steps
    finally:
        scene.live.close()


def test_a_figure_keeps_its_picture():
    shown = notebook.figure(hv.Curve([0, 1, 0]).opts(frame_width=200, frame_height=100, color="black"))
    assert "text/html" in bundle(shown)[0]
    assert picture(shown).shape == (180, 310)
    assert picture(notebook.figure(hv.Curve([0]) + hv.Curve([1]))).shape == (380, 820)


def test_cells_that_keep_pictures_keep_nothing_else(live, monkeypatch):
    monkeypatch.setenv(still.CELLS, still.PICTURES)
    data, _ = bundle(live(ahead=5))
    assert set(data) == {"image/png", "text/plain"} and data["text/plain"].startswith("A dot at 5")
    assert set(bundle(notebook.figure(hv.Curve([0])))[0]) == {"image/png"}


def test_cells_that_keep_recordings_keep_a_page_that_plays(live, monkeypatch):
    monkeypatch.setenv(still.CELLS, still.RECORDINGS)
    page = html.unescape(re.search('srcdoc="([^"]*)"', bundle(live())[0]["text/html"])[1])
    assert page.startswith("<!doctype html>") and "labkitPlayer.open" in page
    assert set(bundle(notebook.figure(hv.Curve([0])))[0]) == {"image/png"}


def test_a_figure_follows_the_theme_and_keeps_the_hooks_of_its_reader():
    """The browser gets the colours of both themes, by the ids of the axes, and the reader's own hook still runs."""
    seen = []
    curve = hv.Curve([3, 1, 2], label="a").opts(hooks=[lambda plot, element: seen.append(plot.state)])
    for picture, axes in ((curve, 2), (curve * hv.HLine(2), 2), (curve + hv.Curve([1, 2]), 4)):
        column = notebook.figure(picture).__panel__()
        column.get_root()
        figure, frames = seen[-1], {name: colours for name, *colours in column[1].frames}
        light, dark = frames[figure.xaxis[0].id]
        assert light["axis_label_text_color"] != dark["axis_label_text_color"]
        assert sum("axis_label_text_color" in colours[0] for colours in frames.values()) == axes
        assert figure.background_fill_alpha == figure.border_fill_alpha == 0
