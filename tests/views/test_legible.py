"""Texts on canvases, which no tool sees in a browser: each has a contrast of 4.5 on every paper, light and dark."""

import re
from pathlib import Path

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import Axis, ColorBar, Legend, Text, Title

import labkit
from labkit.contrast import ENOUGH, contrast, legible
from labkit.paint import Painter
from labkit.paint.axes import DARK, LIGHT
from labkit.paint.panel import VEIL
from labkit.paint.shades import rgba
from labkit.recordings import declaration
from labkit.views import palette
from labkit.views.dreg.styles import STYLES
from labkit.views.stage import INK, PAPER, Stage
from labkit.views.view import View

HERE = Path(labkit.__file__).parent
LAYERS = {value for name, value in vars(palette).items() if name.isupper()} | {one.color for one in STYLES.values()}
TEXTS = {  # properties with the colour of a text, by the kind of model
    Axis: ("major_label_text_color", "axis_label_text_color"), ColorBar: ("major_label_text_color",),
    Legend: ("label_text_color",), Text: ("text_color",), Title: ("text_color",),
}  # fmt: skip
JUPYTERLAB = {False: ["#ffffff"], True: ["#111111"]}  # its --jp-layout-color0
PAGES = HERE / "serving" / "scheme.html", HERE / "recordings" / "player.html"


def between(one, other):
    """The contrast of two colours of any kind."""
    return contrast(rgba(one)[:3], rgba(other)[:3])


def papers(dark):
    """What is behind pictures: on pages and in rooms, in recordings, and in notebooks."""
    found = []
    for file in PAGES:
        for name in ("ground", "card"):
            found.append(re.findall(rf"--{name}: (#[0-9a-f]{{6}})", file.read_text(encoding="utf-8"))[int(dark)])
    return found + JUPYTERLAB[dark]


class Texts(View):
    """A picture with every kind of text; two layers of text have colours with little contrast."""

    name = "texts"

    def picture(self, state):
        labels = [hv.Labels([(0, 0, "a")], label=c).opts(text_color=c) for c in ("#E69F00", "navy")]
        curve = hv.Curve([(0, 0), (1, 1)], label="curve")
        image = hv.Image(np.eye(2), label="image").opts(colorbar=True)
        return hv.Overlay([image, curve, *labels]).opts(title="Title", xlabel="x", show_legend=True)

    def columns(self, state, past=None):
        return {}


def colours(models):
    """The colours of all texts, by kind of model and property."""
    return [
        (type(model).__name__, name, getattr(model, name))
        for model in models
        for kind, names in TEXTS.items()
        if isinstance(model, kind)
        for name in names
    ]


@pytest.fixture(scope="module")
def figure():
    """The stage and its figure of all kinds of text."""
    stage, figures = Stage(), []
    stage.show(Texts(), None, figures.append)
    hv.render(stage.pane.object)
    return stage, figures[0]


@pytest.mark.parametrize("dark", [False, True])
def test_no_paper_has_less_contrast_than_that_of_pictures(dark):
    ink = INK[dark]
    assert min(between(ink, paper) for paper in papers(dark)) == pytest.approx(between(ink, PAPER[dark]))


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_of_a_picture_can_be_read_on_pages_and_in_notebooks(figure, dark):
    stage, one = figure
    stage.recolour(not dark)
    stage.recolour(dark)
    shown = [m for m in one.references() if not isinstance(m, Text) or m in [r.glyph for r in one.renderers]]
    found = colours(shown)
    assert {kind for kind, _, _ in found} >= {"LinearAxis", "ColorBar", "Legend", "Text", "Title"}
    for kind, name, colour in found:
        assert min(between(colour, paper) for paper in papers(dark)) >= ENOUGH, (kind, name, colour)


def test_a_colour_in_another_notation_stays():
    class Other(Texts):
        def picture(self, state):
            return hv.Overlay([hv.Labels([(0, 0, "a")], label="a").opts(text_color="rgb(10, 20, 30)")])

    stage, figures = Stage(), []
    stage.show(Other(), None, figures.append)
    hv.render(stage.pane.object)
    stage.recolour(True)
    assert figures[0].renderers[0].glyph.text_color == "rgb(10, 20, 30)" and figures[0].xaxis.axis_label_text_color


def test_colours_of_text_return_with_the_theme(figure):
    stage, one = figure
    stage.recolour(False)
    first = colours(one.references())
    for dark in (True, False, True, False):
        stage.recolour(dark)
    assert colours(one.references()) == first


def test_every_text_of_a_recording_and_of_a_room_can_be_read():
    (picture,) = declaration.pictures([Texts()], None)
    texts = {
        (model, name): both
        for model, named in picture.data["colours"].items()
        for name, both in named.items()
        if "text" in name
    }
    assert len(texts) == 2 * 2 + 1 + 1 + 2 + 1  # axes, colour bar, legend, labels, title
    for dark in (False, True):
        for place, both in texts.items():
            assert min(between(both[dark], paper) for paper in papers(dark)) >= ENOUGH, place


@pytest.mark.parametrize("colour", sorted(LAYERS))
@pytest.mark.parametrize("dark", [False, True])
def test_a_text_in_the_colour_of_a_layer_can_be_read(colour, dark):
    shade = rgba(colour)[:3]
    assert min(between(legible(shade, rgba(PAPER[dark])[:3]), paper) for paper in papers(dark)) >= ENOUGH
    theme = DARK if dark else LIGHT
    assert between(legible(shade, rgba(theme.paper)[:3]), theme.paper) >= ENOUGH


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_texts_of_saved_pictures_can_be_read_also_in_a_legend_over_a_layer(theme):
    assert between(theme.ink, theme.paper) >= ENOUGH
    for below in LAYERS | {"#000000", "#ffffff"}:  # the legend covers most of what is below
        ink, paper = (
            tuple(round(VEIL / 255 * a + (1 - VEIL / 255) * b) for a, b in zip(rgba(top), rgba(below), strict=True))
            for top in (theme.ink, theme.paper)
        )
        assert contrast(ink[:3], paper[:3]) >= ENOUGH, below


@pytest.mark.parametrize("dark", [False, True])
def test_a_layer_of_text_is_painted_with_enough_contrast(dark):
    """The pixel that differs most from the paper is inside a letter and has the colour of the text."""
    theme, size = DARK if dark else LIGHT, {"xlim": (0, 1), "ylim": (0, 1), "xaxis": None, "yaxis": None}
    for colour in ("#E69F00", "#9467BD"):
        words = hv.Labels([(0.5, 0.5, "MMM")]).opts(text_color=colour, text_font_size="60px", **size)
        image = Painter(words, (400, 200), dark).frame({})
        pixels = np.unique(np.asarray(image.convert("RGB"))[40:-40, 40:-40].reshape(-1, 3), axis=0)  # without the frame
        assert max(between(tuple(pixel), theme.paper) for pixel in pixels.tolist()) >= ENOUGH
