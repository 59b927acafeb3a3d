"""Lessons know the tabs of the pages, with the settings that each one runs."""

import pytest

from labkit.lessons.tabs import TABS
from labkit.serving import pages

PAGES = {page.name: pages.load(page) for page in pages.listing() if page.name in TABS}


@pytest.mark.parametrize("page", TABS)
def test_lessons_know_every_tab_of_a_page(page):
    assert [tab.title for tab in PAGES[page].TABS] == list(TABS[page])


@pytest.mark.parametrize("page", ["svgd", "dreg"])
def test_lessons_use_the_settings_of_the_page(page):
    for tab in PAGES[page].TABS:
        assert type(TABS[page][tab.title]({})) is type(tab.settings())


def test_lessons_use_the_settings_of_the_scenes_of_draw():
    for tab in PAGES["draw"].TABS:
        kind = getattr(tab.scene, "kind", None)
        assert kind is None or type(TABS["draw"][tab.title]({})) is kind
