"""labkit behind a real nginx: path, TLS, websockets, and what reaches labkit as its name."""

import http.client
import json
import re
import ssl
import sys
import urllib.error
import urllib.request

import pytest
from bokeh.util.token import get_session_id
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.slow

SERVE = """
import sys
from pathlib import Path
from labkit.serving import network, pages, server, settings
from labkit.serving.settings import Limits
found = pages.listing(Path(sys.argv[1]))
place = network.read(
    prefix="/labkit", root=f"https://course.example.org:{sys.argv[3]}/labkit", forwarded=sys.argv[4] == "forwarded"
)
built = server.build(found, port=int(sys.argv[2]), address="127.0.0.1", network=place, limits=Limits(per_address=5))
(Path(sys.argv[1]) / "key").write_text(settings.rooms.key)
server.run(built, found, lambda: None)
"""
PAGE = '''"""Seen: what the server sees of a request."""
import panel as pn

def page():
    return pn.pane.Str(f"seen {pn.state.location.protocol} {pn.state.location.pathname}")
'''
NAME = "course.example.org"
TRUST = ssl.create_default_context()
TRUST.check_hostname, TRUST.verify_mode = False, ssl.CERT_NONE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("pages")
    (found / "seen.py").write_text(PAGE)
    return found


@pytest.fixture
def behind(nginx, serving, python, free_port, folder):
    """behind(forwarded=True, HEADER=value) -> (the port of nginx, the port of labkit), both running until the end."""
    opened = []

    def start(forwarded=True, **changed):
        port = free_port()
        context = nginx(port, **changed)
        public = context.__enter__()
        command = [*python, "-c", SERVE, str(folder), str(port), str(public), "forwarded" if forwarded else ""]
        server = serving(command, port, under="/labkit")
        next(server)
        opened.extend([(context, server)])
        return public, port

    yield start
    for context, server in opened:
        server.close()
        context.__exit__(None, None, None)


def fetch(port, route, host=NAME, scheme="https"):
    """(status, headers, text) of a request by a public name."""
    asked = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{route}", headers={"Host": f"{host}:{port}"})
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=TRUST)
    try:
        with urllib.request.build_opener(*handlers).open(asked, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def open_class(port, key):
    """The name of a new class on a page behind the proxy."""
    session = re.search(r'"token":"([^"]+)"', fetch(port, "/labkit/seen")[2])[1]
    told = json.dumps({"key": key, "session": get_session_id(session)}).encode()
    asked = urllib.request.Request(f"https://127.0.0.1:{port}/labkit/room", told, {"Host": f"{NAME}:{port}"})
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=TRUST)
    with urllib.request.build_opener(*handlers).open(asked, timeout=30) as answer:
        return json.loads(answer.read())["name"]


def follow(port, name):
    """The first message that a student of a class gets."""

    async def run():
        sent = {"Host": f"{NAME}:{port}", "Origin": f"https://{NAME}:{port}"}
        address = f"wss://127.0.0.1:{port}/labkit/room/{name}/socket"
        socket = await websocket_connect(HTTPRequest(address, headers=sent, ssl_options=TRUST))
        found = json.loads(await socket.read_message())
        socket.close()
        return found

    return IOLoop(make_current=False).run_sync(run, timeout=30)


def talk(port, origin, host=NAME):
    """What the page shows, by a websocket as a browser without the header Sec-Fetch-Site opens it."""

    async def run():
        token = re.search(r'"token":"([^"]+)"', fetch(port, "/labkit/seen", host)[2])[1]
        sent = {"Host": f"{host}:{port}", "Origin": origin}
        asked = HTTPRequest(f"wss://127.0.0.1:{port}/labkit/seen/ws", headers=sent, ssl_options=TRUST)
        socket = await websocket_connect(asked, subprotocols=["bokeh", token])
        for _ in range(3):  # the server is ready after its first message, of three parts
            await socket.read_message()
        for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
            await socket.write_message(json.dumps(part))
        while '"doc"' not in (found := await socket.read_message()):
            pass
        socket.close()
        return re.search(r"seen \S+ [/\w]+", found)[0]

    return IOLoop(make_current=False).run_sync(run, timeout=30)


