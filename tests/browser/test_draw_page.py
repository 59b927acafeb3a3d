"""The page /draw in a real browser: digits appear automatically, a drawn digit is read, the lab follows its sliders."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

IMAGES = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const shown = models.filter((m) => m.type === "Figure" && Bokeh.index.find_one(m))
  const first = shown.flatMap((f) => f.renderers).find((r) => r.glyph.type === "ImageRGBA")
  return first ? [...new Uint32Array(first.data_source.data.image[0].buffer ?? first.data_source.data.image[0])]
    .reduce((sum, v) => (31 * sum + v) % 1000000007, 7) : null
}"""


class Page:
    """The page, with the actions of its reader."""

    def __init__(self, page, server):
        self.page, self.server, self.foreign, self.wrong = page, server, [], []
        local = (server, f"blob:{server}", "data:", server.replace("http", "ws"))
        page.on("request", lambda request: request.url.startswith(local) or self.foreign.append(request.url))
        page.on("websocket", lambda socket: socket.url.startswith(local) or self.foreign.append(socket.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))

    def open(self, search=""):
        self.page.goto(f"{self.server}/draw{search}")
        self.page.get_by_role("combobox", name="Network").wait_for()
        self.page.wait_for_function(f"() => ({IMAGES})() !== null")
        return self

    def image(self):
        """A number that changes with the first picture."""
        return self.page.evaluate(IMAGES)

    def changes(self, before):
        self.page.wait_for_function(f"(before) => ({IMAGES})() !== before", arg=before)


@pytest.fixture
def drawing(page, server):
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    return Page(page, server)


def test_digits_appear_stroke_by_stroke_without_requests_to_other_machines(drawing):
    drawing.open()
    drawing.page.get_by_text(re.compile(r"^step \d\d · ")).wait_for()
    drawing.page.get_by_role("slider", name="Temperature of z").wait_for()
    drawing.changes(drawing.image())
    assert (drawing.foreign, drawing.wrong) == ([], [])


def test_a_drawn_digit_is_read(drawing):
    drawing.open("?tab=Read")
    drawing.page.get_by_role("button", name="Clear").wait_for()
    drawing.page.get_by_role("button", name="Pause").click()
    drawing.page.wait_for_timeout(300)
    before = drawing.image()
    box = drawing.page.get_by_role("application", name="Draw a digit here").bounding_box()
    mouse, (left, top) = drawing.page.mouse, (box["x"], box["y"])
    mouse.move(left + 60, top + 60)
    mouse.down()
    for x, y in ((180, 60), (120, 200)):  # a seven
        mouse.move(left + x, top + y, steps=8)
    mouse.up()
    drawing.changes(before)
    drawing.page.get_by_role("button", name="Pause").wait_for()  # the page reads it at once

    drawing.page.get_by_role("button", name="Pause").click()
    drawing.page.get_by_text(re.compile(r"^step \d+ · paused")).wait_for()
    seven = drawing.image()
    square = drawing.page.get_by_role("application", name="Draw a digit here")
    square.focus()
    for key in ("Delete", "Shift+ArrowUp", "Shift+ArrowUp", "Space", *4 * ["Shift+ArrowDown"], "Space"):  # a one
        drawing.page.keyboard.press(key)
    drawing.changes(seven)
    drawing.page.get_by_text("Pen up", exact=True).wait_for(state="attached")
    assert (drawing.foreign, drawing.wrong) == ([], [])


def test_the_saved_web_page_plays_every_stroke(drawing, browser, tmp_path):
    """More strokes than two sheets of images have, so that the page has computed new images in between."""
    page = drawing.open().page
    page.get_by_text(re.compile(r"^step (4\d|\d{3}) · ")).wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    last = int(re.search(r"step (\d+) · paused", page.get_by_text(re.compile(r"step \d+ · paused")).inner_text())[1])
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Save recording").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "labkit-run.html" and (drawing.foreign, drawing.wrong) == ([], [])

    with browser.new_context(offline=True) as context:
        saved, wrong = context.new_page(), []
        saved.on("pageerror", lambda error: wrong.append(str(error)))
        saved.on("request", lambda request: request.url == path.as_uri() or wrong.append(request.url))
        saved.goto(path.as_uri())
        status = saved.locator(".status")
        expect(status).to_have_text(re.compile(r"^step [1-9]"), timeout=30_000)  # it plays
        expect(status).to_have_text(re.compile(f"^step {last}\\b"))
        saved.keyboard.press("Home")
        expect(status).to_have_text(re.compile(r"^step 0\b"))
        assert saved.get_by_label("Frame", exact=True).get_attribute("max") == str(last)  # a frame for each stroke
        assert wrong == []


def test_the_window_of_the_lab_follows_its_sliders_and_a_link_to_an_unknown_network_is_reported(drawing):
    drawing.open("?tab=Attention%20lab&model=none-such")
    drawing.page.get_by_text("This link has settings or values that do not exist here").wait_for()
    before = drawing.image()
    slider = drawing.page.get_by_role("slider", name="Stride, δ")
    slider.focus()
    for _ in range(5):
        drawing.page.keyboard.press("ArrowRight")
    drawing.changes(before)
    assert (drawing.foreign, drawing.wrong) == ([], [])
