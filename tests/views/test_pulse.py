"""One timer for many pages: which pages are shown, which wait, and that closed pages leave nothing behind."""

import asyncio
import gc
import weakref

import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop

from labkit.views import pulse
from labkit.views.pulse import Pulse


class Page:
    """Counts its frames; each large picture is shown in one turn."""

    def __init__(self, news=False, large=0):
        self.news, self.large, self.shown = news, large, []

    def has_news(self):
        return self.news

    def has_more(self):
        return self.large > 0

    def show_news(self, more):
        self.shown.append(more)
        self.news = False
        self.large -= more


@pytest.fixture
def beat():
    """beat() runs one beat of a pulse and its requested calls; beat.add(page) -> its document."""

    class Hand:
        def __init__(self):
            self.pulse, self.documents = Pulse(), {}
            self.pulse._timer.start = lambda: None

        def add(self, page):
            document = Document()
            self.pulse.add(page, document)
            self.documents[page] = document
            return document

        def called(self):
            return {page for page, document in self.documents.items() if document.session_callbacks}

        def answer(self):
            for document in list(self.documents.values()):
                for each in document.session_callbacks:
                    each.callback()

        def __call__(self):
            self.pulse._beat()
            self.answer()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield Hand()
    asyncio.set_event_loop(None)
    loop.close()


def test_only_pages_with_news_are_shown(beat):
    quiet, loud = Page(), Page(news=True)
    for page in (quiet, loud):
        beat.add(page)
    beat()
    beat()
    assert quiet.shown == [] and loud.shown == [False]


def test_one_page_shows_a_large_picture_per_beat_while_others_play_on(beat):
    first, second, third = Page(large=2), Page(large=1), Page()
    for page in (first, second, third):
        beat.add(page)
    for _ in range(3):
        third.news = True
        beat()
        assert first.shown.count(True) + second.shown.count(True) == third.shown.count(False)
    assert first.large == second.large == 0
    beat()
    assert len(first.shown) + len(second.shown) == 3, "nothing is left to do"


def test_a_page_is_not_called_again_before_it_returns(beat):
    page = Page(news=True, large=5)
    document = beat.add(page)
    for _ in range(3):
        beat.pulse._beat()
    assert len(document.session_callbacks) == 1
    beat.answer()
    assert page.shown == [True]


def test_a_page_whose_session_ends_is_removed_and_gives_its_turn_back(beat):
    gone, other = Page(news=True, large=1), Page(large=1)
    beat.add(other)
    document = beat.add(gone)
    beat.pulse._builds = gone
    beat.pulse._called.add(gone)
    for callback in document.session_destroyed_callbacks:
        callback(None)
    beat.pulse._show(gone, document)
    assert gone.shown == []
    beat()
    assert other.shown == [True]
    dead = weakref.ref(gone)
    beat.documents.pop(gone)
    del gone, document, callback
    gc.collect()
    assert dead() is None


def test_pages_of_one_event_loop_share_a_timer_that_stops_with_the_last(beat):
    pages, documents = [Page(), Page()], [Document(), Document()]
    for page, document in zip(pages, documents, strict=True):
        pulse.watch(page, document)
    one = pulse._pulses[IOLoop.current()]
    assert set(one._pages) == set(pages) and one._timer.is_running()
    for document in documents:
        for callback in document.session_destroyed_callbacks:
            callback(None)
    assert not one._pages and not one._timer.is_running()


def test_the_timer_does_not_keep_the_document_of_its_first_page():
    """An asyncio timer keeps the context in which it was started, and so Panel's current document."""

    async def scenario():
        pulse, first, second = Pulse(), Document(), Document()
        with set_curdoc(first):
            pulse.add(Page(), first)
        pulse.add(other := Page(), second)
        gone = weakref.ref(first)
        for end in first.session_destroyed_callbacks:
            end(None)
        first.callbacks.destroy()
        del first, end
        await asyncio.sleep(0)
        gc.collect()
        assert pulse._timer.is_running() and other in pulse._pages
        pulse._timer.stop()
        return gone()

    assert asyncio.run(scenario()) is None
