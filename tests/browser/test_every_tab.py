"""Every tab of every page in a real browser, opened once: it fits narrow windows, and everyone can read and use it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TABS = {
    "svgd": ("Particles", "Regression", "Classification", "Collapse"),
    "draw": ("Generate", "Read", "Latents", "Attention lab", "Learn"),
    "dreg": ("Variance against samples", "Microscope", "Bias meter", "Alpha dial", "Race", "Network"),
}
OTHERS = "", "guide", "runs"  # pages without tabs
WIDTHS = 320, 390, 768
ERRORS = Path(__file__).with_name("errors.js").read_text(encoding="utf-8")
WALK = Path(__file__).with_name("walk.js").read_text(encoding="utf-8")
SHOWN = """
const views = [...Bokeh.documents[0]._all_models.values()].filter((model) => model.type === "Figure")
  .map((figure) => Bokeh.index.find_one(figure)).filter((view) => view?.el.clientWidth)
"""
SHOWN_IDS = f"() => {{ {SHOWN} return views.map((view) => view.model.id) }}"
IS_SHOWN = f"() => {{ {SHOWN} return views.length > 0 && Bokeh.documents[0].is_idle }}"
# each figure with its box, its frame, where its title and its legends end, and the legend's labels without a sample
PICTURES = (
    f"() => {{ {SHOWN}"
    + """
  const pen = document.createElement("canvas").getContext("2d")
  const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const painted = (canvas) => {  // read from a copy: Chromium warns of canvases that are read more than once
    if (!canvas.width || !canvas.height) return false
    Object.assign(copy.canvas, { width: canvas.width, height: canvas.height })
    copy.drawImage(canvas, 0, 0)
    return copy.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)
  }
  return views.map((view) => {
    const figure = view.model, {left, width, height} = view.frame.bbox, title = figure.title
    pen.font = `${title?.text_font_style} ${title?.text_font_size} ${title?.text_font}`
    const lines = (title?.text ?? "").split("\\n").map((line) => left + pen.measureText(line).width)
    const box = view.el.getBoundingClientRect()
    const legends = figure.above.filter((each) => each.type === "Legend").map((each) => Bokeh.index.find_one(each))
    return {
      title: title?.text ?? "", classes: [...view.el.classList], top: box.top,
      width: box.width, height: box.height, frame: [width, height], title_ends: Math.max(...lines),
      legend_ends: Math.max(0, ...legends.map(({ el }) => el.getBoundingClientRect().right - box.left)),
      empty_samples: legends.flatMap(({ entries }) => entries.filter(({ glyph }) => !painted(glyph.canvas))
        .map(({ label }) => label)),
    }
  })
}"""
)


class Seen(NamedTuple):
    """What one tab looks like.

    Attributes:
        scroll, pictures: scroll width and pictures by the width of the window.
        errors: what moves or is invisible among the controls.
        violations: what axe-core finds, in light and in dark colours.
        walk: what is wrong on a walk through the controls with the Tab key.
        console: warnings and errors in the console of the browser, and requests to other machines.
        address: what follows the name of the server in the address.
    """

    scroll: dict[int, int]
    pictures: dict[int, list[dict[str, Any]]]
    errors: list[str]
    violations: list[str]
    walk: list[str]
    console: tuple[str, ...]
    address: str


@pytest.fixture(scope="module", params=[*TABS, "others"])
def seen(
    request: pytest.FixtureRequest, _window: Page, server: str, violations: Callable[[Page], list[str]]
) -> Iterator[dict[str, Seen]]:
    """The tabs of one page by "page tab", each opened once for a reader who prefers less motion, after one step."""
    page = _window.context.new_page()
    page.set_default_timeout(100_000)
    page.emulate_media(reduced_motion="reduce")
    found, console = {}, []
    page.on("console", lambda message: message.type in ("warning", "error") and console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    local = (server, f"blob:{server}", "data:", server.replace("http", "ws"))
    page.on("request", lambda each: each.url.startswith(local) or console.append(each.url))
    page.on("websocket", lambda each: each.url.startswith(local) or console.append(each.url))
    if request.param in TABS:
        page.goto(f"{server}/{request.param}")
        page.get_by_role("button", name="Play").wait_for()
        for tab in TABS[request.param]:
            page.set_viewport_size({"width": 1366, "height": 768})
            open_tab(page, tab)
            shown, at = widths(page, lambda: page.evaluate(PICTURES)), page.url.removeprefix(server)
            found[f"{request.param} {tab}"] = Seen(*shown, violations(page), walked(page), tuple(console), at)
            console.clear()
    else:
        for name in OTHERS:
            page.goto(f"{server}/{name}")
            found[f"/{name}"] = Seen(
                *widths(page, list), violations(page), [], tuple(console), page.url.removeprefix(server)
            )
            console.clear()
    page.close()
    yield found


def open_tab(page: Page, tab: str) -> None:
    """Open a tab, wait until the pictures of the last one are hidden, and take one step if the tab has steps."""
    if tab not in [tabs[0] for tabs in TABS.values()]:  # these are open at first
        before = page.evaluate(SHOWN_IDS)
        page.get_by_role("button", name=tab, exact=True).click()
        page.wait_for_function(
            f"(old) => {{ const now = ({SHOWN_IDS})(); return now.length && !now.some((id) => old.includes(id)) }}",
            arg=before,
        )
    page.wait_for_function(IS_SHOWN)
    if tab != "Attention lab":
        line = page.get_by_text(re.compile(r"^step \d+ · paused")).inner_text()
        step = int(line.split()[1])  # a laboratory begins at step 1, with its first replicates
        page.get_by_role("button", name="Step", exact=True).click()
        page.get_by_text(f"step {step + 1} · paused").wait_for()
    page.wait_for_timeout(1500)  # every second the page names what is new
    page.wait_for_function(IS_SHOWN)


def widths(page: Page, pictures: Callable[[], list]) -> tuple[dict[int, int], dict[int, list], list[str]]:
    """Return the scroll width and the pictures for each width of the window, and the errors at all of them."""
    scroll, shown, errors = {}, {}, []
    for width in (*WIDTHS, 1366):
        page.set_viewport_size({"width": width, "height": 768 if width == 1366 else 844})
        scroll[width], shown[width] = settled(page, pictures)
        errors += [f"{width}: {each}" for each in page.evaluate(ERRORS)]
    return scroll, shown, errors


def walked(page: Page) -> list[str]:
    """Return what is wrong on a walk through all controls with the Tab key."""
    page.evaluate(WALK)
    page.mouse.move(0, 0)  # the tools of a picture below the mouse would be controls, too
    for _ in range(page.evaluate("walk.start()") + 3):  # from the last control to the end of the page, and around
        page.keyboard.down("Tab")  # held: to release it each time would take as long again
    page.keyboard.up("Tab")
    return page.evaluate("walk.wrong()")


def settled(page: Page, pictures: Callable[[], list]) -> tuple[int, list]:
    """Return the scroll width and the pictures when the page has stopped changing its layout."""
    found: Any = None
    for _ in range(40):
        page.wait_for_timeout(250)
        last, found = found, (page.evaluate("document.documentElement.scrollWidth"), pictures())
        if found == last:
            break
    return found


def test_the_address_names_the_open_tab(seen):
    firsts = [f"{page} {tabs[0]}" for page, tabs in TABS.items()]
    for name, one in seen.items():
        page, _, tab = name.partition(" ")
        route = page if page.startswith("/") else f"/{page}"
        asked = {} if name in firsts or not tab else {"tab": [tab]}
        assert (urlsplit(one.address).path, parse_qs(urlsplit(one.address).query)) == (route, asked)


def test_the_console_of_the_browser_stays_empty_and_all_comes_from_the_server(seen):
    assert {tab: one.console for tab, one in seen.items() if one.console} == {}


def test_play_stays_in_its_place_each_i_is_next_to_its_word_and_arrows_have_the_colour_of_text(seen):
    assert {tab: one.errors for tab, one in seen.items() if one.errors} == {}


def test_no_tab_scrolls_sideways(seen):
    assert len(seen) >= 3
    wide = {(tab, width): found for tab, one in seen.items() for width, found in one.scroll.items() if found > width}
    assert wide == {}


def test_no_title_and_no_legend_is_cut_at_any_width(seen):
    pictures = [(tab, each) for tab, one in seen.items() for all_of in one.pictures.values() for each in all_of]
    cut = [
        (tab, each["title"], each["width"])
        for tab, each in pictures
        if max(each["title_ends"], each["legend_ends"]) > each["width"] + 1
    ]
    assert cut == []


def test_every_legend_has_its_samples(seen):
    pictures = [(tab, each) for tab, one in seen.items() for all_of in one.pictures.values() for each in all_of]
    empty = [(tab, each["title"], each["width"], each["empty_samples"]) for tab, each in pictures]
    assert [each for each in empty if each[-1]] == []


def test_axe_core_finds_no_violation_in_light_and_dark(seen):
    assert {tab: one.violations for tab, one in seen.items() if one.violations} == {}


def test_tab_reaches_every_control_in_the_order_of_the_page_with_a_visible_focus(seen):
    """Every control has a name, and a slider announces the value that it shows."""
    assert {tab: one.walk for tab, one in seen.items() if one.walk} == {}


def test_planes_are_square(seen):
    planes = [
        (tab, each["frame"])
        for tab, one in seen.items()
        for all_of in one.pictures.values()
        for each in all_of
        if "plane" in each["classes"]
    ]
    assert {tab for tab, _ in planes} >= {"svgd Classification", "dreg Microscope"} & set(seen)
    assert [(tab, w, h) for tab, (w, h) in planes if abs(w - h) > 2] == []


def test_the_main_picture_takes_two_thirds_of_the_height_and_of_the_width_next_to_small_ones(seen):
    for tab in {"svgd Particles", "svgd Regression", "svgd Collapse"} & set(seen):
        main = next(each for each in seen[tab].pictures[1366] if "leading" in each["classes"])
        assert len(seen[tab].pictures[1366]) >= {"svgd Particles": 4}.get(tab, 2), "curves are shown after a step"
        assert main["height"] == pytest.approx(2 / 3 * 768, rel=0.02), tab
        assert main["width"] > 0.6 * (1366 - 18 * 16 - 48), tab


def test_on_a_phone_the_picture_is_in_the_first_screen(seen):
    for tab, one in seen.items():
        for main in one.pictures[390][:1]:
            assert main["top"] + main["height"] < 844 - 150, tab
