"""Tests share one context of the browser, and none sees what another has stored."""

import pytest

pytestmark = pytest.mark.browser
STORED = "() => [Object.entries(localStorage), document.cookie]"


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_finds_nothing_that_another_has_stored(time, server, page):
    page.goto(f"{server}/guide")
    assert page.evaluate(STORED) == [[], ""]
    page.evaluate("() => { localStorage.setItem('theme', 'dark'); document.cookie = 'left=1' }")
    assert page.evaluate(STORED) == [[["theme", "dark"]], "left=1"]
