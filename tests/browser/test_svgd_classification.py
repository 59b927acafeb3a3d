"""The tab Classification of /svgd in a real browser: it learns automatically, while points are added and removed."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
# x of the particles' boundaries, in the figure on the page
LINES = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const figure = models.find((m) => m.type === "Figure" && m.height > 300 && Bokeh.index.find_one(m))
  return figure.renderers.filter((r) => r.glyph.type === "Line").map((r) => [...r.data_source.data.x].join())[0]
}"""


def test_it_learns_at_once_and_a_double_click_adds_a_point(page, server):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/svgd?tab=Classification")
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* 120 points · \d+% of 30 held-out points correct")).wait_for()
    page.get_by_label("Points", exact=True).select_option("Two points")
    page.get_by_label("Features, f(x)").select_option("Linear")
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* 2 points · no held-out points")).wait_for()
    before = page.evaluate(LINES)
    page.wait_for_function(f"before => ({LINES})() !== before", arg=before)
    page.get_by_role("radio", name="class 0 (blue circle)").check()
    page.locator(".bk-Canvas").first.dblclick(position={"x": 300, "y": 250})
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* 3 points")).wait_for()
    page.get_by_role("button", name="Remove point").click()
    page.get_by_text(re.compile(r"^step \d+ · .* 2 points")).wait_for()
    assert wrong == []
