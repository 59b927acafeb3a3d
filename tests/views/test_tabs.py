"""Tabs of a page: each is built when it is first opened, and everything below the first picture is added later."""

import panel as pn
import param
import pytest
from panel.io.location import Location

from labkit.experiments.settings import ExperimentSettings
from labkit.views.address import Address
from labkit.views.tabs import Tab, Tabs


class Settings(ExperimentSettings):
    n = param.Integer(default=1, bounds=(0, 9))


class Shown:
    """A scene of some settings, without a run."""

    def __init__(self, settings):
        self.settings, self.asked = settings, []

    def first(self):
        return [pn.pane.HTML(f"first {self.settings.n}")]

    def rest(self):
        self.asked.append("rest")
        return [pn.pane.HTML("rest")]

    def controls(self):
        self.asked.append("controls")
        return [pn.pane.HTML("controls")]


@pytest.fixture
def visit():
    """visit(search) -> the tabs that a visitor of this address sees, its scenes by title, and the address."""

    def at(search=""):
        made = {}

        def scene(title):
            return lambda settings: made.setdefault(title, Shown(settings))

        address = Address()
        address.location = Location(search=search)
        tabs = Tabs([Tab(title, scene(title), Settings) for title in ("One", "Two")], address)
        tabs.show()
        return tabs, made, address

    return at


def words(column):
    return [each.object for shown in column for each in (shown if isinstance(shown, pn.Column) else [shown])]


def test_a_tab_is_built_when_it_is_first_opened_and_kept(visit):
    tabs, made, _ = visit()
    assert set(made) == {"One"} and words(tabs.room) == ["first 1"]
    tabs.buttons.value = "Two"
    assert set(made) == {"One", "Two"}
    two = made["Two"]
    tabs.finish()
    for title in ("One", "Two", "One"):
        tabs.buttons.value = title
    assert made["Two"] is two and made["One"].asked == two.asked == ["rest", "controls"]


def test_the_controls_and_everything_below_appear_after_the_first_picture(visit):
    tabs, _, _ = visit()
    assert words(tabs.room) == ["first 1"] and words(tabs.side) == []
    assert tabs.finish() is tabs.side
    assert words(tabs.room) == ["first 1", "rest"] and words(tabs.side) == ["controls"]


@pytest.mark.parametrize("tab", ["Two", "two"])
def test_a_link_opens_its_tab_with_its_settings(visit, tab):
    tabs, made, address = visit(f"?tab={tab}&n=5")
    assert set(made) == {"Two"} and words(tabs.room) == ["first 5"] and not address.warning.visible
    tabs.buttons.value = "One"
    assert made["One"].settings.n == 1 and "n=" not in address.location.search


def test_a_link_to_an_unknown_tab_shows_a_warning_and_opens_the_first(visit):
    tabs, made, address = visit("?tab=Three")
    assert set(made) == {"One"} and address.warning.visible and "tab=Three" in address.warning.object
    assert tabs.buttons.value == "One"
