"""The server: its routes and pages, who may connect, and the error card of a page."""

import html
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

import panel  # noqa: F401  its models are in the documents
import pytest
from bokeh.client import pull_session
from bokeh.models import TextInput
from bokeh.util.token import get_session_id
from panel.custom import JSComponent
from panel.models.markup import HTML

from labkit import places
from labkit.serving import addresses, devices, headers, pages, settings
from labkit.views.draw.pad import Pad
from labkit.views.readout import Readout
from labkit.views.remote import Remote

SERVE = """
import sys
from pathlib import Path
from labkit.serving import pages, server, settings
settings.addresses = ("http://192.0.2.7:5006/", "http://<desk>:5006/")
found = pages.listing(Path(sys.argv[1]))
server.run(server.build(found, port=int(sys.argv[2]), address="127.0.0.1"), found, lambda: print("warmed", flush=True))
"""

GREETING = '''"""Greeting: says who came."""
import panel as pn

def page():
    name = pn.state.session_args.get("name", [b"nobody"])[0].decode()
    return pn.widgets.TextInput(label="name", value=name)
'''
BROKEN = '''"""Broken: fails for every visitor."""

def page():
    raise ValueError("wanted <b>bold</b>, got a limit")
'''
LATE = '''"""Late: fails only when it is drawn."""
import holoviews as hv
import panel as pn

def page():
    pn.extension()
    hv.extension("bokeh")
    return pn.pane.HoloViews(hv.DynamicMap(lambda: 1 / 0))
'''
FRAMED = '''"""Framed: its heading stands, what is in it fails."""
import holoviews as hv
import panel as pn
from labkit.serving.frame import frame

def page():
    pn.extension()
    hv.extension("bokeh")
    return frame("Framed", "lead", lambda: (pn.pane.HoloViews(hv.DynamicMap(lambda: 1 / 0)), lambda: None))
'''
READY = '''"""Ready: says when it was built."""
import time
import panel as pn

AHEAD = True

def page():
    print("built", flush=True)
    return pn.widgets.TextInput(value=str(time.time()))
'''


@pytest.fixture(scope="module")
def made_up(serving, python, free_port, tmp_path_factory):
    """A server with small pages, a file that is not a page, and the index as another device sees it."""
    folder, port = tmp_path_factory.mktemp("pages"), free_port()
    for name, text in {
        "greeting": GREETING,
        "broken": BROKEN,
        "late": LATE,
        "framed": FRAMED,
        "ready": READY,
        "torn": "def (",
        "tool": "X = 1",
    }.items():
        (folder / f"{name}.py").write_text(text)
    for file in places.find("dashboards").glob("index.*"):
        shutil.copy(file, folder)
    yield from serving([*python, "-c", SERVE, str(folder), str(port)], port)


def models(base, route, kind, **arguments):
    """The models of one kind in the document that a visitor of a route gets through a real websocket."""
    with pull_session(url=base + route, arguments=arguments) as session:
        return [model for model in session.document.models if type(model).__name__ == kind]


@pytest.mark.slow
def test_only_pages_and_liveness_have_a_route(server, get):
    for page in pages.listing():
        assert get(server + page.route)[0] == 200
    assert get(f"{server}/liveness")[0] == 200
    assert get(f"{server}/no-such-page")[0] == 404


@pytest.mark.slow
def test_every_response_has_the_security_headers(server, get):
    for route in ("/", "/liveness", "/no-such-page"):
        _, sent, _ = get(server + route)
        assert {name: sent.get(name) for name in headers.sent()} == headers.sent()


@pytest.mark.slow
def test_no_page_names_another_machine(server, get):
    _, _, text = get(f"{server}/")
    hosts = {urllib.parse.urlsplit(part.split('"')[0]).hostname for part in text.split('="')[1:] if part[:4] == "http"}
    assert hosts <= {"localhost", "127.0.0.1"}


@pytest.mark.slow
def test_a_page_loads_only_the_scripts_that_it_needs(server, get):
    """Four scripts of Bokeh and Panel, each once, and no file of labkit."""
    _, _, text = get(f"{server}/svgd")
    found = [urllib.parse.urlsplit(part.split('"')[0]).path for part in text.split('src="')[1:]]
    names = [path.rsplit("/", 1)[1] for path in found if path.endswith(".js")]
    assert names == ["bokeh.min.js", "bokeh-widgets.min.js", "bokeh-tables.min.js", "panel.min.js"]


