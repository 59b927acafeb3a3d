"""Browser tests share one context and its window, so that Chromium loads and compiles every script once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page


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


RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations", "incomplete"],
    "elementRef": True,
    "preload": False,  # no style sheet and no sound is loaded from elsewhere
}
# the page has the colours of the scheme, and so have the texts of its visible pictures
IS_PAINTED = """(dark) => {
  const models = (globalThis.Bokeh?.documents ?? []).flatMap((each) => [...each._all_models.values()])
  const shown = models.filter((each) => each.type === "Figure" && Bokeh.index.find_one(each)?.el.clientWidth)
  return document.documentElement.dataset.dark === String(dark)
    && shown.every(({title}) => (parseInt(title.text_color.slice(1, 3), 16) > 128) === dark)
    && document.getAnimations().every(({playState}) => playState !== "running")
}"""
VIOLATIONS = Path(__file__).with_name("violations.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def violations() -> Callable[..., list[str]]:
    """violations(page, within) -> what axe-core finds against WCAG 2.1 AA, in light and in dark colours.

    `within` is an element of the page, by default all of it.
    """

    def find(page: Page, within: Locator | None = None) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        found, part = [], None if within is None else within.element_handle()
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(IS_PAINTED, arg=scheme == "dark")
            found += [f"{scheme}: {each}" for each in page.evaluate(VIOLATIONS, [RULES, part])]
        return found

    return find
