"""The tab Race of /dreg in a real browser: networks train automatically, and other lanes restart the race."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_race_runs_and_restarts_with_other_lanes(page, server):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/dreg")
    page.get_by_role("button", name="Race").click()
    page.get_by_text(re.compile(r"^step ([3-9]|\d\d+) · \d+ steps/s · held-out bounds at step ")).wait_for()
    page.get_by_label("Horizontal axis").select_option("processor seconds")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(re.compile(r"^step ([3-9]|\d\d+) · paused")).wait_for()
    page.get_by_role("complementary", name="Settings").get_by_text("IWAE (plain gradient)", exact=True).click()
    page.get_by_text(re.compile(r"^step 0 · paused · held-out bounds at step ")).wait_for()
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_text(re.compile(r"^step 1 · paused")).wait_for()
    assert wrong == []
