"""Documents that are written before they are asked for: what a browser gets is always the document as it is."""

import asyncio
import gc
import weakref

import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Div
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from tornado.ioloop import IOLoop

from labkit import engine
from labkit.serving import ahead


@pytest.fixture
def document():
    document = Document()
    document.add_root(Div(text="one"))
    document.add_root(ColumnDataSource({"x": [1.0]}))
    return document


@pytest.fixture
def counted(document, monkeypatch):
    """How often the document was written as text."""
    times, write = [], document.to_json

    def count(**options):
        times.append(options)
        return write(**options)

    monkeypatch.setattr(document, "to_json", count)
    return times


def test_a_document_that_has_not_changed_is_handed_out_as_it_was_written(document, counted):
    ahead.Written(document)
    assert len(counted) == 1
    assert document.to_json().content == Document.to_json(document).content
    assert len(counted) == 1


def test_only_the_first_who_asks_gets_it(document, counted):
    ahead.Written(document)
    document.to_json()
    document.to_json()
    assert len(counted) == 2


@pytest.mark.parametrize("change", ["a property", "a column", "a title", "a root"])
def test_after_a_change_it_is_written_anew(document, change):
    ahead.Written(document)
    words, source = document.roots
    if change == "a property":
        words.text = "two"
    elif change == "a column":
        source.patch({"x": [(0, 2.0)]})
    elif change == "a title":
        document.title = "three"
    else:
        document.remove_root(words)
    assert document.to_json().content == Document.to_json(document).content


@pytest.mark.parametrize("end", ["asked", "changed"])
def test_nothing_of_it_is_left_on_a_document_that_was_asked_for_or_has_changed(document, end):
    """A page changes thirty times a second: none of that shall be told to what is over."""
    written = ahead.Written(document)
    assert document.to_json is written and written._changed in document.callbacks.change_callbacks()
    document.to_json() if end == "asked" else document.roots[0].update(text="two")
    assert document.to_json is not written and written._changed not in document.callbacks.change_callbacks()


def test_who_wants_no_references_gets_none(document, counted):
    ahead.Written(document)
    assert document.to_json(deferred=False) == Document.to_json(document, deferred=False)


def test_of_a_session_that_is_gone_nothing_is_written(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    ahead.write(session)
    session.destroy()
    ahead.write(session)
    assert len(counted) == 1


def test_a_written_document_is_given_back_with_its_session():
    document = Document()
    ahead.Written(document)
    gone = weakref.ref(document)
    del document
    gc.collect()
    assert gone() is None


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
    assert all(isinstance(session.document.to_json, ahead.Written) for session in context.made)


def test_a_page_is_written_only_when_it_does_not_change_any_more():
    """What changes a page that was told of a browser Panel may tell nobody: it must be asleep before."""
    assert ahead.STILL > engine.AWAY


def test_a_document_whose_browser_has_it_is_not_written_again(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.subscribe("a browser")
    ahead.write(session)
    assert counted == []


@pytest.mark.parametrize(("present", "standing"), [(0, 4), (1, 3), (4, 1), (9, 1)])
def test_whoever_has_come_is_not_waited_for_any_more(at_once, present, standing):
    context, _, _ = stocked(4, present)
    assert len(context.made) == standing


def test_whoever_comes_gets_the_session_that_has_stood_longest_and_the_stock_is_filled_again(at_once):
    context, had, before = stocked(3, taken=4)
    assert had == [*context.made[:3], None] and before == 3 and len(context.made) == 6


def test_a_session_that_is_gone_is_told_nothing(document):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.destroy()
    asyncio.run(ahead.greet(session))
