"""Documents that are written before they are asked for: what a browser gets is always the document as it is."""

import gc
import weakref

import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Div
from bokeh.server.session import ServerSession
from tornado.ioloop import IOLoop

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
