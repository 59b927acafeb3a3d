"""Sessions that stand for the next visitors: as many as are expected, each as far as its browser will want it."""

import asyncio

import pytest
from bokeh.document import Document
from bokeh.models import Div
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from tornado.ioloop import IOLoop

from labkit import engine
from labkit.private.bokeh import Written
from labkit.serving import ahead


class Context(ApplicationContext):
    """Hands out sessions as Bokeh's does, and counts them."""

    url = "/page"

    def __init__(self):
        self.made = []

    async def create_session_if_needed(self, name, _request):
        document = Document()
        document.add_root(Div(text="first"))
        document.on_event("document_ready", lambda _event: document.add_root(Div(text="the rest")))
        self.made.append(ServerSession(name, document, io_loop=IOLoop.current()))
        return self.made[-1]


@pytest.fixture
def at_once(monkeypatch):
    """Nothing waits for a browser to be done with its work."""
    for name in ("QUIET", "PAUSE", "FILLED", "SETTLES", "STILL"):
        monkeypatch.setattr(ahead, name, 0.0)


def stocked(size, present=0, taken=0):
    """The context of a stock of so many after a while, `taken` of which were asked for then, and these."""

    async def scenario():
        context = Context()
        stock = ahead.Stock(context, size, lambda: present)
        await stock.fill()
        await asyncio.sleep(0.05)
        had = [stock.take() for _ in range(taken)]
        before = len(context.made)
        await asyncio.sleep(0.05)
        return context, had, before

    return asyncio.run(scenario())


def test_of_one_session_that_stands_nothing_but_the_first_picture_is_built(at_once):
    context, _, _ = stocked(1)
    assert [len(session.document.roots) for session in context.made] == [1]
    assert context.made[0].expiration_blocked


def test_of_several_each_has_all_that_follows_and_is_written(at_once):
    context, _, _ = stocked(4)
    assert [len(session.document.roots) for session in context.made] == [2] * 4
    assert all(isinstance(session.document.to_json, Written) for session in context.made)


def test_a_page_is_written_only_when_it_does_not_change_any_more():
    """What changes a page that was told of a browser Panel may tell nobody: it must be asleep before."""
    assert ahead.STILL > engine.AWAY


@pytest.mark.parametrize(("present", "standing"), [(0, 4), (1, 3), (4, 1), (9, 1)])
def test_whoever_has_come_is_not_waited_for_any_more(at_once, present, standing):
    context, _, _ = stocked(4, present)
    assert len(context.made) == standing


def test_whoever_comes_gets_the_session_that_has_stood_longest_and_the_stock_is_filled_again(at_once):
    context, had, before = stocked(3, taken=4)
    assert had == [*context.made[:3], None] and before == 3 and len(context.made) == 6
