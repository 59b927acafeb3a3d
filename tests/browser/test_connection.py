"""A page whose server stops reports it at once and reloads at its own address."""

import contextlib
import os
import re
import signal
import socket
import threading

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SERVE = """
import sys
from pathlib import Path
from labkit.serving import pages, server
found = pages.listing(Path(sys.argv[1]))
server.run(server.build(found, port=int(sys.argv[2]), address="127.0.0.1"), found, lambda: None)
"""
PAGE = '''"""Process: says which process built it."""
import os, uuid
import panel as pn
from labkit.serving.frame import frame

def page():
    pn.extension()
    words = lambda: pn.pane.HTML(f"built by process {os.getpid()} as {uuid.uuid4().hex} for {pn.state.location.search}")
    return frame("Process", "lead", lambda: (words(), lambda: None))
'''
LOST = "Connection lost. Trying again ..."
CUT = 10_000  # ms
SLOW = 60_000  # ms in which a page opens on a busy machine
SILENCE = 6_000  # ms, longer than a page waits before it sends a question


@pytest.fixture(scope="module")
def launch(serving, python, tmp_path_factory):
    """launch(port): a context with a running server, which gets SIGTERM at the end."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "process.py").write_text(PAGE)
    command = [*python, "-c", SERVE, str(folder)]
    return lambda port: contextlib.contextmanager(serving)([*command, str(port)], port)


@pytest.fixture(scope="module")
def base(launch, free_port):
    with launch(free_port()) as address:
        yield address


@pytest.fixture
def loads(page):
    """A list that grows by one entry whenever the page is loaded."""
    found = []
    page.on("load", lambda _: found.append(1))
    return found


class Relay:
    """A TCP relay that can be cut: open connections are closed, and new ones wait until it works again."""

    def __init__(self, port):
        self.target, self.through, self.ends = port, threading.Event(), []
        self.through.set()
        self.ear = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.ear.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.ear.accept()
            except OSError:
                return
            self.through.wait()
            far = socket.create_connection(("127.0.0.1", self.target))
            self.ends += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.through.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self):
        self.through.clear()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.through.set()


def built(page):
    """The process that built the page on screen, the identifier of that page, and the settings in its address."""
    text = page.get_by_text("built by process")
    text.wait_for(timeout=20_000)
    return re.search(r"process (\d+) as (\w+) for ?(.*)", text.inner_text()).groups()


def test_a_page_reports_a_stopped_server_and_reloads_when_one_runs_at_the_same_port(launch, free_port, page):
    port = free_port()
    with launch(port) as base:
        page.goto(f"{base}/process?n=3")
        before, _, search = built(page)
        expect(page.get_by_text(LOST)).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_text(LOST)
    assert page.get_by_role("alert").bounding_box()["y"] == 0
    with launch(port):
        expect(page.get_by_text(f"built by process {before}")).to_have_count(0, timeout=30_000)
        after, _, same = built(page)
        assert (after != before, same, page.url) == (True, search, f"{base}/process?n=3")
        expect(page.get_by_text(LOST)).to_have_count(0)


def test_a_cut_of_ten_seconds_is_reported_and_the_session_survives(base, page, loads):
    relay = Relay(int(base.rpartition(":")[2]))
    page.goto(f"{relay.address}/process?n=4")
    before = built(page)
    relay.cut()
    page.get_by_text(LOST).wait_for()
    page.wait_for_timeout(CUT)
    page.get_by_text(LOST).wait_for()
    assert len(loads) == 1
    relay.mend()
    expect(page.get_by_text(LOST)).to_have_count(0, timeout=20_000)
    assert built(page) == before and before[2] == "?n=4"
    assert len(loads) == 2 and page.url == f"{relay.address}/process?n=4"


def test_a_run_continues_after_a_cut(server, page):
    def step():
        text = page.get_by_text(re.compile(r"^step \d+ · "))
        expect(text).to_have_count(1, timeout=SLOW)
        return int(text.inner_text().split()[1])

    wrong, relay = [], Relay(int(server.rpartition(":")[2]))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{relay.address}/svgd?seed=3")
    page.get_by_role("button", name="Pause").wait_for(timeout=SLOW)
    while step() < 20:
        page.wait_for_timeout(200)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play", exact=True).wait_for(timeout=SLOW)
    page.wait_for_timeout(1000)
    before = step()
    relay.cut()
    page.get_by_text(LOST).wait_for(timeout=SLOW)
    relay.mend()
    expect(page.get_by_text(LOST)).to_have_count(0, timeout=SLOW)
    assert step() == before, "the run has not started again"
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_text(f"step {before} ·")).to_have_count(0, timeout=SLOW)
    assert step() > before and page.url == f"{relay.address}/svgd?seed=3" and wrong == []


def test_a_page_whose_server_was_killed_opens_again_at_the_same_address(launch, free_port, page):
    port = free_port()
    with launch(port) as base:
        page.goto(f"{base}/process?n=5")
        before = built(page)
        os.kill(int(before[0]), signal.SIGKILL)
        expect(page.get_by_role("alert")).to_have_text(LOST)
    with launch(port):
        expect(page.get_by_text(f"built by process {before[0]}")).to_have_count(0, timeout=30_000)
        after = built(page)
        assert after[0] != before[0] and after[2] == "?n=5" and page.url == f"{base}/process?n=5"
        expect(page.get_by_text(LOST)).to_have_count(0)


def test_a_page_without_messages_asks_the_server_and_keeps_its_session(base, page, loads):
    page.clock.install()
    page.goto(f"{base}/process")
    built(page)
    page.clock.fast_forward(SILENCE)
    page.wait_for_timeout(500)
    expect(page.get_by_text(LOST)).to_have_count(0)  # the page has sent its question, and the server replied
    page.route("**/liveness", lambda route: route.abort())
    page.clock.fast_forward(SILENCE)
    page.get_by_text(LOST).wait_for()
    page.unroute("**/liveness")
    expect(page.get_by_text(LOST)).to_have_count(0)
    assert len(loads) == 1


def test_a_page_that_sends_a_large_message_shows_the_limit_and_does_not_reload(base, page, loads):
    page.add_init_script(
        "window.WebSocket = class extends WebSocket { constructor(...a) { super(...a); window.ws = this } }"
    )
    page.goto(f"{base}/process")
    built(page)
    page.evaluate("window.ws.send('x'.repeat(3_000_000))")
    expect(page.get_by_role("alert")).to_contain_text("3,000,000 bytes; the limit is 2,097,152 (--max-message-bytes)")
    page.wait_for_timeout(1500)
    assert len(loads) == 1


def test_a_page_whose_websocket_is_refused_shows_a_message_and_does_not_reload(base, page, loads):
    page.add_init_script("window.WebSocket = class extends WebSocket { constructor(url) { super(url + '/none') } }")
    page.goto(f"{base}/process")
    expect(page.get_by_role("alert")).to_contain_text(f"--allow-origin {base}")
    page.wait_for_timeout(1500)
    assert len(loads) == 1
