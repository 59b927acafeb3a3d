"""A greedy visitor is refused with the limit and what to do, while others still work; and the numbers at /metrics."""

import http.client
import json
import logging
import re
import sys
import time
import urllib.parse
from types import SimpleNamespace

import pytest
from bokeh.util.token import generate_jwt_token, generate_session_id
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from labkit.engine_account import Account
from labkit.serving import limits, logs, metrics
from labkit.serving.settings import Limits
from labkit.views import accounts

SERVE = """
import sys
from pathlib import Path
from labkit.serving import pages, server
from labkit.serving.settings import Limits
found = pages.listing(Path(sys.argv[1]))
limits = Limits(sessions=6, per_address=3, message=20_000, steps=5, away=60.0)
built = server.build(found, port=int(sys.argv[2]), address="127.0.0.1", limits=limits, metrics_token="secret")
server.run(built, found, lambda: print("warmed", flush=True))
"""
PAGE = '''"""Counting: nine steps at once."""
import time
import panel as pn
from labkit.views import accounts
from labkit.views.live import Live
from labkit.views.view import View
import holoviews as hv
import numpy as np

class Dot(View):
    """A view of one point."""
    def picture(self, state):
        return hv.Overlay([hv.Points([(state, 0.0)], ["x", "y"], label="dot")]).opts(xlim=(0, 9), ylim=(0, 1))
    def columns(self, state, past=None):
        return {"dot": {"x": np.array([float(state)]), "y": np.zeros(1)}}

def page():
    hv.extension("bokeh")
    live = Live(lambda: 0.0, lambda x: x + 1, Dot(), play=False)
    for _ in range(9):
        live.run.once()
    live.run.past(lambda past: None)
    frame, away = live.run.frame, live.run.account.away
    return pn.Column(pn.pane.Str(f"at {frame.state}, away {away}: {frame.error}"), live)
'''


@pytest.fixture(scope="module")
def crowded(serving, python, free_port, tmp_path_factory, log_of):
    """The address of a server with small limits that has warmed up."""
    folder, port = tmp_path_factory.mktemp("pages"), free_port()
    (folder / "counting.py").write_text(PAGE)
    for base in serving([*python, "-c", SERVE, str(folder), str(port)], port):
        deadline = time.monotonic() + 60
        while "warmed" not in log_of(base):
            assert time.monotonic() < deadline, log_of(base)
            time.sleep(0.05)
        yield base


def ask(base, target, source, **headers):
    """(status, text) of a request from an address of this machine."""
    where = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30, source_address=(source, 0))
    connection.request("GET", target, headers=headers)
    with connection.getresponse() as answer:
        return answer.status, answer.read().decode()


async def connect(base, token):
    url = base.replace("http", "ws") + "/counting/ws"
    socket = await websocket_connect(HTTPRequest(url), subprotocols=["bokeh", token])
    assert json.loads(await socket.read_message())["msgtype"] == "ACK"
    for _ in range(2):  # metadata and content of that message
        await socket.read_message()
    return socket


async def document(socket):
    """Request the document, and return it as text."""
    for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
        await socket.write_message(json.dumps(part))
    while True:
        text = await socket.read_message()
        assert text is not None, (socket.close_code, socket.close_reason)
        if isinstance(text, str) and '"doc"' in text:
            return text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs several addresses of this machine")
def test_a_greedy_visitor_is_refused_while_another_one_works(crowded):
    texts = [ask(crowded, "/counting", "127.0.0.2") for _ in range(4)]
    assert [status for status, _ in texts] == [200, 200, 200, 429]
    assert "3 open sessions" in texts[3][1] and "--max-sessions-per-address" in texts[3][1]
    status, text = ask(crowded, "/counting", "127.0.0.3")
    assert status == 200
    first, other = (re.search(r'"token":"([^"]+)"', each)[1] for each in (texts[0][1], text))
    made_up = generate_jwt_token(generate_session_id())

    async def run():
        greedy, quiet = await connect(crowded, first), await connect(crowded, other)  # these sessions exist
        await greedy.write_message("x" * 30_000)
        assert await greedy.read_message() is None
        assert greedy.close_code == 1009
        assert "30,000 bytes" in greedy.close_reason and "20,000 (--max-message-bytes)" in greedy.close_reason
        text = await document(quiet)
        quiet.close()
        return text

    text = IOLoop(make_current=False).run_sync(run, timeout=60)
    assert "at 5.0, away 60.0: ValueError: this session has taken 5 steps" in text and "--max-steps" in text
    for source in ("127.0.0.3", "127.0.0.4"):
        assert ask(crowded, "/counting", source)[0] == 200
    status, text = ask(crowded, "/counting", "127.0.0.5")
    assert status == 503 and "6 open sessions" in text and "--max-sessions" in text
    with pytest.raises(HTTPClientError, match="503"):  # nor by a websocket with an invented session
        IOLoop(make_current=False).run_sync(lambda: connect(crowded, made_up), timeout=30)
    assert ask(crowded, "/liveness", "127.0.0.2")[0] == 200
    found = {each.name: each for each in text_string_to_metric_families(ask(crowded, "/metrics", "127.0.0.1")[1])}
    assert found["labkit_sessions"].samples[0].value == 6
    assert found["labkit_sessions_opened"].samples[0].value == 6
    assert [found[name].samples[0].value for name in ("labkit_rooms", "labkit_students")] == [0, 0]
    assert found["labkit_frames"].samples[0].value > 0
    steps, seconds = (
        next(each.value for each in found["labkit_step_seconds"].samples if each.name.endswith(end))
        for end in ("_count", "_sum")
    )
    assert steps >= 5 and seconds > 0
    assert found["process_resident_memory_bytes"].samples[0].value > 50e6


