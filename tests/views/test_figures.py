"""Figures for a paper: shapes at the positions of the state's numbers, text as text, and the settings in the file."""

import io
import re
import zlib
from base64 import a85decode, b64decode
from dataclasses import dataclass
from xml.etree import ElementTree

import holoviews as hv
import numpy as np
import pytest
from PIL import Image

from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.past import Past
from labkit.views import figures
from labkit.views.downloads import ALL, FORMATS, Downloads, figure
from labkit.views.live import Live
from labkit.views.view import View

SVG = "{http://www.w3.org/2000/svg}"
LIMITS = (-2.0, 6.0), (0.0, 4.0)
NUMBERS = np.array([(0.0, 0.0), (1.5, 1.0), (3.25, 3.0), (5.0, 3.5)])
SIZE = 700, 400


@dataclass(frozen=True)
class State:
    t: int = 0


class Dots(View):
    """Points and a curve at the same positions, with a title and labels."""

    def picture(self, state):
        points = hv.Points(np.zeros((1, 2)), label="particles").opts(size=6, color="#0072b2")
        curve = hv.Curve(np.zeros((1, 2)), label="path").opts(color="#d55e00", line_width=2)
        look = {"xlim": LIMITS[0], "ylim": LIMITS[1], "title": "Dots of σ", "xlabel": "across", "ylabel": "up"}
        return (points * curve).opts(**look)

    def columns(self, state, past=None):
        x, y = NUMBERS.T
        return {"particles": {"x": x, "y": y}, "path": {"x": x, "y": y}}

    def describe(self, state, past=None):
        return f"{len(NUMBERS)} dots & a path."


class Pixel(View):
    """An image of 2 x 2 pixels."""

    def picture(self, state):
        return hv.Image(np.array([[0.0, 1.0], [2.0, 3.0]]), bounds=(0, 0, 1, 1), label="image").opts(cmap="gray")

    def columns(self, state, past=None):
        return {}


class Empty(Dots):
    """A picture that is empty until someone clicks."""

    def missing(self, state, earlier):
        return "Click."


@pytest.fixture(autouse=True, scope="module")
def _extension():
    hv.extension("bokeh")


def saved(ending, views=None, about=None, **form):
    past, file = Past(None, [State()], [0]), io.BytesIO()
    views = views or [Dots()]
    figures.write(views, past, 0, file, figures.Form(ending, **{"size": SIZE} | form), about or {})
    return file.getvalue()


def tree(content):
    return ElementTree.fromstring(content)


def texts(root):
    return {text.text: text for text in root.iter(f"{SVG}text")}


def layer(root, name):
    [found] = [group for group in root.iter(f"{SVG}g") if group.get("class") == name]
    return found


def places(root):
    """Where the numbers should be: the limits are at the sides of the frame, whose line is outside them."""
    group = next(group for group in root.iter(f"{SVG}g") if group.get("stroke-width"))
    corners, half = coordinates(group.find(f"{SVG}path")), float(group.get("stroke-width")) / 2
    low, high = corners.min(0) + half, corners.max(0) - half
    share = (NUMBERS - np.array(LIMITS)[:, 0]) / np.ptp(np.array(LIMITS), axis=1)
    share[:, 1] = 1 - share[:, 1]
    return low + share * (high - low)


def coordinates(path):
    return np.array(re.findall(r"[\d.]+", path.get("d")), dtype=float).reshape(-1, 2)


# SVG


def test_discs_and_curve_points_are_where_the_axes_put_the_numbers_of_the_state():
    root = tree(saved(".svg"))
    discs = np.array([(float(c.get("cx")), float(c.get("cy"))) for c in layer(root, "particles").iter(f"{SVG}circle")])
    [path] = layer(root, "path").iter(f"{SVG}path")
    for found in (discs, coordinates(path)):
        assert np.allclose(found, places(root), atol=0.05)


def test_title_and_labels_are_text_and_no_layer_is_an_image():
    root = tree(saved(".svg"))
    assert {"Dots of σ", "across", "up", "particles", "path"} <= set(texts(root))
    assert not list(root.iter(f"{SVG}image"))
    assert (root.get("width"), root.get("height")) == ("700", "400")


def test_an_image_of_pixels_is_embedded_upright():
    root = tree(saved(".svg", [Pixel()]))
    [image] = root.iter(f"{SVG}image")
    data = image.get("href").partition("base64,")[2]
    pixels = np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("L")).astype(int)
    assert pixels.shape == (2, 2) and (np.diff(pixels.ravel()) != 0).all()
    assert pixels[0].mean() < pixels[1].mean()  # rows of hv.Image come from the top


