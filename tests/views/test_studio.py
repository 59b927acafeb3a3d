"""The page of networks: its address has the settings of the open tab, and a lesson sets tab, network and settings."""

import pytest
from panel.io.location import Location

from labkit.serving import pages, studio
from labkit.views.address import Address

PAGE = next(page for page in pages.listing() if page.name == "draw")


@pytest.fixture
def visit(monkeypatch):
    """visit(search) -> the desk of /draw and its address, as a visitor of this address sees them."""
    made = []

    class Visited(studio.Networks):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    def at(search):
        def address():
            found = Address()
            found.location = Location(search=search)
            made.append(found)
            return found

        monkeypatch.setattr(studio, "Address", address)
        monkeypatch.setattr(studio, "Networks", Visited)
        studio.live(pages.load(PAGE).TABS, "draw", "draw-small")
        return made[-1], made[-2]

    return at


def test_the_address_sets_the_open_tab_and_its_settings_and_shows_their_changes(visit):
    desk, address = visit("?tab=Latents&n=5&seed=3")
    shown = desk.owners()[-1]
    assert (shown.n, shown.seed) == (5, 3) and not address.warning.visible
    shown.seed = 4
    assert "tab=Latents" in address.location.search and "seed=4" in address.location.search
    desk.studio.tab = "Generate"
    desk.owners()[0].n = 4
    assert address.location.search == "?n=4"


def test_sessions_share_networks_except_in_the_tab_that_trains_one(visit):
    desks = [visit("")[0] for _ in range(2)]
    assert desks[0] is not desks[1] and desks[0].owners()[0].model is desks[1].owners()[0].model
    learning = []
    for desk in desks:
        desk.put("Learn", {})
        learning.append(desk.owners()[0].model)
        desk.put("Generate", {"model": "draw-digits"})
        learning.append(desk.owners()[0].model)
    assert learning[1] is learning[3] and len({*map(id, learning)}) == 3


def test_the_default_network_comes_first(visit):
    desk, _ = visit("")
    assert next(iter(desk.studio.param.model.objects)) == "draw-small" == desk.studio.model


def test_a_lesson_opens_a_tab_with_its_network_and_settings(visit):
    desk, _ = visit("")
    assert desk.put("Generate", {"model": "draw-small-full", "n": 3}) == []
    assert (desk.studio.model, desk.owners()[0].n) == ("draw-small-full", 3)
    refused = desk.put("Read", {"model": "none", "digit": 5})
    assert "model=none" in refused[0] and desk.studio.tab == "Read" and desk.owners()[0].digit == 5