def test_every_route_is_under_the_prefix_and_none_elsewhere(behind):
    public, inner = behind()
    for route in ("/seen", "/liveness", "/guide", "/guide/svgd", "/static/js/bokeh.min.js"):
        assert fetch(public, f"/labkit{route}")[0] == 200, route
        assert fetch(inner, route, "localhost", "http")[0] == 404, route
    _, sent, text = fetch(public, "/labkit/guide/svgd")
    links = re.findall(r'(?:href|src)="([^"#]+)"', text)
    assert links and not any(link.startswith("/") for link in links)  # relative, so they keep the prefix
    assert "Set-Cookie" not in sent


def test_a_class_works_under_the_prefix(behind, folder):
    """Its page names its scripts by relative addresses, and its websocket passes the proxy."""
    public, inner = behind()
    name = open_class(public, (folder / "key").read_text())
    status, _, text = fetch(public, f"/labkit/room/{name}")
    (script,) = re.findall(r'<script[^>]* src="([^"]+)"', text)
    assert status == 200 and name in text and "/" not in script
    status, headers, _ = fetch(public, f"/labkit/room/{script}")
    assert status == 200 and "immutable" in headers["Cache-Control"]
    assert follow(public, name)["kind"] == "room"
    assert fetch(inner, f"/room/{name}", "localhost", "http")[0] == 404


@pytest.mark.parametrize("host", ["$http_host", "$host", "$proxy_host"], ids=["whole", "without port", "inner name"])
def test_a_websocket_opens_for_every_host_that_a_proxy_may_pass_on(behind, host):
    public, _ = behind(Host=host, forwarded=False, X_Forwarded_Host=None)
    assert talk(public, f"https://{NAME}:{public}") == "seen http: /labkit/seen"  # not what the proxy forwards
    with pytest.raises(HTTPClientError, match="403"):
        talk(public, "https://evil.example")


def test_a_forwarded_host_is_the_name_that_a_browser_used(behind):
    public, _ = behind(Host="$proxy_host")
    assert talk(public, f"https://{NAME}:{public}") == "seen https: /labkit/seen"
    assert (
        talk(public, f"https://localhost:{public}", "localhost") == "seen https: /labkit/seen"
    )  # known, on the port of the proxy
    status, _, text = fetch(public, "/labkit/seen", "evil.example")
    assert status == 403 and "--allow-host evil.example" in text


def test_without_the_forwarded_option_no_forwarded_header_has_an_effect(behind):
    public, _ = behind(Host="$proxy_host", forwarded=False)
    with pytest.raises(HTTPClientError, match="403"):
        talk(public, f"https://localhost:{public}", "localhost")


@pytest.mark.skipif(sys.platform != "linux", reason="needs several addresses of this machine")
def test_the_limit_per_address_counts_the_address_that_the_proxy_saw(behind):
    public, _ = behind()

    def visit(source, forged):
        connection = http.client.HTTPSConnection("127.0.0.1", public, source_address=(source, 0), context=TRUST)
        headers = {"Host": f"{NAME}:{public}", "X-Real-IP": forged, "X-Forwarded-For": forged}
        connection.request("GET", "/labkit/seen", headers=headers)
        return connection.getresponse().status

    greedy = [visit("127.0.0.2", f"192.0.2.{i}") for i in range(30)]  # the server's own first requests do not count
    assert greedy[-1] == 429 and set(greedy) == {200, 429}
    assert visit("127.0.0.3", "127.0.0.2") == 200


def test_without_upgrade_lines_the_websocket_is_refused(behind):
    public, _ = behind(Upgrade=None, Connection=None)
    with pytest.raises(HTTPClientError):
        talk(public, f"https://{NAME}:{public}")
