"""The tab Regression of /svgd in a real browser: networks learn automatically; a switch and an added point act."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_networks_learn_automatically_and_a_point_is_added(page, server):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/svgd?tab=Regression")
    page.get_by_text(re.compile(r"^step ([2-9]|\d\d+) · .* held-out RMSE ")).wait_for()
    page.get_by_text(re.compile("true noise is 0.2")).wait_for()
    page.get_by_role("checkbox", name="Overwrite the learned noise").check()
    page.get_by_text("learned from 54 training points").wait_for()
    page.get_by_text("Overwritten: 20 of 20").wait_for()
    page.locator(".leading .bk-Canvas").first.dblclick()
    page.get_by_text("learned from 55 training points").wait_for()
    assert wrong == []
