"""What labkit relies on inside Bokeh's server is there and does what it did.

The second half: what a browser gets of a document that was written before it is always the document as it is.
"""

import asyncio
import gc
import importlib
import logging
import re
import weakref

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Div
from bokeh.server import urls
from bokeh.server.session import ServerSession
from bokeh.util.token import get_session_id
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from labkit.private import bokeh as private
from labkit.private.panel import PageHandler, SocketHandler


def theirs(handler):
    """Bokeh's or Panel's own class of a handler that labkit has replaced."""
    return next(each for each in handler.__mro__ if not each.__module__.startswith("labkit"))


@pytest.fixture
def patterns():
    """The handlers of later servers, as they were before labkit replaced any; put back at the end."""
    kept = [*urls.per_app_patterns]
    urls.per_app_patterns[:] = [(route, theirs(handler)) for route, handler in kept]
    yield urls.per_app_patterns
    urls.per_app_patterns[:] = kept


def serve(page, use):
    """The result of `use(server, address)`, a coroutine, while a server has the page at /page."""

    async def scenario():
        server = pn.serve({"/page": page}, port=0, address="127.0.0.1", start=False, show=False, verbose=False)
        server.start()
        try:
            return await use(server, f"http://127.0.0.1:{server.port}/page")
        finally:
            server.stop()

    return asyncio.run(scenario())


async def fetch(url):
    return (await AsyncHTTPClient().fetch(url)).body.decode()


async def pull(session, url, meanwhile=lambda: None):
    """The document of a session as a browser is sent it, and `meanwhile()` while the browser shows it."""
    browser = await websocket_connect(url.replace("http", "ws") + "/ws", subprotocols=["bokeh", session.token])
    for _ in range(3):
        await browser.read_message()  # it is connected
    for frame in ('{"msgid": "1", "msgtype": "PULL-DOC-REQ"}', "{}", "{}"):
        await browser.write_message(frame)
    frames = [await browser.read_message() for _ in range(3)]
    found = meanwhile()
    browser.close()
    return frames[-1], found


def test_a_servers_application_contexts_and_watchers_are_found(relied_on):
    async def use(server, url):
        await fetch(url)
        (session,) = private.contexts(server)["/page"].sessions
        return private.watchers(server), (await pull(session, url, lambda: private.watchers(server)))[1]

    with relied_on(
        "server._tornado has changed: labkit.private.bokeh.application, contexts, watchers need another way"
    ):
        assert serve(lambda: "words", use) == (0, 1)


def test_pages_of_allowed_origins_open_websockets(relied_on):
    async def use(server, _url):
        private.allow_origins(server, ["class.example:*", "[::1]:5006"])
        handler = SocketHandler.__new__(SocketHandler)
        handler.application = private.application(server)
        origins = "http://class.example:8443", "http://[::1]:5006", "http://evil.example"
        return [handler.check_origin(origin) for origin in origins]

    with relied_on("Bokeh's websocket_origins has changed: labkit.private.bokeh.allow_origins needs another way"):
        assert serve(lambda: "words", use) == [True, True, False]


def test_a_server_answers_by_replaced_handlers_with_a_session_that_was_built_before(relied_on, patterns):
    """What `labkit.serving.ahead.Ready` and `labkit.serving.sockets.Prompt` rely on."""
    standing, opened = [], []

    class Page(PageHandler):
        async def get_session(self):
            opened.append((self.application_context.url, self.request.query))
            return standing.pop() if standing else await super().get_session()

    class Socket(SocketHandler):
        def open(self, *args, **kwargs):
            opened.append(self.ws_connection is not None)
            self.set_nodelay(True)
            return super().open(*args, **kwargs)

    async def use(server, url):
        session = await private.build_session(private.contexts(server)["/page"])
        standing.append(session)
        blocked = session.expiration_blocked
        found = [get_session_id(re.search(r'"token":"([^"]+)"', await fetch(url + end))[1]) for end in ("", "?n=1")]
        await pull(session, url)
        private.release(session)
        return blocked, session.expiration_blocked, [each == session.id for each in found]

    with relied_on("Bokeh's per_app_patterns have changed: labkit.private.bokeh.replace_handlers needs another way"):
        private.replace_handlers({PageHandler: Page, SocketHandler: Socket})
        assert {Page, Socket} <= {handler for _, handler in patterns}
        found = serve(lambda: "words", use)
        assert opened == [("/page", ""), ("/page", "n=1"), True]
    with relied_on("Bokeh's sessions have changed: labkit.private.bokeh.build_session and release need another way"):
        assert found == (True, False, [True, False])


