"""One server for all pages; each visitor has a session of his own.

Importing what the pages need takes longer than a server may take to answer, so it answers first and then, in a thread,
imports each page and asks it for itself once: the first visitor finds everything loaded.
"""

import asyncio
import gc
import importlib
import logging
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import panel as pn
from bokeh.server.server import Server

from labkit.private import bokeh
from labkit.serving import addresses, ahead, cards, gate, guide, headers, location, logs, memory, pages, settings

_log = logging.getLogger(__name__)

_SESSIONS = {  # milliseconds; a session thrown away before its websocket opens is rebuilt with style sheets from a CDN
    "unused_session_lifetime_milliseconds": 60_000,
    "check_unused_sessions_milliseconds": 5_000,
}


def build(found: list[pages.Page], *, port: int, address: str, allowed: Iterable[str] = ()) -> Server:
    """Return a server that is bound to address and port (0 takes a free one) and waits for `run`.

    It serves the pages, /guide and /liveness.

    Args:
        allowed: hosts that browsers may name beside those of this machine.

    Raises:
        OSError: the port is taken, or the address is not one of this machine.
    """
    memory.bound()
    ahead.install()
    location.install()
    server = pn.serve(
        {page.route: _visit(page) for page in found},
        title={page.route: page.title for page in found},
        port=port,
        address=addresses.to_bind(address),
        location=True,
        extra_patterns=guide.PATTERNS,
        liveness=True,
        show=False,
        start=False,
        verbose=False,
        **_SESSIONS,
    )
    application = bokeh.application(server)
    application.add_transform(headers.Secure)
    headers.answer_head(application)
    gate.guard(application, [*addresses.hosts(address), *allowed])
    bokeh.allow_origins(server, addresses.origins(address, server.port))
    bokeh.allow_origins(server, [f"{addresses.bracket(host)}:*" for host in allowed])  # a proxy has its own port
    return server


def run(server: Server, found: list[pages.Page], warmed: Callable[[], None]) -> None:
    """Answer until Ctrl-C or SIGTERM; `warmed()` is called from a thread once the pages are loaded."""
    threading.Thread(target=_warm, args=(server, found, warmed), daemon=True).start()
    logs.quiet(server.io_loop.asyncio_loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.io_loop.add_callback(server.io_loop.stop))
    server.start()
    server.io_loop.start()
    server.stop()


def serve(
    *,
    port: int = 5006,
    address: str = "127.0.0.1",
    device: str = "auto",
    runs: Path = settings.runs,
    visitors: int = 1,
    allowed: Iterable[str] = (),
    started: Callable[[int], None] = lambda port: None,
    warmed: Callable[[], None] = lambda: None,
) -> None:
    """Serve all pages until Ctrl-C; `started(port)` is called once the port is bound, `warmed()` once pages are loaded.

    Raises:
        OSError: as `build`.
    """
    found = pages.listing()
    server = build(found, port=port, address=address, allowed=allowed)
    settings.choice, settings.runs, settings.visitors = device, runs, visitors
    settings.addresses = tuple(addresses.url(host, server.port) for host in addresses.outer(address))
    started(server.port)
    run(server, found, warmed)


def _visit(page: pages.Page) -> Callable[[], None]:
    def visit() -> None:
        pn.state.curdoc.on_session_destroyed(memory.trim_soon)
        cards.show(page)

    return visit


def _warm(server: Server, found: list[pages.Page], warmed: Callable[[], None]) -> None:
    """Import every page, then ask for each over loopback, past any proxy; what fails here a visitor sees on a card."""
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    base = addresses.url(addresses.here(server.address or ""), server.port)
    for page in found:
        with _warned(page):
            pages.load(page)
    importlib.import_module("holoviews.plotting.bokeh")  # else the first page that draws imports it
    gc.collect()
    gc.freeze()  # what is imported stays: without this every other visitor waits .2 s while it is looked through
    for page in found:  # after the freeze, which would never free their sessions
        with _warned(page):
            browser.open(base + page.route[1:], timeout=60).close()
    for page in found:
        with _warned(page):
            if pages.is_ahead(page):
                context = bokeh.contexts(server)[page.route]
                soon = ahead.stock(context, settings.visitors, partial(bokeh.watchers, server))
                asyncio.run_coroutine_threadsafe(soon, server.io_loop.asyncio_loop).result(60)
    warmed()


@contextmanager
def _warned(page: pages.Page) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _log.warning("page %s is not ready: %s", page.route, error)
