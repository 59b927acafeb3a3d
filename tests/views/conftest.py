"""Fixtures for tests of views: they show a view's picture and compare its columns with its layers."""

import holoviews as hv
import panel as pn
import pytest

from labkit.private import bokeh_models
from labkit.views.stage import Stage

SHOW = Stage.show


@pytest.fixture(autouse=True, scope="session")
def _extension():
    """Loads the extension once, as a page or a notebook does; this takes 25 ms."""
    pn.extension()
    hv.extension("bokeh")
    bokeh_models.remember()


@pytest.fixture
def without_pictures(monkeypatch):
    """Scenes declare no pictures, because these cost the most; `stood` still shows a view's picture."""
    monkeypatch.setattr(Stage, "show", lambda self, view, state, drawn: None)


@pytest.fixture(scope="session")
def stood():
    """`stood(view, state)` -> the Stage that shows the view's picture."""

    def put_up(view, state):
        stage = Stage()
        SHOW(stage, view, state, lambda figure: None)
        hv.render(stage.pane.object)
        return stage

    return put_up


@pytest.fixture(scope="session")
def check():
    """check(view, stage, state): the columns of a state have the names of the picture's layers."""

    def held(view, stage, state):
        columns = view.columns(state)
        stage.patch(columns)
        for label, arrays in columns.items():
            for name, values in arrays.items():
                assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)

    return held


@pytest.fixture(scope="session")
def pressed():
    """pressed(scene, board, spoken, names, settled) presses keys, and returns what the board has spoken.

    settled: settled(scene) returns when all edits are done.
    """

    def press(scene, board, spoken, names, settled):
        spoken.clear()
        for name in names:
            board.press(name)
            settled(scene)
            scene.live.show_news(more=False)
        return spoken

    return press
