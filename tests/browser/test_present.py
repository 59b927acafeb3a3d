"""A presented page in a real browser: a room can read all of it, and the main picture fills the screen."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
FITS = """() => Bokeh.documents.flatMap((each) => [...each._all_models.values()]).filter(({type}) => type === "Figure")
  .map((figure) => Bokeh.index.find_one(figure)?.el).filter((each) => each?.clientWidth && each.matches(".main"))
  .every((each) => each.getBoundingClientRect().bottom <= innerHeight)"""
MEASURED = Path(__file__).with_name("present.js").read_text(encoding="utf-8")
LESSONS = {"svgd": "svgd-100-particles", "draw": "draw-attention", "dreg": "dreg-stl-bias"}
SIZES = (1366, 768), (1920, 1080)


def measured(page: Page, width: int, height: int) -> dict[str, Any]:
    """Return what `present.js` finds when the page has stopped changing, or after 20 seconds."""
    page.set_viewport_size({"width": width, "height": height})
    deadline, last, found = time.monotonic() + 20, None, {}
    while (last != found or found["small"] or found["thin"]) and time.monotonic() < deadline:
        page.wait_for_timeout(500)  # the page fits its pictures every 400 ms
        last, found = found, page.evaluate(MEASURED)
    return found


@pytest.mark.parametrize("name", LESSONS)
def test_a_room_can_read_a_presented_lesson(page, server, name):
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server}/{name}?lesson={LESSONS[name]}&step=2&present=1")
    page.get_by_role("button", name="Next", exact=True).wait_for()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    for width, height in SIZES:
        found = measured(page, width, height)
        assert len(found["texts"]) > 8 and found["lines"], "nothing is measured"
        assert (found["small"], found["thin"]) == ([], [])
        assert found["page"] == [width, height], "the page scrolls"
        assert all(each["main"] for each in found["pictures"])
        assert max(each["bottom"] for each in found["pictures"]) <= height
        tall = max(each["bottom"] - each["top"] for each in found["pictures"])
        assert tall > (0.45 if name == "svgd" else 0.35) * height
        assert [each for each in found["pictures"] if each["title_ends"] > each["right"] - each["left"]] == []
        for button in ("Next", "Play"):
            expect(page.get_by_role("button", name=button, exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name=re.compile("^Just play")).click()
    page.get_by_role("button", name="Try again").wait_for()
    box = page.get_by_role("button", name="Next", exact=True).bounding_box()
    assert 24 < box["height"] < 100, "the button has the size of a button also when it is next"
    page.get_by_label("Settings", exact=True).wait_for(state="hidden")
    page.keyboard.press("p")
    page.get_by_label("Settings", exact=True).wait_for()
    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_function(FITS)  # also the page of one reader shows the strip and the whole picture
    assert re.search(r"step=2\b", page.url), "the key belongs to the presentation, not to the lesson"
    assert "present=1" not in page.url
