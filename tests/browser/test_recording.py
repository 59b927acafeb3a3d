"""A recorded run in a real browser: opened from a folder, without a network."""

import re
from dataclasses import dataclass

import holoviews as hv
import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

from labkit import places, recordings
from labkit.cli import main
from labkit.experiments.dreg.microscope import MicroscopeSettings
from labkit.experiments.svgd.numbers import bandwidth
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.past import Past
from labkit.views.dreg.microscope import GradientScatter, WeightedSamples
from labkit.views.svgd import Curves, Line
from labkit.views.view import View

pytestmark = pytest.mark.browser
STEPS = 60
# the particles of the large picture, as BokehJS holds them
X = """() => Bokeh.documents[0].roots()[0].renderers.map((r) => r.data_source)
    .filter((s) => s.data.x?.length === 20).map((s) => Array.from(s.data.x))[0]"""
INK = "() => Bokeh.documents[0].roots()[0].title.text_color?.value ?? Bokeh.documents[0].roots()[0].title.text_color"


@pytest.fixture(scope="module")
def run():
    """A run of 20 particles and its views."""
    experiment = ParticlesSettings(n=20)
    views = [Line(experiment.density, experiment.box()[0]), Curves(bandwidth())]
    past = Past(lambda state: views[1].record(state))
    past.add(experiment.start())
    for _ in range(STEPS):
        past.add(experiment.step(past.states[-1]))
    return views, past


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    """The run as a file."""
    path = tmp_path_factory.mktemp("recording") / "run.html"
    recordings.save_past(*run, path, title="Größe", status=lambda state: f"t {state.t}")
    return path


@pytest.fixture
def opened(browser, file):
    """opened(**options of the context) -> the page, offline; it fails on a page error or a request.

    warnings: a list that gets those of the console. ready: what is visible when the page is ready. parts: addresses
    that it may request.
    """
    wrong, contexts = [], []

    def start(path=file, *, warnings=None, ready="[data-ready=true]", parts=(), **options):
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url in (path.as_uri(), *parts) or wrong.append(request.url))
        if warnings is not None:
            page.on("console", lambda message: message.type == "warning" and warnings.append(message.text))
        page.goto(path.as_uri())
        page.locator(ready).wait_for(timeout=30_000)
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


def status(page):
    return int(re.match(r"step (\d+)", page.locator(".status").inner_text())[1])


def at(page, step):
    expect(page.locator(".status")).to_have_text(f"step {step} · t {step}")


def test_a_recording_plays_to_its_end_and_again(opened, run):
    page = opened()
    page.get_by_label("Frames per second").select_option("40")
    at(page, STEPS)
    button = page.get_by_role("button", name="Play", exact=True)
    button.wait_for()
    assert page.evaluate(X) == pytest.approx(run[1].states[-1].x[:, 0].tolist(), abs=1e-3)
    page.get_by_label("Frames per second").select_option("1")
    button.click()
    at(page, 0)
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("heading").inner_text() == page.title() == "Größe"


def test_keys_and_buttons_go_to_every_frame(opened, run):
    page = opened(reduced_motion="reduce")
    at(page, 0)  # it waits: the reader prefers no motion
    page.get_by_role("button", name="Play", exact=True).wait_for()
    x = [state.x[:, 0].tolist() for state in run[1].states]
    assert page.evaluate(X) == pytest.approx(x[0], abs=1e-3)
    for key, step in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", STEPS), ("Home", 0)]:
        page.keyboard.press(key)
        at(page, step)
        assert page.evaluate(X) == pytest.approx(x[step], abs=1e-3)
    page.get_by_role("button", name="One frame on").click()
    page.get_by_role("button", name="One frame on").click()
    page.get_by_role("button", name="One frame back").click()
    at(page, 1)
    page.get_by_label("Frame", exact=True).fill("40")
    at(page, 40)
    assert page.evaluate(X) == pytest.approx(x[40], abs=1e-3)
    page.keyboard.press("ArrowLeft")  # the slider has the focus
    at(page, 39)
    expect(page.get_by_role("status")).to_have_text(
        re.compile(r"^step 39 · t 39\. 20 particles")
    )  # what a screen reader says
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    assert status(page) >= 39