def test_the_import_of_the_browser_is_enough_for_labkits_modules():
    """The frame leaves out Panel's module loader, because labkit's modules import nothing."""

    def below(parent):
        return [each for child in parent.__subclasses__() for each in (child, *below(child))]

    modules = [each for each in below(JSComponent) if each.__module__.startswith("labkit.")]
    assert {Pad, Readout, Remote} <= set(modules)
    for module in modules:
        source = module._esm if isinstance(module._esm, str) else module._esm.read_text(encoding="utf-8")
        assert not module._importmap and not re.search(r"^\s*import\b|\bfrom\s+[\"']", source, re.MULTILINE), module


@pytest.mark.slow
def test_each_visitor_has_a_session_with_separate_arguments(made_up):
    (ada,), (none,) = (
        models(made_up, "/greeting", "TextInput", name="Ada"),
        models(made_up, "/greeting", "TextInput"),
    )
    assert (ada.value, none.value) == ("Ada", "nobody")


@pytest.mark.slow
def test_a_prepared_page_goes_to_one_visitor_without_settings(made_up, get, log_of):
    def visit(route):
        """The session in a visitor's page, the time when it was built, and the time of the visit."""
        came = time.time()
        token = re.search(r'"token":"([^"]+)"', get(made_up + route)[2])[1]
        with pull_session(url=f"{made_up}/ready", session_id=get_session_id(token)) as session:
            (built,) = session.document.select({"type": TextInput})
            return get_session_id(token), float(built.value), came

    def wait(word, count):
        deadline = time.monotonic() + 60
        while log_of(made_up).count(word) < count:
            assert time.monotonic() < deadline, log_of(made_up)
            time.sleep(0.05)

    wait("warmed", 1)  # the server responds before it has built
    builds = log_of(made_up).count("built")
    first, second, asks = visit("/ready"), visit("/ready"), visit("/ready?n=5")
    assert first[1] < first[2], "not built before the visit"
    assert second[1] > second[2] and asks[1] > asks[2]
    wait("built", builds + 3)  # two of the visits, and then the next one in advance
    asks, third = visit("/ready?n=5"), visit("/ready")
    assert asks[1] > asks[2] and third[1] < third[2]
    assert len({first[0], second[0], third[0]}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("route", "said"), [("/broken", "got a limit"), ("/late", "division"), ("/torn", "SyntaxError")]
)
def test_a_failing_page_shows_a_card_with_the_error_and_other_pages_work(made_up, get, route, said):
    assert get(made_up + route)[0] == 200
    (card,) = models(made_up, route, "HTML")
    assert said in card.text and "This page does not work" in card.text
    assert get(f"{made_up}/greeting")[0] == 200


@pytest.mark.slow
def test_a_failure_after_the_heading_shows_a_card(made_up):
    with pull_session(url=made_up + "/framed") as session:
        end = time.monotonic() + 20
        while not (cards := list(session.document.select({"type": HTML}))) and time.monotonic() < end:
            time.sleep(0.05)
            session.pull()
    assert "division" in cards[0].text


@pytest.mark.slow
def test_the_text_of_an_exception_is_escaped(made_up):
    (card,) = models(made_up, "/broken", "HTML")
    markup = html.unescape(card.text)  # as the browser gets it: Panel escapes the text once more for the transfer
    assert "&lt;b&gt;bold" in markup and "<b>bold" not in markup


@pytest.mark.slow
def test_the_index_shows_the_address_as_text_and_as_qr_code(made_up, server, get):
    _, _, text = get(f"{made_up}/")
    assert "QR code of http://192.0.2.7:5006/</title>" in text and "http://&lt;desk&gt;:5006/" in text
    _, _, alone = get(f"{server}/")
    assert "QR code" not in alone and "--address 0.0.0.0" in alone
    assert ('id="room"' in text, 'id="room"' in alone) == (True, False)  # a class needs an address


