"""Ended sessions of the real pages leave nothing in memory."""

import asyncio
import gc
import time

import holoviews as hv
import pytest
from bokeh.application import Application
from bokeh.application.handlers.document_lifecycle import DocumentLifecycleHandler
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.contexts import ApplicationContext
from bokeh.util.token import generate_session_id
from panel.io.state import set_curdoc
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop

from labkit import engine
from labkit.serving import ahead, cards, pages

PAGES = {page.name: page for page in pages.listing()}


async def visit(page: pages.Page) -> tuple[int, int]:
    """Open a page, draw its pictures and end the session; return the number of runs and of elements with options."""

    def build(document):
        with set_curdoc(document):
            cards.show(page)

    handlers = FunctionHandler(build), DocumentLifecycleHandler()
    context = ApplicationContext(Application(*handlers), io_loop=IOLoop.current(), url=page.route)
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", page.route, "HTTP/1.1"), headers=HTTPHeaders(Host="desk")
    )
    session = await context.create_session_if_needed(generate_session_id(), request)
    await asyncio.sleep(0.2)
    await ahead.greet(session)
    await asyncio.sleep(0.5)
    runs, trees = len(open_runs()), options()
    session.request_expiration()
    await context._cleanup_sessions(0)
    return runs, trees


def open_runs() -> list[engine.Run]:
    return [run for run in engine.engine().runs if not run._closed]


def closed_runs() -> list[engine.Run]:
    return [each for each in gc.get_objects() if type(each) is engine.Run and each._closed]


def closed_runs_that_stay() -> int:
    """The number of runs, after the engine's thread has finished its current step."""
    for _ in range(20):
        gc.collect()
        if not closed_runs():
            return 0
        time.sleep(0.05)
    return len(closed_runs())


def options() -> int:
    """The number of elements with their own options in HoloViews."""
    return sum(len(trees) for trees in hv.Store._custom_options.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["svgd", "draw", "dreg", "runs"])
def test_an_ended_session_leaves_no_run_and_no_options(name):
    gc.collect()
    gc.freeze()  # objects of other tests are not scanned again
    before, runs = options(), len(open_runs())
    opened, drawn = asyncio.run(visit(PAGES[name]))
    left = closed_runs_that_stay()
    assert opened > runs or name == "runs", "the page has started a run"
    assert drawn > before or name == "runs", "the page has drawn pictures"
    assert left == 0
    assert options() <= before
