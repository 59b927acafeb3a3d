"""One server for all pages, with a separate session for each visitor.

Importing the pages takes longer than a server may take to respond. So the server starts first. Then a thread imports
each page and requests it once, so that the first visitor finds everything loaded.
"""

import asyncio
import gc
import importlib
import logging
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import panel as pn
from bokeh.server.server import Server

from labkit.private import bokeh, bokeh_models
from labkit.serving import (
    addresses,
    ahead,
    cards,
    gate,
    guide,
    headers,
    location,
    logs,
    memory,
    metrics,
    pages,
    room_pages,
    settings,
    share,
    training,
)
from labkit.serving.frames import FramesSocket
from labkit.serving.limits import SETTING as VISITORS
from labkit.serving.limits import Visitors, limit
from labkit.serving.metrics import Metrics
from labkit.serving.network import ALONE, SETTING, Network
from labkit.serving.rooms import Rooms
from labkit.serving.settings import Limits

_log = logging.getLogger(__name__)

OBJECTS = 7_000  # new objects from one collection of garbage to the next; Python's own number is 700
_SESSIONS = {  # a session that is discarded before its websocket opens is rebuilt with style sheets from a CDN
    "unused_session_lifetime_milliseconds": 60_000,
    "check_unused_sessions_milliseconds": 5_000,
}


def build(
    found: list[pages.Page],
    *,
    port: int,
    address: str,
    network: Network = ALONE,
    limits: Limits = settings.LIMITS,
    metrics_token: str = "",
) -> Server:
    """Return a server that is bound to address and port (0: any free port) but not started.

    It serves the pages, /guide, /room, /metrics and /liveness.

    Args:
        metrics_token: see `metrics.Metrics`.

    Raises:
        OSError: the port is taken, or the address is not one of this machine.
    """
    memory.bound()
    bokeh_models.remember()
    settings.limits = limits
    settings.rooms = rooms = Rooms(settings.rooms_file(port) if port else None, limits)
    ahead.install()
    location.install()
    visitors = Visitors(limits)
    server = pn.serve(
        {page.route: _visit(page, visitors) for page in found},
        title={page.route: page.title for page in found},
        port=port,
        address=addresses.to_bind(address),
        location=True,
        extra_patterns=[
            *guide.patterns(),
            *room_pages.patterns(rooms),
            *training.patterns(rooms),
            *share.patterns(),
            ("/frames", FramesSocket),
            ("/metrics", metrics.Page),
        ],  # fmt: skip
        liveness=True,
        show=False,
        start=False,
        verbose=False,
        prefix=network.prefix,
        use_xheaders=network.forwarded,
        websocket_max_message_size=2 * limits.message,  # above `limits.message` the server still says why it closes
        **_SESSIONS,
    )
    application = bokeh.application(server)
    application.settings[SETTING] = network
    headers.secure(application, list(map(str, network.frames)))
    headers.answer_head(application)
    numbers = Metrics(visitors, partial(bokeh.watchers, server), metrics_token)
    numbers.gauge("labkit_rooms", "Open rooms.", lambda: len(rooms))
    numbers.gauge("labkit_students", "Browsers that follow a room.", lambda: sum(len(room.students) for room in rooms))
    numbers.gauge("labkit_prepared_sessions", "Sessions that wait for visitors.", ahead.waiting)
    metrics.add(application, numbers)
    limit(application, [network.prefix + page.route for page in found], visitors)
    gate.guard(application, [*addresses.hosts(address), *network.names], network.forwarded)
    bokeh.allow_origins(server, addresses.origins(address, server.port))
    bokeh.allow_origins(server, [f"{addresses.bracket(host)}:*" for host in network.hosts])  # a proxy may use any port
    return server


def run(server: Server, found: list[pages.Page], warmed: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. A thread calls `warmed()` when the pages are loaded."""
    threading.Thread(target=_warm, args=(server, found, warmed), daemon=True).start()
    logs.quiet(server.io_loop.asyncio_loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.io_loop.add_callback(server.io_loop.stop))
    server.start()
    server.io_loop.start()
    server.stop()
    training.stop_all()


def serve(
    *,
    port: int = settings.PORT,
    address: str = settings.ADDRESS,
    device: str = "auto",
    runs: Path = settings.runs,
    visitors: int = 1,
    network: Network = ALONE,
    limits: Limits = settings.LIMITS,
    metrics_token: str = "",
    started: Callable[[int], None] = lambda port: None,
    warmed: Callable[[], None] = lambda: None,
) -> None:
    """Serve all pages until Ctrl-C.

    Args:
        started: called with the port when it is bound.
        warmed: called when the pages are loaded.

    Raises:
        OSError: as `build`.
    """
    found = pages.listing()
    server = build(found, port=port, address=address, network=network, limits=limits, metrics_token=metrics_token)
    settings.choice, settings.runs, settings.visitors = device, runs, visitors
    reached = (addresses.url(host, server.port, network.prefix) for host in addresses.outer(address))
    settings.addresses = (network.root,) if network.root else tuple(reached)
    started(server.port)
    run(server, found, warmed)


def _visit(page: pages.Page, visitors: Visitors) -> Callable[[], None]:
    def visit() -> None:
        pn.state.curdoc.on_session_destroyed(memory.trim_soon)
        visitors.build(pn.state.curdoc, page.route)
        cards.show(page)

    return visit


def _warm(server: Server, found: list[pages.Page], warmed: Callable[[], None]) -> None:
    """Import every page, then request each over loopback without a proxy. A visitor sees any error on a card."""
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    base = addresses.url(addresses.here(server.address or ""), server.port, server.prefix)
    for page in found:
        with _warned(page):
            pages.load(page)
    importlib.import_module("holoviews.plotting.bokeh")  # otherwise the first page with a plot imports it
    gc.collect()
    gc.freeze()  # imported objects stay: if the collector scans them, every second visitor waits 0.2 s
    gc.set_threshold(OBJECTS)  # to scan all objects of thirty pages takes 0.7 s, in which every page stops
    for page in found:  # after the freeze, because frozen sessions would never be freed
        with _warned(page):
            browser.open(base + page.route[1:], timeout=60).close()
    bokeh.application(server).settings[VISITORS].counts = True
    for page in found:
        with _warned(page):
            if basis := pages.basis(page):
                context = bokeh.contexts(server)[page.route]
                soon = ahead.stock(context, settings.visitors, partial(bokeh.watchers, server), server.prefix, basis)
                asyncio.run_coroutine_threadsafe(soon, server.io_loop.asyncio_loop).result(60)
    warmed()


@contextmanager
def _warned(page: pages.Page) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _log.warning("page %s is not ready: %s", page.route, error)