def test_the_list_of_pages_uses_titles_docstrings_and_names(tmp_path):
    (tmp_path / "a.py").write_text('TITLE, n = "x", 1\nTITLE = "Alpha"\nSUMMARY = "first"\ndef page(): ...')
    (tmp_path / "b.py").write_text('"""Beta: second.\n\nMore."""\ndef page(): ...')
    (tmp_path / "c.py").write_text("def page(): ...")
    (tmp_path / "index.py").write_text("def page(): ...")
    (tmp_path / "d.py").write_text("def other(): ...")
    (tmp_path / "_e.py").write_text("def page(): ...")
    listed = [(page.route, page.title, page.summary) for page in pages.listing(tmp_path)]
    assert listed == [("/", "index", "Index"), ("/a", "Alpha", "first"), ("/b", "Beta", "Second."), ("/c", "c", "C")]


def test_a_page_is_imported_once_but_again_after_a_failure(tmp_path):
    file = tmp_path / "counted.py"
    file.write_text("def page(): ...\nraise ValueError")
    with pytest.raises(ValueError):
        pages.load(pages.at(file))
    file.write_text("def page(): ...")
    assert pages.load(pages.at(file)) is pages.load(pages.at(file))


def test_only_this_machine_may_connect_unless_an_address_is_given():
    assert addresses.origins("127.0.0.1", 5006) == {"127.0.0.1:5006", "localhost:5006", "[::1]:5006"}
    assert addresses.outer("127.0.0.1") == addresses.outer("localhost") == addresses.outer("::1") == []


def test_other_devices_may_use_every_name_of_this_machine(monkeypatch):
    monkeypatch.setattr(addresses, "network", lambda: ["192.0.2.7", "2001:db8::7"])
    monkeypatch.setattr("socket.gethostname", lambda: "Desk")
    monkeypatch.setattr("socket.getfqdn", lambda: "desk.example")
    wanted = {"192.0.2.7:80", "Desk:80", "desk:80", "desk.example:80", "desk.local:80", "localhost:80", "127.0.0.1:80"}
    assert wanted <= addresses.origins("0.0.0.0", 80)
    assert addresses.outer("0.0.0.0") == ["192.0.2.7", "Desk"]  # that address does not accept IPv6
    assert "[2001:db8::7]:80" in addresses.origins("::", 80) and "2001:db8::7" in addresses.outer("*")
    assert not any(origin.startswith(("0.0.0.0", ":", "*")) for origin in addresses.origins("0.0.0.0", 80))


@pytest.mark.slow
def test_an_unknown_origin_is_refused_and_an_allowed_one_accepted(made_up):
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.ioloop import IOLoop
    from tornado.websocket import websocket_connect

    async def knock(origin):
        request = HTTPRequest(made_up.replace("http", "ws") + "/greeting/ws", headers={"Origin": origin})
        (await websocket_connect(request, subprotocols=["bokeh", "token"])).close()

    with pytest.raises(HTTPClientError, match="403"):
        IOLoop(make_current=False).run_sync(lambda: knock("http://elsewhere.example"))
    IOLoop(make_current=False).run_sync(lambda: knock(made_up.replace("127.0.0.1", "[::1]")))  # not by Bokeh's own list


def test_pages_read_the_chosen_device(monkeypatch):
    monkeypatch.setattr(settings, "choice", "cpu")
    assert settings.device == devices.choose("cpu") == "cpu"
    assert devices.choose("auto") in {"cpu", "cuda"}
    with pytest.raises(AttributeError, match="choice, device and addresses"):
        settings.colour  # noqa: B018


ENDLESS = '''"""Endless: inside torch for as long as it is imported."""
import pathlib, torch
def page(): ...
pathlib.Path(__file__).with_suffix(".begun").touch()
while True:
    torch.linalg.eigvals(torch.ones(300, 300))
'''
END = """
import sys
from pathlib import Path
from labkit.cli import main
from labkit.serving import pages
listing = pages.listing
pages.listing = lambda: listing(Path(sys.argv[1]))
sys.exit(main(["serve", "--no-browser", "--port", sys.argv[2]]))
"""


@pytest.mark.slow
def test_a_server_can_be_stopped_while_a_page_computes(free_port, tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    command = [sys.executable, "-c", END, str(tmp_path), str(free_port())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "endless.begun").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.terminate()
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and said.endswith("labkit: stopped\n"), said
