"""The page /svgd in a real browser: what a reader sees, presses, drags, shares and saves."""

import csv
import io
import re
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from labkit.experiments.svgd import PRESETS
from labkit.views.player import FAILED

pytestmark = pytest.mark.browser

STEP = re.compile(r"^step ([\d]+) · (paused|[\d,]+ steps/s)")
# figures, large ones first, in their order on the page; a layer is found by a word of its legend or by its place
FIGURES = """
const models = () => [...Bokeh.documents[0]._all_models.values()]
const figures = () => models().filter((m) => m.type === "Figure" && Bokeh.index.find_one(m))
const leading = () => figures().filter((f) => f.height > 300).sort((a, b) => left(a) - left(b))
const left = (f) => Bokeh.index.find_one(f).el.getBoundingClientRect().left
const data = (f, i) => Object.fromEntries(Object.entries(f.renderers[i].data_source.data).map(([k, v]) => [k, [...v]]))
"""
MISS_A_LABEL = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const view = Bokeh.index.find_one(models.find(({type, label}) => type?.endsWith("Button") && label === "Play"))
  view._rebuild_label = async () => {
    delete view._rebuild_label
    setTimeout(() => { view.button_el.textContent = "Play"; window.isLate = true }, 500)
  }
}"""
"""The view of Play misses the next change of its label, as while the browser still builds it. Later an older change
arrives, as on a slow machine."""
CONTROLS = """() => {
  const found = []
  const walk = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.matches(".noUi-handle, input, select, button") && !e.closest("dialog")) found.push({
        name: e.ariaLabel || [...(e.labels || [])].map((l) => l.textContent).join(" ") || e.textContent.trim(),
        tip: e.title || e.ariaDescription || root.host?.title || "", button: e.matches("button"),
      })
      if (e.shadowRoot) walk(e.shadowRoot)
    }
  }
  walk(document)
  return found
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

    def open(self, search="", *, paused=False):
        """Paused for a reader who prefers less motion, because a playing page keeps a core busy."""
        if paused:
            self.page.emulate_media(reduced_motion="reduce")
        self.page.goto(f"{self.server}/svgd{search}")
        self.counter.wait_for()
        self.control("combobox", "Target p(x)").wait_for()
        return self

    @property
    def counter(self):
        return self.page.get_by_text(STEP)

    @property
    def step(self):
        return int(STEP.match(self.counter.inner_text())[1])

    @property
    def asked(self):
        """The settings in the address."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def control(self, role, name):
        return self.page.get_by_role(role, name=name, exact=True)

    def press(self, name):
        self.control("button", name).click()

    def pause(self):
        self.press("Pause")  # the button's name until it is pressed: waits for a run that has not started yet
        self.control("button", "Play").wait_for()
        self.page.wait_for_timeout(200)  # the text next to the button changes with it, not earlier
        self.page.get_by_text(re.compile(r"^step \d+ · paused")).wait_for()

    def error(self):
        """The message on the page; a screen reader also speaks it."""
        return self.page.get_by_text(re.compile(f"^({'|'.join(FAILED.values())}) ")).locator(
            "xpath=self::*[not(@aria-live)]"
        )

    def figures(self, script):
        return self.page.evaluate(f"() => {{ {FIGURES}; return {script} }}")

    def until(self, script):
        self.page.wait_for_function(f"() => {{ {FIGURES}; return {script} }}")

    def eventually(self, holds, seconds=15.0):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"it did not happen at {self.page.url}: {self.counter.inner_text()}"
            self.page.wait_for_timeout(30)

    def place(self, x, y, leading=0):
        """The place of a point of a large picture on the screen."""
        return self.page.evaluate(
            f"""([x, y, i]) => {{ {FIGURES}
              const view = Bokeh.index.find_one(leading()[i]), frame = view.frame, box = view.el.getBoundingClientRect()
              return [box.left + frame.x_scale.compute(x), box.top + frame.y_scale.compute(y)]
            }}""",
            [x, y, leading],
        )


@pytest.fixture
def svgd(page, server):
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    return Page(page, server)


# playing


def test_it_plays_one_story_after_another_without_requests_to_other_machines(svgd):
    """Afterwards Pause stops it, Step adds one step, and the page can be dark or light.

    The stories here have one, two and many dimensions; tests/views show that every story runs.
    """
    svgd.open()
    assert svgd.page.evaluate("labkitQuick") == ["_get_css_value", "_update"], "another BokehJS is not as quick"
    first = svgd.step
    svgd.eventually(lambda: svgd.step > first + 20)
    expect(svgd.control("combobox", "Story").locator("option")).to_have_count(len(PRESETS) + 1)
    for story in ("Collapse", "A banana"):
        svgd.control("combobox", "Story").select_option(story)
        svgd.page.get_by_text(PRESETS[story][1][:40]).wait_for()
        svgd.eventually(lambda: svgd.step > 3)
        assert not svgd.error().is_visible(), story
    svgd.pause()
    stopped = svgd.step
    svgd.page.wait_for_timeout(300)
    assert svgd.step == stopped
    svgd.press("Step")
    svgd.eventually(lambda: svgd.step == stopped + 1)
    svgd.press("Reset")
    svgd.eventually(lambda: svgd.step == 0)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    ink = "leading()[0].below[0].major_label_text_color"
    before = svgd.page.evaluate(ground), svgd.figures(ink)
    svgd.page.get_by_role("button", name="Dark page").click()
    svgd.until(f"{ink} !== '{before[1]}'")
    assert svgd.page.evaluate(ground) != before[0]
    assert (svgd.foreign, svgd.wrong) == ([], [])


def test_reduced_motion_starts_paused_and_keys_act_unless_a_control_has_the_focus(svgd):
    svgd.open(paused=True)
    svgd.page.wait_for_timeout(500)
    assert svgd.step == 0
    svgd.press("Play")
    svgd.eventually(lambda: svgd.step > 3)
    svgd.pause()
    svgd.press("Reset")
    svgd.eventually(lambda: svgd.step == 0)
    keys = svgd.page.keyboard
    svgd.page.locator("h1").click()
    for step in (1, 2):
        keys.press("ArrowRight")
        svgd.eventually(lambda step=step: svgd.step == step)
    keys.press("ArrowLeft")
    svgd.eventually(lambda: svgd.step == 1)
    svgd.control("combobox", "Kernel k").focus()
    before = svgd.step
    for key in ("r", "ArrowRight"):
        keys.press(key)
    svgd.page.wait_for_timeout(400)
    assert svgd.step == before
    svgd.page.locator("h1").click()
    svgd.page.evaluate("document.activeElement.blur()")
    keys.press("r")
    svgd.eventually(lambda: svgd.step == 0)
    svgd.page.evaluate(MISS_A_LABEL)
    keys.press("Space")
    svgd.page.wait_for_function("window.isLate")
    svgd.control("button", "Pause").wait_for()
    svgd.eventually(lambda: svgd.step > 3)


def test_a_number_field_always_shows_the_used_number(svgd):
    svgd.open("?n=50", paused=True)
    field = svgd.control("textbox", "Particles, n")
    line = svgd.page.get_by_text(re.compile(r"Using [\d,]+\.$"))
    for typed, used, said in (
        ("", "50", "Not a number."), ("60", "60", ""), ("-5", "1", "Allowed: 1 to 2,000."),
        ("12.6", "13", "Only whole numbers."), ("12,6", "13", "Not a number."),
        ("1000000000", "2000", "Allowed: 1 to 2,000."), ("", "2000", "Not a number."),
    ):  # fmt: skip
        field.press("Control+a")
        field.press("Delete")
        field.press_sequentially(typed)
        field.press("Enter")
        expect(field).to_have_value(used)
        svgd.eventually(lambda used=used: svgd.asked["n"] == used)
        expect(line).to_contain_text(said) if said else line.wait_for(state="hidden")
    svgd.until("data(leading()[0], 4).x.length === 2000")
    expect(svgd.page.get_by_text("This page does not work")).to_have_count(0)


# the address


def test_a_link_gives_its_settings_and_the_same_run(svgd):
    svgd.open("?n=50&kernel=imq&seed=3", paused=True)
    expect(svgd.control("textbox", "Particles, n")).to_have_value("50")
    expect(svgd.control("combobox", "Kernel k")).to_have_value("Inverse multiquadric (imq)")
    expect(svgd.control("textbox", "Seed")).to_have_value("3")
    particles = "data(leading()[0], 4).x"
    svgd.until(f"{particles}.length === 50")
    first = svgd.figures(particles)
    svgd.control("combobox", "Bandwidth rule").select_option("Paper's rule")
    svgd.eventually(lambda: svgd.asked == {"n": "50", "kernel": "imq", "seed": "3", "bandwidth": "paper"})
    svgd.page.reload()
    expect(svgd.control("combobox", "Bandwidth rule")).to_have_value("Paper's rule")
    svgd.until(f"{particles}.length === 50")
    assert svgd.figures(particles) == first
    assert svgd.wrong == []


def test_a_picture_that_missed_the_colours_of_the_page_gets_them_again(svgd):
    """The server has the right colours already, so it must change them twice."""
    svgd.open(paused=True)
    inks = "Bokeh.documents[0]._all_models.values().filter(({type}) => type === 'LinearAxis').toArray()"
    svgd.until(f"{inks}.length > 3")
    right = svgd.page.evaluate(f"{inks}.map((axis) => axis.axis_label_text_color)")
    svgd.page.evaluate(f"""() => {{
        for (const axis of {inks}) axis.setv({{axis_label_text_color: "#d5dbe0"}}, {{sync: false}})
        for (const title of [...Bokeh.documents[0]._all_models.values()].filter(({{type}}) => type === "Title"))
          title.setv({{text_color: "#d5dbe0"}}, {{sync: false}})
    }}""")
    svgd.until(f"{inks}.every((axis) => axis.axis_label_text_color === {right[0]!r})")
    assert len(set(right)) == 1 and svgd.wrong == []


def test_invalid_settings_of_a_link_are_reported_as_text(svgd):
    svgd.open("?n=99999&hue=1&kernel=<img src=x onerror=alert(1)>&shape={%22dim%22:999999}")
    words = svgd.page.get_by_text("This link has settings or values that do not exist here")
    words.wait_for()
    for part in ("n=99999: must be at most 2,000", "hue", "<img src=x", "dim must be from 1 to 100"):
        assert part in words.inner_text()
    svgd.eventually(lambda: svgd.step > 3)
    assert svgd.wrong == [] and svgd.page.locator("img[src=x]").count() == 0


def test_share_gives_the_link_its_code_and_python_and_back_returns_to_the_earlier_tab(svgd, violations):
    svgd.open("?n=50", paused=True)
    svgd.press("Share")
    dialog = svgd.page.get_by_role("dialog", name="Share this page")
    link = f"{svgd.server}/svgd?n=50"
    expect(dialog.get_by_label("Link: the page, its tab and all settings")).to_have_value(link)
    expect(dialog.get_by_role("img", name="QR code of the link").locator("title")).to_have_text(f"QR code of {link}")
    expect(dialog.get_by_role("textbox", name="Python for this run")).to_have_value(re.compile(r"Settings\(n=50\)"))
    with svgd.page.expect_download() as download:
        dialog.get_by_role("button", name="Save recording").click()
    assert b'id="recording"' in Path(download.value.path()).read_bytes()
    dialog.get_by_role("checkbox", name="Open as a presentation").check()
    expect(dialog.locator("title")).to_have_text(f"QR code of {link}&present=1")
    assert violations(svgd.page, dialog) == []
    svgd.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    expect(svgd.control("button", "Share")).to_be_focused()
    svgd.press("Collapse")
    svgd.eventually(lambda: svgd.asked == {"tab": "Collapse"})
    svgd.page.go_back()
    expect(svgd.control("textbox", "Particles, n")).to_have_value("50")
    svgd.eventually(lambda: svgd.asked == {"n": "50"})
    assert (svgd.foreign, svgd.wrong) == ([], [])


# failures


def test_a_failing_step_is_shown_and_the_page_still_works(svgd):
    """Plain steps of size 2 move particles out of the range of the funnel; a smaller size and Reset play again."""
    svgd.open("?target=funnel&optimizer=plain&step_size=2&begin_mean=-10")
    svgd.error().wait_for()
    assert "smaller step size" in svgd.error().inner_text()
    svgd.control("combobox", "Optimiser").select_option("Adagrad")
    svgd.press("Reset")
    svgd.eventually(lambda: svgd.step > 5)
    svgd.error().wait_for(state="hidden")
    assert svgd.wrong == []


# the pointer


def test_a_click_fills_the_microscope_and_a_double_click_adds_a_particle(svgd):
    svgd.open("?target=banana&begin_mean=0&n=20", paused=True)
    svgd.until("figures().length === 5 && data(leading()[0], 1).x.length === 20")
    cloud = "figures().find((f) => f.title.text.startsWith('Forces')).renderers[0].data_source.data.x.length"
    assert svgd.figures(cloud) == 0
    x, y = svgd.figures("(({x, y}) => [x[3], y[3]])(data(leading()[0], 1))")
    svgd.page.mouse.click(*svgd.place(x, y))
    svgd.until(f"{cloud} === 20")
    svgd.page.mouse.dblclick(*svgd.place(2.5, 1.0))
    svgd.until("data(leading()[0], 1).x.length === 21")
    assert svgd.figures("data(leading()[0], 1).x.at(-1)") == pytest.approx(2.5, abs=0.1)
    assert svgd.wrong == []


def test_a_dragged_diamond_moves_its_mode_in_the_address_and_every_comparison_shows_two_pictures(svgd):
    svgd.open("?n=20", paused=True)
    svgd.until("leading().length === 1 && data(leading()[0], 6).x.length === 2")
    x, y = svgd.figures("(({x, y}) => [x[1], y[1]])(data(leading()[0], 6))")
    mouse = svgd.page.mouse
    mouse.move(*svgd.place(x, y))
    mouse.down()
    mouse.move(*svgd.place(x + 1, y), steps=4)
    mouse.move(*svgd.place(x + 2, y), steps=4)
    mouse.up()
    svgd.eventually(lambda: "means" in svgd.asked)
    svgd.eventually(lambda: abs(float(svgd.asked["means"].strip("[]").split(",")[1]) - 4) < 0.2)
    svgd.until("Math.abs(data(leading()[0], 6).x[1] - 4) < .2")
    beside = svgd.control("combobox", "Compare with")
    for kind in beside.locator("option").all_inner_texts():
        beside.select_option(kind)
        svgd.until(f"leading().length === {1 if kind == '(none)' else 2}")
        assert not svgd.error().is_visible(), kind
    assert (svgd.foreign, svgd.wrong) == ([], [])


# the keyboard


def test_a_particle_is_reached_moved_and_removed_by_keyboard_alone(svgd):
    svgd.open("?target=banana&begin_mean=0&n=20", paused=True)
    svgd.until("figures().length === 5 && data(leading()[0], 1).x.length === 20")
    picture, keys = svgd.page.get_by_role("application"), svgd.page.keyboard
    expect(picture).to_have_attribute("aria-label", re.compile("By keyboard: Enter chooses the next particle or mode"))
    svgd.control("button", "Reset").focus()
    for _ in range(4):  # two sliders and the (i) of KSD are between
        keys.press("Tab")
    expect(picture).to_be_focused()
    expect(picture).to_have_css("outline-width", "3px")
    expect(picture).to_have_css("outline-offset", "-3px")  # inside, because a picture cuts what is around it
    spoken = svgd.page.locator("[aria-live]")
    keys.press("Enter")
    expect(spoken.filter(has_text=re.compile(r"^Particle 1 of 20: x1 -?\d"))).to_have_count(1)
    before = svgd.figures("data(leading()[0], 1).x")
    i, width = before.index(min(before)), svgd.figures("leading()[0].x_range.end - leading()[0].x_range.start")
    svgd.until("data(leading()[0], 3).x.length === 1")
    keys.press("Shift+ArrowRight")
    svgd.until(f"data(leading()[0], 1).x[{i}] > {before[i]}")
    after = svgd.figures("data(leading()[0], 1).x")
    assert after.pop(i) == pytest.approx(before.pop(i) + width / 10, abs=1e-3) and after == before
    expect(spoken.filter(has_text=re.compile(r"^x1 -?\d.*, x2 -?\d"))).to_have_count(1)
    assert svgd.step == 0
    keys.press("Delete")
    svgd.until("data(leading()[0], 1).x.length === 19")
    expect(spoken.filter(has_text="Removed")).to_have_count(1)
    keys.press("ArrowRight")  # without a chosen particle, the arrow is the page's key
    svgd.eventually(lambda: svgd.step == 1)
    assert svgd.wrong == []


# files


def test_downloads_arrive_and_contain_the_run(svgd, tmp_path):
    svgd.open("?n=15")
    svgd.eventually(lambda: svgd.step > 20)
    svgd.pause()
    files = {}
    for name in ("Save GIF", "Save figure", "Save curves", "Save particles"):
        with svgd.page.expect_download(timeout=90_000) as download:
            svgd.press(name)
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
    svgd.control("combobox", "Figure as").select_option("SVG")
    with svgd.page.expect_download(timeout=90_000) as download:
        svgd.press("Save figure")
    assert download.value.suggested_filename == f"labkit-particles-n-15-step-{svgd.step}.svg"
    assert "&amp;n=15&amp;" in Path(download.value.path()).read_text(encoding="utf-8")
    gif = Image.open(files["Save GIF"])
    assert gif.n_frames > 5 and Image.open(files["Save figure"]).size == gif.size
    header, *rows = csv.reader(io.StringIO(files["Save curves"].read_text()))
    assert header[0] == "step" and int(rows[-1][0]) == svgd.step and all(len(row) == len(header) for row in rows)
    header, *rows = csv.reader(io.StringIO(files["Save particles"].read_text()))
    assert header[:2] == ["particle", "x1"] and len(rows) == 15
    assert svgd.wrong == []


# accessibility


def test_every_control_has_a_name_and_a_description_and_a_phone_shows_everything(svgd):
    svgd.page.emulate_media(color_scheme="dark")
    svgd.open("?bandwidth=fixed", paused=True)
    svgd.eventually(lambda: all(each["name"] for each in svgd.page.evaluate(CONTROLS)))
    found = svgd.page.evaluate(CONTROLS)
    assert len(found) > 25
    assert [each["name"] for each in found if not each["tip"] and not each["button"]] == []
    for role, name in {
        "slider": "Step size, ε", "spinbutton": None, "combobox": "Kernel k", "checkbox": "Show arrows",
        "button": "Play or pause", "textbox": "Seed",
    }.items():  # fmt: skip
        if name and role != "button":
            svgd.control(role, name).wait_for()
    svgd.control("button", "Step").hover()
    svgd.page.get_by_text("Pause and take one step (right arrow key)").wait_for()

    svgd.page.set_viewport_size({"width": 390, "height": 844})
    svgd.until("figures().length === 5 && leading()[0] && document.documentElement.scrollWidth <= 390")
    svgd.until(
        "(({width}) => 300 < width && width <= 390)(Bokeh.index.find_one(leading()[0]).el.getBoundingClientRect())"
    )
    for scheme, dark in (("dark", "true"), ("light", "false")):  # pictures follow the phone's theme
        svgd.page.emulate_media(color_scheme=scheme)
        svgd.until(f"(leading()[0].below[0].major_label_text_color > '#8') === {dark}")


# closed pages


def test_a_closed_tab_uses_no_more_processor_time(svgd, log_of):
    """The processor time of the server: during a second before the tab is closed, and during half a second after it."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("the processor's time of another process is read from /proc, which only Linux has")
    pid = int(re.search(r"^process (\d+)$", log_of(svgd.server), re.MULTILINE)[1])
    svgd.open("?n=1000")
    svgd.eventually(lambda: svgd.step > 5)
    playing = spent(pid, 1.0)
    svgd.page.close()
    quiet, deadline = [], time.monotonic() + 20  # the server may still be busy with earlier requests
    while time.monotonic() < deadline and not (quiet and quiet[-1] < 0.15 * playing / 2):
        quiet.append(spent(pid, 0.5))
    assert quiet[-1] < 0.15 * playing / 2, (playing, quiet)


def spent(pid, seconds):
    """Processor ticks that a process uses in the given seconds."""
    used = lambda: sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))  # noqa: E731
    before = used()
    time.sleep(seconds)
    return used() - before
