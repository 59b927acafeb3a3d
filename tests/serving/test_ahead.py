"""Sessions that wait for the next visitors: their number, and how complete each is."""

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
    """No pause for the browser's own work."""
    for name in ("QUIET", "PAUSE", "FILLED", "SETTLES", "STILL"):
        monkeypatch.setattr(ahead, name, 0.0)


def stocked(size, present=0, taken=0):
    """The context of a stock of `size` sessions after a while, and the `taken` sessions that were then requested."""

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


def test_a_single_waiting_session_has_only_its_first_picture(at_once):
    context, _, _ = stocked(1)
    assert [len(session.document.roots) for session in context.made] == [1]
    assert context.made[0].expiration_blocked


def test_several_waiting_sessions_are_complete_and_written(at_once):
    context, _, _ = stocked(4)
    assert [len(session.document.roots) for session in context.made] == [2] * 4
    assert all(isinstance(session.document.to_json, Written) for session in context.made)


def test_a_page_is_written_only_when_it_no_longer_changes():
    """Panel may not report the changes of a page that has a browser, so the page must be idle before."""
    assert ahead.STILL > engine.AWAY


@pytest.mark.parametrize(("present", "standing"), [(0, 4), (1, 3), (4, 1), (9, 1)])
def test_visitors_who_have_arrived_are_not_counted(at_once, present, standing):
    context, _, _ = stocked(4, present)
    assert len(context.made) == standing


def test_a_visitor_gets_the_oldest_session_and_a_new_one_is_built(at_once):
    context, had, before = stocked(3, taken=4)
    assert had == [*context.made[:3], None] and before == 3 and len(context.made) == 6