@pytest.mark.slow
def test_metrics_are_for_this_machine_or_with_the_token(crowded):
    assert ask(crowded, "/metrics", "127.0.0.1")[0] == 200
    status, text = ask(crowded, "/metrics", "127.0.0.1", **{"X-Forwarded-For": "192.0.2.7"})  # a proxy on this machine
    assert status == 403 and "--metrics-token" in text
    proxied = {"X-Forwarded-For": "192.0.2.7"}
    assert ask(crowded, "/metrics", "127.0.0.1", Authorization="Bearer wrong", **proxied)[0] == 403
    assert ask(crowded, "/metrics", "127.0.0.1", Authorization="Bearer secret", **proxied)[0] == 200


def test_without_a_token_no_token_opens_the_metrics():
    line = RequestStartLine("GET", "/metrics", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "desk", "Authorization": "Bearer "}))
    request.remote_ip = "192.0.2.7"
    assert not metrics.Metrics(limits.Visitors(Limits()), lambda: 0).allows(request)
    request.remote_ip = "127.0.0.1"
    assert metrics.Metrics(limits.Visitors(Limits()), lambda: 0).allows(request)


def test_other_parts_of_the_server_can_add_numbers():
    rooms = ["a", "b"]
    found = metrics.Metrics(limits.Visitors(Limits()), lambda: 7)
    found.gauge("labkit_rooms", "Open rooms.", lambda: len(rooms))
    rooms.append("c")
    text = found.text().decode()
    assert "labkit_rooms 3.0" in text and "labkit_watchers 7.0" in text


class Session:
    """A stand-in for a document and the context of its session."""

    def __init__(self, number, address=None):
        self.session_context = SimpleNamespace(id=f"s{number}", request=SimpleNamespace(remote_ip=address))
        self.ended = []

    def on_session_destroyed(self, call):
        self.ended.append(call)

    def end(self):
        for call in self.ended:
            call(self.session_context)


def test_a_session_ends_with_one_line_without_an_address(caplog):
    visitors = limits.Visitors(Limits(sessions=2))
    visitors.counts = True
    session = Session(1, "192.0.2.7")
    visitors.build(session, "/svgd")
    for _ in range(3):
        accounts.of(session).take()
    with caplog.at_level(logging.INFO, logger=limits.__name__):
        session.end()
    (line,) = caplog.messages
    assert re.fullmatch(r"session ended: page=/svgd seconds=0 steps=3", line)
    assert (visitors.present, visitors.opened) == (0, 1)


def test_the_lines_of_sessions_are_printed_on_request(capsys):
    logger = logging.getLogger(limits.__name__)
    kept = logger.handlers[:], logger.level, logger.propagate
    try:
        logs.show_sessions()
        visitors = limits.Visitors(Limits())
        visitors.counts = True
        session = Session(1, "192.0.2.7")
        visitors.build(session, "/draw")
        session.end()
    finally:
        logger.handlers, logger.level, logger.propagate = kept
    printed = capsys.readouterr().err
    assert printed.endswith("session ended: page=/draw seconds=0 steps=0\n") and "192.0.2.7" not in printed


def test_prepared_sessions_count_when_a_visitor_takes_them(caplog):
    visitors = limits.Visitors(Limits(sessions=1))
    visitors.counts = True
    prepared = Session(1)
    visitors.build(prepared, "/svgd")
    assert visitors.present == 0 and visitors.refusal("192.0.2.7") is None
    visitors.arrive("s1", "192.0.2.7")
    assert visitors.present == 1 and visitors.refusal("192.0.2.8").status == 503
    prepared.end()
    assert visitors.present == 0 and visitors.refusal("192.0.2.8") is None


def test_an_account_of_several_runs_stops_at_its_limit():
    account = Account(most=2)
    account.take()
    account.take()
    with pytest.raises(ValueError, match=r"has taken 2 steps, .*--max-steps"):
        account.take()
    assert account.steps == 2