def test_a_recording_follows_light_and_dark_and_fits_a_phone(opened):
    page = opened(color_scheme="dark", viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    dark = page.evaluate(INK)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"dark => ({INK})() !== dark", arg=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


# for each picture: whether its frame is square, and how far its legends go beyond its width, in pixels
FITTED = """() => Bokeh.documents.map((each) => Bokeh.index.find_one(each.roots()[0])).map((view) => {
  const { width, height } = view.frame.bbox, { right } = view.el.getBoundingClientRect()
  const legends = view.model.above.filter(({ type }) => type === "Legend").map((each) => Bokeh.index.find_one(each).el)
  return [Math.abs(width - height) < 2, Math.max(0, ...legends.map((el) => el.getBoundingClientRect().right - right))]
})"""


def test_a_plane_is_square_and_its_legend_fits_at_every_width(opened, tmp_path):
    path, settings = tmp_path / "planes.html", MicroscopeSettings()
    recordings.save_states([WeightedSamples(settings), GradientScatter(settings)], [settings.start()], path)
    page = opened(path, viewport={"width": 390, "height": 844})
    for width in (390, 320, 1366):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(f"() => ({FITTED})().every(([square, beyond]) => square && beyond === 0)", timeout=9000)


def test_images_are_drawn_from_a_recording(opened, tmp_path):
    """The page of `labkit sample`; its first canvas is grey, so all pixels differ from those at the end."""
    path = tmp_path / "digits.html"
    assert main(["sample", "draw-small", "--n", "4", "--out", str(path)]) == 0
    page = opened(path, reduced_motion="reduce")
    image = """() => { const image = Bokeh.documents[0].roots()[0].renderers[0].data_source.data.image[0]
                       return [image.dtype, image.shape, Array.from(image)] }"""
    kind, shape, first = page.evaluate(image)
    assert kind == "uint32" and shape == [58, 58] and len(first) == 58 * 58
    page.keyboard.press("End")
    assert len(set(page.evaluate(image)[2])) > len(set(first))


class Growing(View):
    """A curve with no point at first. It never gets one if `most` is 0."""

    automatic = True

    def __init__(self, most):
        self.most = most

    def picture(self, state):
        return hv.Overlay([hv.Curve((np.zeros(0), np.zeros(0)), "x", "y", label="c")]).opts(title="grows")

    def columns(self, state, past=None):
        x = np.arange(float(min(state.t, self.most)))
        return {"c": {"x": x, "y": x**2}}


@dataclass(frozen=True)
class Count:
    t: int


def test_a_picture_that_is_empty_at_first_reports_no_error(opened, tmp_path):
    """BokehJS warns if axes have no range when they are drawn for the first time."""
    path, said = tmp_path / "grows.html", []
    recordings.save_states([Growing(9), Growing(0)], map(Count, range(5)), path)
    page = opened(path, warnings=said, reduced_motion="reduce")
    rows = "() => Bokeh.documents.map((d) => d.roots()[0].renderers[0].data_source.data.x.length)"
    assert page.evaluate(rows) == [0, 0]
    page.keyboard.press("End")
    assert page.evaluate(rows) == [4, 0]
    page.wait_for_function("() => Bokeh.documents[0].roots()[0].x_range.end > 3")
    assert said == []


def test_an_executed_notebook_plays_its_live_view_and_draws_its_formulas(opened, tmp_path, monkeypatch):
    """Slow: a kernel runs the notebook."""
    cells = [
        nbformat.v4.new_markdown_cell("Move by $x^2$:\n\n$$\\phi = \\frac{1}{n} \\sum_j k_j$$\n\n`$not$`"),
        nbformat.v4.new_code_cell(
            "from labkit.experiments.svgd import ParticlesSettings\nfrom labkit.views import notebook\n"
            "from labkit.views.svgd import ParticlesScene\nnotebook.load()\nParticlesScene(ParticlesSettings(n=20))"
        ),
    ]
    (tmp_path / "mine").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "mine" / "small.ipynb")
    (tmp_path / "none").mkdir()
    monkeypatch.setattr(places, "find", lambda name: tmp_path / "none")
    assert main(["lab", "--dir", str(tmp_path / "mine"), "--executed", str(tmp_path / "pages")]) == 0

    page = opened(tmp_path / "pages" / "small.html", ready="body[data-formulas=drawn]", parts=("about:srcdoc",))
    formulas = page.locator("mjx-container")
    assert [each.get_attribute("aria-label") for each in formulas.all()] == ["x^2", r"\phi = \frac{1}{n} \sum_j k_j"]
    assert all(each.locator("svg").bounding_box()["height"] > 5 for each in formulas.all())
    assert page.get_by_text("$not$").count() == 1

    frame = page.locator("iframe")
    frame.scroll_into_view_if_needed()
    inside = page.frame_locator("iframe")
    expect(inside.locator(".status")).to_have_text(re.compile("^step 240 "), timeout=60_000)
    inside.get_by_role("button", name="One frame back").click()
    expect(inside.locator(".status")).to_have_text(re.compile("^step 239 "))
    assert frame.bounding_box()["height"] >= inside.locator("html").bounding_box()["height"] > 400
