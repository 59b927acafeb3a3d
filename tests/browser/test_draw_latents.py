"""The tab Latents of /draw in a real browser: the experiments follow their selector, and a slider acts at once."""

import pytest

pytestmark = pytest.mark.browser

# the first picture of pixels, as a number
SHOWN = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const figures = models.filter((m) => m.type === "Figure" && Bokeh.index.find_one(m))
  const first = figures.flatMap((f) => f.renderers).find((r) => r.glyph.type === "ImageRGBA")
  return first ? [...new Uint32Array(first.data_source.data.image[0].buffer ?? first.data_source.data.image[0])]
    .reduce((sum, v) => (31 * sum + v) % 1000000007, 7) : null
}"""


def test_the_experiments_switch_and_a_slider_acts_at_once_on_a_paused_run(page, server):
    page.set_default_timeout(15_000)
    page.emulate_media(reduced_motion="reduce")  # nothing plays automatically: the test causes every change
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/draw?tab=Latents")
    choice = page.get_by_role("combobox", name="Experiment")
    for experiment, control in (
        ("Change one latent", "Number i of z"),
        ("Interpolate between two images", "Images, n"),
        ("Resample z from a glimpse onwards", "Resample from glimpse t"),
    ):
        choice.wait_for(timeout=15_000)
        choice.select_option(experiment)
        page.get_by_label(control, exact=True).first.wait_for(timeout=15_000)
    page.wait_for_function(f"() => ({SHOWN})() !== null")
    before = page.evaluate(SHOWN)
    page.get_by_role("slider", name="Resample from glimpse t").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"(before) => ({SHOWN})() !== before", arg=before)
    page.get_by_text("step 0 · paused").wait_for()
    assert wrong == []
