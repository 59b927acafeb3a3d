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
    expect(page.get_by_text(re.compile(r"^step \d\d+ · "))).to_be_visible()
    expect(page.get_by_role("combobox", name="Start")).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_count(0)  # the tab has its own network
    before = step()

    rate = page.get_by_role("slider", name="Learning rate")
    rate.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile("^Learning rate: 0.00224$"))).to_be_visible()  # twenty steps per decade
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile(r"^step \d+ · paused"))).to_be_visible()
    assert step() >= before

    page.get_by_role("combobox", name="Start").select_option("from scratch")
    expect(page.get_by_text(re.compile(r"^step 0 · paused"))).to_be_visible()
    page.get_by_role("button", name="Step").click()
    expect(page.get_by_text(re.compile(r"^step 1 · paused"))).to_be_visible()
    assert wrong == []
