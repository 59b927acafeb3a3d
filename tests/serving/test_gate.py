"""Which requests are served, how an address is read, and what the log contains about clients."""

import http.client
import json
import logging
import re
import socket
import struct
import sys
import time
import urllib.parse

import pytest
from bokeh.client import pull_session
from bokeh.document import Document
from bokeh.models import TextInput
from panel.io.location import Location
from panel.io.server import RequestProxy
from panel.io.state import set_curdoc
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from labkit.serving import addresses, gate, location, logs, sockets

SERVE = """
import logging, sys
from pathlib import Path
from labkit.serving import network, pages, server
logging.basicConfig(level=logging.INFO)
found = pages.listing(Path(sys.argv[1]))
built = server.build(found, port=int(sys.argv[2]), address=sys.argv[3], network=network.read(hosts=["class.example"]))
server.run(built, found, lambda: None)
"""
PAGE = '''"""Greeting: one field."""
import panel as pn

def page():
    field = pn.widgets.TextInput(value=pn.state.location.search)
    field.param.watch(lambda event: 1 / 0 if event.new == "fail" else None, "value")
    return field
'''
GARBAGE = [
    ["garbage"],
    ["[" * 100_000, "{}", "{}"],
    ['{"msgid": "1", "msgtype": ["PATCH-DOC"]}', "{}", "{}"],
    *(
        [json.dumps({"msgid": "1", "msgtype": kind}), "{}", json.dumps(content)]
        for kind, content in [
            ("NOPE", {}), ("ERROR", {"text": "x"}), ("ACK", {}), ("PATCH-DOC", {}), ("PATCH-DOC", {"events": 5}),
            ("PATCH-DOC", {"events": [{"kind": "X"}]}), ("PUSH-DOC", {"doc": 3}),
            ("PATCH-DOC", {"events": [{"kind": "ModelChanged", "model": {"id": "none"}, "attr": "x", "new": 1}]}),
        ]
    ),
]  # fmt: skip


def request(host, target="/", connection=None):
    line = RequestStartLine("GET", target, "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": host}), connection=connection)


def is_refused(names, host):
    return gate.Stranger(names).match(request(host)) is not None


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:80", "localhost.", "127.0.0.1:9000", "[::1]:5006", "[0:0::1]"]
)
def test_names_of_this_machine_are_accepted_on_every_port(host):
    assert not is_refused(addresses.hosts("127.0.0.1"), host)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.3", ""])
def test_names_of_other_machines_are_refused(host):
    assert is_refused(addresses.hosts("127.0.0.1"), host)


def test_other_devices_may_use_names_and_addresses_of_this_machine(monkeypatch):
    monkeypatch.setattr(addresses, "network", lambda: ["192.0.2.7", "2001:db8::7"])
    monkeypatch.setattr("socket.gethostname", lambda: "Desk")
    for host in ("192.0.2.7:5006", "[2001:DB8:0::7]:5006", "desk:5006", "DESK.local", "localhost:5006"):
        assert not is_refused(addresses.hosts("::"), host)
    assert not is_refused(addresses.hosts("192.0.2.9"), "192.0.2.9:5006")
    assert is_refused(addresses.hosts("::"), "evil.example:5006")


def test_the_address_of_the_connection_is_accepted():
    """A machine in several networks cannot list all its addresses."""
    with socket.create_server(("127.0.0.1", 0)) as ear, socket.create_connection(ear.getsockname()):
        accepted, _ = ear.accept()
        with accepted:
            connection = type("Connection", (), {"stream": type("Stream", (), {"socket": accepted})})
            assert gate.Stranger([]).match(request("127.0.0.1:1", connection=connection)) is None
            assert gate.Stranger([]).match(request("127.0.0.2:1", connection=connection)) is not None


@pytest.mark.parametrize(("given", "name"), [("Class.Example", "class.example"), ("[2001:DB8::1]", "2001:db8::1")])
def test_an_allowed_host_is_a_name_or_an_address(given, name):
    assert gate.checked(given) == name


@pytest.mark.parametrize("given", ["http://class.example", "class.example:80", "*", "*.example", "", "a/b"])
def test_other_texts_are_refused_as_allowed_hosts(given):
    with pytest.raises(ValueError, match="--allow-host takes a name"):
        gate.checked(given)


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("[::1]:5006", "/svgd?n=100?utm=1"),
        ("[2001:db8::7]", "/svgd"),
        ("localhost:80", "/svgd?a=b#c?d#e"),
        ("a.example", "/x#y"),
    ],
)
def test_the_parts_of_an_address_follow_the_standard_and_panel_accepts_them(host, uri):
    location.install()
    wanted = urllib.parse.urlsplit(f"http://{host}{uri}")
    with set_curdoc(Document()):
        found = Location.from_request(RequestProxy(request(host, uri)))
    port = "" if wanted.port is None else str(wanted.port)
    assert (found.hostname.strip("[]"), found.port or "") == (wanted.hostname, port)
    assert (found.protocol, found.href) == ("http:", f"http://{host}{uri}")
    assert (found.pathname, found.search.removeprefix("?")) == (wanted.path, wanted.query)
    assert found.hash.removeprefix("#") == wanted.fragment


@pytest.mark.parametrize("value", ["1" * 5000, "²", "[" * 20000])
def test_panel_can_read_any_address(value):
    location.install()
    uri = "/svgd?n=" + urllib.parse.quote(value)
    with set_curdoc(Document()):
        found = Location.from_request(RequestProxy(request("localhost:80", uri)))
    assert found.query_params == {"n": float(value) if value[0] == "1" else value}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("pages")
    (found / "greeting.py").write_text(PAGE)
    return found


@pytest.fixture(scope="module")
def base(serving, python, free_port, folder):
    port = free_port()
    yield from serving([*python, "-c", SERVE, str(folder), str(port), "127.0.0.1"], port)