def test_a_session_that_is_greeted_does_what_waits_for_its_browser(relied_on):
    done = []

    def page():
        pn.state.onload(lambda: done.append("loaded"))
        return "words"

    async def use(server, _url):
        session = await private.build_session(private.contexts(server)["/page"])
        before = [*done]
        await private.greet(session)
        await asyncio.sleep(0.2)
        return before

    with relied_on("Bokeh's document_ready has changed: labkit.private.bokeh.greet needs another way"):
        assert serve(page, use) == [] and done == ["loaded"]


def test_a_browser_gets_the_document_that_was_written_before(relied_on):
    async def use(server, url):
        session = await private.build_session(private.contexts(server)["/page"])
        asked, write = [], session.document.to_json
        session.document.to_json = lambda **options: asked.append(options) or write(**options)
        private.write(session)
        before = len(asked)
        text, _ = await pull(session, url)
        return before, len(asked), "some words" in text

    with relied_on("Bokeh asks no more for document.to_json: labkit.private.bokeh.Written needs another way"):
        assert serve(lambda: "some words", use) == (1, 1, True)


@pytest.mark.parametrize("name", private.LOGGERS)
def test_bokeh_has_the_loggers_that_labkit_quietens(relied_on, name):
    with relied_on(f"Bokeh logs no more as {name}: labkit.private.bokeh.LOGGERS needs its new name"):
        found = [each for each in vars(importlib.import_module(name)).values() if isinstance(each, logging.Logger)]
        assert name in [each.name for each in found]


def test_a_browsers_request_for_its_document_is_known(relied_on):
    from bokeh.protocol import Protocol

    with relied_on("Bokeh's protocol has changed: labkit.private.bokeh.is_pull needs the new name of the message"):
        assert private.is_pull(Protocol().create("PULL-DOC-REQ"))
        assert not private.is_pull(Protocol().create("ERROR", "1", "words")) and not private.is_pull("words")


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
    private.Written(document)
    assert len(counted) == 1
    assert document.to_json().content == Document.to_json(document).content
    assert len(counted) == 1


def test_only_the_first_who_asks_gets_it(document, counted):
    private.Written(document)
    document.to_json()
    document.to_json()
    assert len(counted) == 2


@pytest.mark.parametrize("change", ["a property", "a column", "a title", "a root"])
def test_after_a_change_it_is_written_anew(document, change):
    private.Written(document)
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
    written = private.Written(document)
    assert document.to_json is written and written._changed in document.callbacks.change_callbacks()
    document.to_json() if end == "asked" else document.roots[0].update(text="two")
    assert document.to_json is not written and written._changed not in document.callbacks.change_callbacks()


def test_who_wants_no_references_gets_none(document, counted):
    private.Written(document)
    assert document.to_json(deferred=False) == Document.to_json(document, deferred=False)


def test_of_a_session_that_is_gone_nothing_is_written(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    private.write(session)
    session.destroy()
    private.write(session)
    assert len(counted) == 1


def test_a_written_document_is_given_back_with_its_session():
    document = Document()
    private.Written(document)
    gone = weakref.ref(document)
    del document
    gc.collect()
    assert gone() is None


def test_a_document_whose_browser_has_it_is_not_written_again(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.subscribe("a browser")
    private.write(session)
    assert counted == []


def test_a_session_that_is_gone_is_told_nothing(document):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.destroy()
    asyncio.run(private.greet(session))
