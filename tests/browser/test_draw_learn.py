"""The tab Learn of /draw in a real browser: it trains automatically, and its rate changes during the run."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_network_learns_at_once_and_its_rate_changes_without_a_restart(page, server):
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    expect.set_options(timeout=15_000)

    page.goto(f"{server}/draw?tab=Learn")
    counter = page.get_by_text(re.compile(r"^step \d+ · "))
    step = lambda: int(re.match(r"step (\d+)", counter.inner_text())[1])  # noqa: E731
    page.get_by_text(re.compile(r"^step \d\d+ · ")).wait_for()
    page.get_by_role("combobox", name="Start").wait_for()
    expect(page.get_by_role("combobox", name="Network")).to_have_count(0)  # the tab has its own network
    before = step()

    rate = page.get_by_role("slider", name="Learning rate")
    rate.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile("^Learning rate: 0.00224$")).wait_for()  # twenty steps per decade
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(re.compile(r"^step \d+ · paused")).wait_for()
    assert step() >= before

    page.get_by_role("combobox", name="Start").select_option("from scratch")
    page.get_by_text(re.compile(r"^step 0 · paused")).wait_for()
    page.get_by_role("button", name="Step").click()
    page.get_by_text(re.compile(r"^step 1 · paused")).wait_for()
    assert wrong == []
