"""Browser tests share one context, so that Chromium compiles the scripts of Bokeh and Panel once for all of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="session")
def _shared(browser: Browser, browser_context_args: dict) -> Iterator[BrowserContext]:
    context = browser.new_context(**browser_context_args)
    yield context
    context.close()


@pytest.fixture
def context(_shared: BrowserContext) -> Iterator[BrowserContext]:
    """The context of all tests; each test closes its pages and removes its cookies and permissions."""
    yield _shared
    for page in _shared.pages:
        page.close()
    _shared.clear_cookies()
    _shared.clear_permissions()
    _shared.unroute_all()