def test_the_settings_are_in_the_file_and_in_its_name():
    settings = ParticlesSettings(target="banana", n=7)
    about = figures.about(settings.owners, "Particles", 12, "7 particles < 8.")
    root = tree(saved(".svg", about=about))
    inside = "".join(root.itertext())
    assert root.find(f"{SVG}title").text == "Particles at step 12"
    assert root.find(f"{SVG}desc").text == "7 particles < 8."
    assert "target=banana" in inside and "&n=7&" in inside and "kernel=rbf" in inside
    info = Image.open(io.BytesIO(saved(".png", about=about))).info
    assert info["Settings"] == about["Settings"] and info["Step"] == "12"
    assert b"Particles at step 12" in saved(".pdf", about=about)
    name = figures.file_name(settings.owners, "Particles", 12, ".svg")
    assert name == "labkit-particles-n-7-target-banana-step-12.svg"


# PDF


def contents(pdf):
    """The decompressed page of a PDF."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    found = []
    for stream in streams:
        try:
            found.append(zlib.decompress(a85decode(stream.strip().removesuffix(b"~>"))))
        except (ValueError, zlib.error):
            continue
    return max((each for each in found if b" Tf" in each), key=len)


def test_a_pdf_has_text_and_curves_with_embedded_fonts_and_no_image():
    pdf = saved(".pdf")
    page = contents(pdf)
    assert pdf.startswith(b"%PDF") and b"%%EOF" in pdf[-8:]
    assert page.count(b" Tj") >= 10  # ticks, title, labels and the legend
    assert page.count(b" c\n") + page.count(b" c ") >= 4 * len(NUMBERS)  # each disc has four curves
    assert b"/Subtype /Image" not in pdf and b"/FontFile2" in pdf
    assert b"/BaseFont /Helvetica" not in pdf  # a font that is not embedded
    assert b"/MediaBox [ 0 0 525 300 ]" in pdf  # 700 x 400 pixels, 96 of them in an inch of 72 points


# PNG


def test_a_png_has_more_pixels_of_the_same_picture():
    one, four = (Image.open(io.BytesIO(saved(".png", scale=scale))) for scale in (1, 4))
    assert one.size == SIZE and four.size == (4 * SIZE[0], 4 * SIZE[1])
    small = np.asarray(four.resize(SIZE, Image.Resampling.BOX).convert("L")).astype(float)
    assert abs(small - np.asarray(one.convert("L"))).mean() < 3  # grey levels; text at another size differs


# which pictures


def test_all_pictures_leave_out_those_that_are_empty():
    def titles(views, **form):
        return [text.text for text in tree(saved(".svg", views, size=None, **form)).iter(f"{SVG}text")].count("across")

    views = [Dots(), Dots(), Empty()]
    assert (titles(views), titles(views, every=True)) == (1, 2)


def test_a_live_view_saves_figures_by_the_end_of_their_name(tmp_path):
    live = Live(State, lambda state: State(state.t + 1), [Dots(), Dots()])
    try:
        for ending in (".svg", ".pdf", ".png"):
            live.save(tmp_path / f"run{ending}", steps=2, panels="all")
        assert "Live at step 2" in (tmp_path / "run.svg").read_text(encoding="utf-8")
        assert Image.open(tmp_path / "run.png").info["Description"].startswith("4 dots & a path.")
        with pytest.raises(ValueError, match='panels must be "main" or "all", got .some.'):
            live.save(tmp_path / "a.svg", panels="some")
        with pytest.raises(ValueError, match="scale must be 1, 2, 3 or 4, got 9"):
            live.save(tmp_path / "a.png", scale=9)
    finally:
        live.close()


def test_the_button_makes_the_chosen_format_of_the_chosen_pictures():
    live = Live(State, lambda state: State(state.t + 1), [Dots(), Dots()])
    try:
        buttons, sent = Downloads(live, ("png",)), []
        live.remote.save = lambda *file: sent.append(file)
        buttons.format.value, buttons.pictures.value = "SVG", ALL
        live.later = lambda task: task()
        past = live.run.past(lambda past: past.copy())
        buttons._make(lambda: figure(live, live.views, past, 0, *FORMATS["SVG"], every=True))
        [(name, mime, content)] = sent
        assert (name, mime) == ("labkit-live-step-0.svg", "image/svg+xml")
        assert [text.text for text in tree(content).iter(f"{SVG}text")].count("across") == 2
        assert {ending for ending, _ in FORMATS.values()} == set(figures.WRITERS)
    finally:
        live.close()
