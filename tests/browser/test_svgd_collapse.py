"""The tab Collapse of /svgd in a real browser: it runs automatically, settings act, and the address contains them."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_variances_fall_settings_act_and_a_missing_kernel_shows_a_message(page, server):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/svgd?tab=Collapse&n=150&seed=3")
    expect(page.get_by_role("textbox", name="Seed")).to_have_value("3")
    page.get_by_text(re.compile(r"^step \d+ · .*Gaussian 0\.[1-8]\d · Per dimension 0\.9\d · Linear")).wait_for()
    page.get_by_label("Target p(x)").select_option("Correlated coordinates")
    page.get_by_text("as mean-field variational inference does").wait_for()
    for name in ("Gaussian (rbf)", "Per dimension", "Linear"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    page.get_by_text("no kernel is chosen").last.wait_for()  # the first is spoken
    page.get_by_role("checkbox", name="Wide Gaussian").check()
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* Wide Gaussian \d")).wait_for()
    page.wait_for_url(
        re.compile(r"[?]tab=Collapse&n=150&remedies=.*wide.*&seed=3&target=correlated$"), wait_until="commit"
    )
    page.get_by_role("button", name="Particles", exact=True).click()
    page.wait_for_url(re.compile(r"/svgd[?]?$"), wait_until="commit")  # only default values remain
    assert wrong == []
