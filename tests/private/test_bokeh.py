"""Bokeh's private interfaces that labkit uses exist and behave as expected.

The second half: a document that is written in advance never differs from the current document.
"""

import asyncio
import gc
import importlib
import logging
import re
import time
import weakref

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Div
from bokeh.server import urls
from bokeh.server.session import ServerSession
from bokeh.util.token import generate_jwt_token, get_session_id, get_token_payload
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from labkit.private import bokeh as private
from labkit.private.panel import PageHandler, SocketHandler


def theirs(handler):
    """The class of Bokeh or Panel that labkit has replaced by a handler."""
    return next(each for each in handler.__mro__ if not each.__module__.startswith("labkit"))


@pytest.fixture
def patterns():
    """The original handlers of later servers, without labkit's replacements, which are restored at the end."""
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
    """The document of a session as the server sends it; `meanwhile()` runs while the browser shows it."""
    browser = await websocket_connect(url.replace("http", "ws") + "/ws", subprotocols=["bokeh", session.token])
    for _ in range(3):
        await browser.read_message()  # it is connected
    for frame in ('{"msgid": "1", "msgtype": "PULL-DOC-REQ"}', "{}", "{}"):
        await browser.write_message(frame)
    frames = [await browser.read_message() for _ in range(3)]
    found = meanwhile()
    browser.close()
    return frames[-1], found


def test_application_contexts_and_viewers_of_a_server_are_found(relied_on):
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


def test_replaced_handlers_serve_a_session_that_was_built_in_advance(relied_on, patterns):
    """`labkit.serving.ahead.Ready` and `labkit.serving.sockets.Prompt` need this."""
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


def test_greet_runs_the_callbacks_that_wait_for_a_browser(relied_on):
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


def test_a_browser_gets_the_document_that_was_written_in_advance(relied_on):
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
def test_bokeh_has_the_loggers_that_labkit_filters(relied_on, name):
    with relied_on(f"Bokeh logs no more as {name}: labkit.private.bokeh.LOGGERS needs its new name"):
        found = [each for each in vars(importlib.import_module(name)).values() if isinstance(each, logging.Logger)]
        assert name in [each.name for each in found]


def test_a_request_for_a_document_is_recognised(relied_on):
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


def test_an_unchanged_document_is_returned_as_written(document, counted):
    private.Written(document)
    assert len(counted) == 1
    assert document.to_json().content == Document.to_json(document).content
    assert len(counted) == 1


def test_only_the_first_request_gets_the_written_text(document, counted):
    private.Written(document)
    document.to_json()
    document.to_json()
    assert len(counted) == 2


@pytest.mark.parametrize("change", ["a property", "a column", "a title", "a root"])
def test_a_changed_document_is_written_again(document, change):
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
def test_a_requested_or_changed_document_is_restored(document, end):
    """A page changes thirty times per second; an old text must not receive these events."""
    written = private.Written(document)
    assert document.to_json is written and written._changed in document.callbacks.change_callbacks()
    document.to_json() if end == "asked" else document.roots[0].update(text="two")
    assert document.to_json is not written and written._changed not in document.callbacks.change_callbacks()


def test_a_text_without_references_has_no_references(document, counted):
    private.Written(document)
    assert document.to_json(deferred=False) == Document.to_json(document, deferred=False)


def test_an_ended_session_is_not_written(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    private.write(session)
    session.destroy()
    private.write(session)
    assert len(counted) == 1


def test_a_written_document_is_freed_with_its_session():
    document = Document()
    private.Written(document)
    gone = weakref.ref(document)
    del document
    gc.collect()
    assert gone() is None


def test_a_document_that_a_browser_has_is_not_written_again(document, counted):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.subscribe("a browser")
    private.write(session)
    assert counted == []


def test_an_ended_session_is_not_notified(document):
    session = ServerSession("one", document, io_loop=IOLoop(make_current=False))
    session.destroy()
    asyncio.run(private.greet(session))


def test_a_renewed_token_names_the_same_session_and_expires_later(relied_on):
    with relied_on("Bokeh's ServerSession._token has changed: labkit.private.bokeh.renew needs another way"):

        async def use(server, address):
            page = await fetch(address)
            (session,) = private.contexts(server)["/page"].sessions
            old = generate_jwt_token(session.id, expiration=-10, extra_payload={"arguments": {"n": ["3"]}})
            session._token = old
            private.renew(session)
            return page, get_session_id(session.token) == session.id, get_token_payload(session.token)

        _, same, payload = serve(lambda: Div(text="x"), use)
        assert same and payload["arguments"] == {"n": ["3"]} and payload["session_expiry"] > time.time() + 200
