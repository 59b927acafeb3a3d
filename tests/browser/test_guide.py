"""The guide in a real browser."""

import pytest

from labkit.serving import guide

pytestmark = pytest.mark.browser


@pytest.fixture
def wrong(server, page):
    """Requests to other machines, errors and lines of the console, in order of time."""
    found = []
    page.on("request", lambda request: request.url.startswith((server, "data:")) or found.append(request.url))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text))
    return found


def test_every_page_fits_a_phone_and_loads_nothing_from_another_machine(wrong, server, page):
    page.set_viewport_size({"width": 390, "height": 800})
    for name in guide.names():
        page.goto(f"{server}/guide" if name == guide.INDEX else f"{server}/guide/{name}")
        assert page.get_by_role("heading", level=1).inner_text() == guide.headings(name)[0].text
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    assert wrong == []


def test_the_contents_list_every_page_left_of_the_text_and_below_it_on_a_phone(server, page):
    for width, left in ((1366, True), (390, False)):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{server}/guide/svgd")
        contents = page.get_by_role("navigation", name="Contents")
        for each in [link.title for section in guide.contents() for link in section.links]:
            assert contents.get_by_role("link", name=each, exact=True).count() == 1
        text, at = page.get_by_role("main").bounding_box(), contents.bounding_box()
        assert (at["x"] < text["x"]) == left and (at["y"] > text["y"] + text["height"] / 2) != left


def test_links_of_the_index_open_a_page_of_the_guide_and_a_live_page(server, page):
    page.goto(server)
    page.get_by_role("link", name="Guide", exact=True).click()
    page.wait_for_url(f"{server}/guide")
    page.get_by_role("main").get_by_role("link", name="DReG", exact=True).click()
    page.wait_for_url(f"{server}/guide/dreg")
    page.get_by_role("link", name="the page", exact=True).click()
    page.wait_for_url(f"{server}/dreg**")


def test_the_guide_follows_the_system_theme_until_the_reader_chooses_one_for_all_pages(server, page):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server}/guide")
    assert is_dark(page)
    page.get_by_role("button", name="Dark page").click()
    assert not is_dark(page)
    for route in ("/guide/svgd", "/"):
        page.goto(server + route)
        assert not is_dark(page)


def is_dark(page) -> bool:
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(map(int, ground[4:-1].split(","))) < 380
