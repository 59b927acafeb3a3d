"""The page /dreg in a real browser: curves get more precise automatically, and the microscope draws new samples."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
# the share of samples of legends without ink in 60 frames of the browser, read before it paints the next one
EMPTY = """async () => {
  const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const inked = ({ width, height }, canvas) => {
    Object.assign(copy.canvas, { width, height })
    copy.drawImage(canvas, 0, 0)
    return copy.getImageData(0, 0, width, height).data.some((value) => value > 0)
  }
  const figures = [...Bokeh.documents[0]._all_models.values()].filter((model) => model.type === "Figure")
  const views = figures.map((figure) => Bokeh.index.find_one(figure)).filter((view) => view?.el.clientWidth)
  const legends = views.flatMap((view) => view.model.above.filter((each) => each.type === "Legend")
    .map((legend) => view.views.find_one(legend)))
  let empty = 0, all = 0
  for (let i = 0; i < 60; i++) {
    await new Promise(requestAnimationFrame)
    for (const { entries } of legends)
      for (const { glyph: { canvas } } of entries) {
        empty += !canvas.width || !inked(canvas, canvas)
        all += 1
      }
  }
  return [all, empty]
}"""


CLICK_A_TAB_THAT_NEVER_OPENS = """() => {
  document.body.insertAdjacentHTML("beforeend", "<div class='tabs'><button class='bk-btn' hidden>Race</button></div>")
  document.body.lastChild.firstChild.click()
}"""


def test_both_tabs_run_automatically_without_requests_to_other_machines(page, server):
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    foreign, wrong = [], []
    local = (server, f"blob:{server}", "data:", server.replace("http", "ws"))
    page.on("request", lambda request: request.url.startswith(local) or foreign.append(request.url))
    page.on("websocket", lambda socket: socket.url.startswith(local) or foreign.append(socket.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))

    page.goto(f"{server}/dreg?variance=0.3&dim=2")
    page.get_by_text("no longer falls").wait_for()
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* replicates")).wait_for()
    page.get_by_role("checkbox", name="Set q to the posterior").check()
    page.get_by_text("are always exactly 0").wait_for()
    page.wait_for_url(re.compile("snap=true"), wait_until="commit")
    page.evaluate(CLICK_A_TAB_THAT_NEVER_OPENS)
    opening = page.get_by_role("status").filter(has_text="Opening")
    expect(opening).to_have_text("Opening Race …")
    page.get_by_role("button", name="Microscope").click()
    expect(opening).to_have_count(0)
    page.get_by_text(re.compile(r"^step [1-9] · .* effective sample size \d")).wait_for()
    assert (foreign, wrong) == ([], [])


def test_a_sequential_test_ends_the_next_one_starts_and_alpha_is_changed(page, server):
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    page.goto(f"{server}/dreg?tab=Bias meter")
    page.get_by_text(re.compile(r"^STL is biased \(after .* replicates\)")).wait_for()
    page.get_by_text(re.compile(r"^step \d+ · paused")).wait_for()
    page.get_by_label("Estimator", exact=True).select_option("IWAE (plain gradient)")
    page.get_by_text(re.compile(r"^IWAE: not decided after")).wait_for()
    page.get_by_text(re.compile(r"^step ([5-9]|\d\d+) · \d")).wait_for()
    page.get_by_role("button", name="Alpha dial").click()
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* best alpha 0\.\d")).wait_for()
    samples, empty = page.evaluate(EMPTY)
    # they do not flicker while the run plays; a legend that is fitted to its picture is made again, once
    assert samples > 0 and empty <= samples / 10, (samples, empty)
