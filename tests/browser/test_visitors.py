"""A prepared /svgd opens at once with all its pictures, and works like a page that was built on demand."""

import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PICTURES = 5
LOADS = 30_000  # ms until a page is there, on a busy machine
PAUSE = 12_000  # ms between two visits: a visit delays the next page
PREPARES = 180  # seconds until a page is prepared, on a busy machine


@pytest.fixture(scope="module")
def expecting(serving, command, free_port):
    """The address of `labkit serve --visitors 2`."""
    port = free_port()
    yield from serving([*command, "serve", "--no-browser", "--visitors", "2", "--port", str(port)], port)


def test_the_page_of_an_expected_visitor_has_all_its_pictures_and_plays(expecting, page):
    foreign, wrong, figures = [], [], []
    local = (expecting, f"blob:{expecting}", "data:", expecting.replace("http", "ws"))

    def arrived(text):
        if isinstance(text, str) and '"doc":' in text:  # the original document, as the browser received it
            figures.append(text.count('"name":"Figure"'))

    page.on("websocket", lambda socket: socket.on("framereceived", arrived))
    page.on("request", lambda request: request.url.startswith(local) or foreign.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    until = time.monotonic() + PREPARES
    while PICTURES not in figures[-1:]:  # on a slow machine the first pages are unfinished and have one picture
        assert time.monotonic() < until, f"no page was prepared; the visits had {figures} pictures"
        page.wait_for_timeout(PAUSE)  # two pages are built, completed, paused and written
        page.goto(f"{expecting}/svgd")
        page.get_by_role("button", name="Pause").wait_for(timeout=LOADS)
    expect(page.get_by_role("combobox", name="Kernel k")).to_have_count(1, timeout=LOADS)
    counter = page.get_by_text(re.compile(r"^step \d+ · "))
    expect(counter).to_have_count(1, timeout=LOADS)
    before = counter.inner_text()
    expect(counter).not_to_have_text(before, timeout=LOADS)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play", exact=True).wait_for(timeout=LOADS)
    assert (foreign, wrong) == ([], [])


def test_a_link_with_settings_is_prepared_for_the_class(expecting, page):
    page.goto(f"{expecting}/svgd?n=50")
    page.get_by_role("button", name="Pause").wait_for(timeout=LOADS)
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("button", name="Prepare for 2 visitors").click()
    said = page.get_by_text("The server prepares this link, and no longer any other.")
    said.wait_for(timeout=LOADS)
    page.get_by_label("Open as a presentation").click()  # another link
    said.wait_for(state="hidden", timeout=LOADS)
    page.get_by_role("button", name="Prepare for 2 visitors").wait_for(timeout=LOADS)
