"""Browser tests share one context and its window, so that Chromium loads and compiles every script once."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page


@pytest.fixture(scope="session")
def _window(browser: Browser, browser_context_args: dict) -> Iterator[Page]:
    """An empty page that keeps the window of the shared context open."""
    context = browser.new_context(**browser_context_args)
    yield context.new_page()
    context.close()


@pytest.fixture
def context(_window: Page) -> Iterator[BrowserContext]:
    """The context of all tests. After each test its pages close, and cookies and stored choices are removed.

    A test that needs another kind of context calls `browser.new_context`.
    """
    shared, visited = _window.context, set()

    def remember(frame: Frame) -> None:
        visited.add("{0.scheme}://{0.netloc}".format(urlsplit(frame.url)))

    def watch(page: Page) -> None:
        page.on("framenavigated", remember)

    shared.on("page", watch)
    yield shared
    shared.remove_listener("page", watch)
    for page in shared.pages:
        if page is not _window:
            page.close()
    protocol = shared.new_cdp_session(_window)
    for origin in visited:
        protocol.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    protocol.detach()
    shared.clear_cookies()
    shared.clear_permissions()
    shared.unroute_all()