def ask(base, method, target, host=None):
    """(status, text) of a request."""
    where = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", host or where.netloc)
    connection.endheaders()
    with connection.getresponse() as answer:
        return answer.status, answer.read().decode(errors="replace")


def token(base):
    return re.search(r'"token":"([^"]+)"', ask(base, "GET", "/greeting")[1])[1]


def talk(base, frames, headers=None, subprotocols=None):
    """Open a websocket, send frames, and wait until the server has responded or closed it."""

    async def run():
        asked = HTTPRequest(base.replace("http", "ws") + "/greeting/ws", headers=headers or {})
        open_ = await websocket_connect(asked, subprotocols=subprotocols or ["bokeh", token(base)])
        await open_.read_message()  # ACK, or closed
        for frame in frames:
            await open_.write_message(frame)
        if frames:
            await open_.read_message()
        open_.close()

    IOLoop(make_current=False).run_sync(run, timeout=20)


@pytest.mark.slow
def test_a_foreign_host_is_refused_for_pages_files_and_websockets(base):
    for target in ("/greeting", "/liveness", "/static/js/bokeh.min.js", "/none"):
        status, text = ask(base, "GET", target, "evil.example")
        assert status == 403 and "--allow-host evil.example" in text
    rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
    with pytest.raises(HTTPClientError, match="403"):
        talk(base, [], rebound)
    for name in ("localhost:9000", "class.example", "class.example:8443"):
        assert ask(base, "GET", "/greeting", name)[0] == 200
        talk(base, [], {"Host": name, "Origin": f"http://{name}"})  # a forwarded port
    talk(base, [], {"Origin": "https://class.example"})  # a proxy that does not forward the name


@pytest.mark.slow
def test_every_route_responds_to_head_as_to_get(base):
    for target in ("/greeting", "/liveness", "/favicon.ico", "/static/js/bokeh.min.js", "/greeting/metadata", "/none"):
        (status, text), (wanted, _) = ask(base, "HEAD", target), ask(base, "GET", target)
        assert (status, text) == (wanted, "")


@pytest.mark.slow
def test_unreadable_requests_are_refused_but_two_question_marks_are_accepted(base):
    assert ask(base, "GET", "/greeting?n=100?utm=1")[0] == 200
    for target in ("/static/js/%00", "/greeting?bokeh-token=b", "/greeting?bokeh-token=e30"):
        assert ask(base, "GET", target)[0] == 400


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_a_page_opens_at_an_ipv6_address(serving, python, free_port, folder, get):
    port = free_port()
    command = [*python, "-c", SERVE, str(folder), str(port), "::1"]
    for _ in serving(command, port, host="[::1]"):
        assert get(f"http://[::1]:{port}/greeting?n=1")[0] == 200


@pytest.mark.slow
def test_an_error_of_a_page_leaves_a_traceback_but_errors_of_clients_do_not(base, log_of):
    before = len(log_of(base))
    for frames in GARBAGE:
        talk(base, frames)
    for subprotocols in (["bokeh", "x"], ["other", "x"], ["bokeh", "e30"], ["bokeh"]):
        talk(base, [], subprotocols=subprotocols)
    for wait in (0, 0.01, 0.2):
        break_off(base, wait)
    time.sleep(0.5)
    log = log_of(base)[before:]
    assert "Traceback" not in log and "ERROR" not in log, log
    change(base, "fail")
    time.sleep(0.5)
    assert "ZeroDivisionError" in log_of(base)


def judged(logger, module, *args):
    """(kept or not, level, text, with traceback or not) of a logged error from a module."""
    try:
        exec("raise AssertionError('first\\nsecond')", {"__name__": module})
    except AssertionError:
        found = sys.exc_info()
    record = logging.LogRecord(logger, logging.ERROR, "", 0, "failed %r", args or ("",), found)
    return logs.Quiet().filter(record), record.levelname, record.getMessage(), bool(record.exc_info)


def test_only_errors_of_clients_become_one_line_at_level_debug():
    quieted = (False, "DEBUG", "from a client: AssertionError: first second", False)
    assert judged("bokeh.server.views.ws", "bokeh.server.views.ws") == quieted
    assert judged("tornado.application", "tornado.websocket") == quieted
    assert judged("tornado.application", "tornado.web")[:2] == (True, "ERROR")  # a page's HTML
    assert judged("bokeh.server.protocol_handler", "labkit.views.live")[:2] == (True, "ERROR")
    pull = type("Message", (), {"msgtype": "PULL-DOC-REQ"})()
    assert judged("bokeh.server.protocol_handler", "bokeh.document", pull)[:2] == (True, "ERROR")


def test_a_websocket_opens_without_an_error_after_its_browser_has_left(monkeypatch):
    opened = []
    monkeypatch.setattr(sockets.SocketHandler, "open", lambda self: opened.append(self))
    socket_ = sockets.Prompt.__new__(sockets.Prompt)
    socket_.ws_connection = None
    socket_.open()
    assert opened == [socket_]


def break_off(base, wait):
    """Request a websocket and reset the connection later, like a laptop that is closed."""
    where = urllib.parse.urlsplit(base)
    client = socket.create_connection((where.hostname, where.port))
    head = {
        "Host": where.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "A" * 22 + "==",
        "Sec-WebSocket-Protocol": f"bokeh, {token(base)}",
    }
    lines = ["GET /greeting/ws HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    client.sendall("\r\n".join(lines).encode())
    time.sleep(wait)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def change(base, text):
    """Type a text into the page's field through a real websocket."""
    with pull_session(url=f"{base}/greeting") as session:
        (field,) = session.document.select({"type": TextInput})
        field.value = text
        session.force_roundtrip()
