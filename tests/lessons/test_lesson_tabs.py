"""Lessons know the tabs of the pages, with the settings that each one runs."""

import pytest

from labkit import lessons
from labkit.lessons.tabs import TABS
from labkit.serving import pages
from labkit.views.draw.latents import SCENES

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


def test_a_step_restarts_the_run_if_its_settings_do():
    """A setting that neither looks, edits nor acts on the next step starts the run again on the page."""
    scenes = {(name, tab.title): tab.scene for name, page in PAGES.items() for tab in page.TABS}
    forgotten = []
    for lesson in map(lessons.load, lessons.names()):
        chosen = getattr(lessons.experiment(lesson, 0), "chosen", None)
        scene = scenes[lesson.page, lesson.tab] if chosen is None else SCENES[type(chosen)]
        kept = {*getattr(scene, "looks", ()), *getattr(scene, "edits", ()), *getattr(scene, "running", ())}
        steps = enumerate(lesson.steps[1:], 2)
        forgotten += [(lesson.name, i) for i, step in steps if step.settings.keys() - kept and not step.restart]
    assert forgotten == []
