"""The index in a real browser."""

import pytest

from labkit.serving import pages

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(server, page):
    """visit(route) opens a page and returns its requests to other machines and its errors."""
    foreign, wrong = [], []
    local = (server, f"blob:{server}", "data:", server.replace("http", "ws"))
    page.on("request", lambda request: request.url.startswith(local) or foreign.append(request.url))
    page.on("websocket", lambda socket: socket.url.startswith(local) or foreign.append(socket.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))

    def go(route):
        page.goto(server + route)
        page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
        return foreign, wrong

    return go


def test_the_index_lists_every_page_without_requests_to_other_machines(visit, page):
    foreign, wrong = visit("/")
    listed = page.locator("ul[aria-label=Pages] > li")  # lessons are listed below each
    others = [each for each in pages.listing() if each.route != "/"]
    assert listed.count() == len(others)
    for each in others:
        assert page.get_by_role("heading", name=each.question, exact=True).is_visible()
        assert page.get_by_role("img", name=each.picture, exact=True).count() == 1  # the other colours are hidden
    assert (foreign, wrong) == ([], [])


SHOWN = """(files) => {
  const shown = [...document.querySelectorAll(".pages img")].filter((each) => each.offsetWidth && each.naturalWidth)
  return JSON.stringify(shown.map((each) => each.currentSrc.split("/").pop())) === JSON.stringify(files)
}"""


def test_pictures_of_the_index_have_the_readers_colours_and_can_be_stopped(visit, page):
    page.set_viewport_size({"width": 1366, "height": 768})
    page.emulate_media(color_scheme="light")
    _, wrong = visit("/")
    names = [each.name for each in pages.listing() if each.picture]
    shown = lambda kind: page.wait_for_function(SHOWN, arg=[f"{name}-{kind}" for name in names])  # noqa: E731
    shown("light.gif")
    for kind in ("light.png", "light.gif"):
        page.get_by_role("button", name="Stop the pictures").click()
        shown(kind)
    page.emulate_media(color_scheme="dark")
    shown("dark.gif")
    page.emulate_media(reduced_motion="reduce")
    shown("dark.png")
    assert wrong == []


def test_a_link_of_the_index_opens_its_page(visit, server, page):
    visit("/")
    for each in [each for each in pages.listing() if each.route != "/"][:1]:
        page.get_by_role("link", name=each.title).first.click()
        page.wait_for_url(f"{server}{each.route}**")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_index_fits_its_screen_and_follows_the_readers_theme(visit, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    visit("/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            """(dark) => {
                const [red] = getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g)
                return red < 128 === dark
            }""",
            arg=scheme == "dark",
        )
