"""The dialog *Share*: what the server sends for a page, and QR codes."""

import json
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from labkit.serving import codes, share
from labkit.views import shown
from labkit.views.runs.followed import FollowedRun

LINK = "http://192.0.2.7:5006/svgd?n=50"


@pytest.fixture
def session(monkeypatch):
    """A document that shows a run of the page of runs; its session is "known"."""
    document = Document()
    scene = SimpleNamespace(live=FollowedRun(), code=lambda: "state = 1\n")
    monkeypatch.setitem(shown._shown, id(document), (scene, None))
    monkeypatch.setattr(share, "document_of", lambda _, session: ("runs", document) if session == "known" else None)


def sent(body, kind=share.Share, remote_ip="127.0.0.1", **more):
    """What /share answers: the status and the object."""
    connection = SimpleNamespace(context=SimpleNamespace(remote_ip=remote_ip), set_close_callback=lambda _: None)
    line, headers = RequestStartLine("POST", "/share", "HTTP/1.1"), HTTPHeaders({"Host": "127.0.0.1:5006"} | more)
    request = HTTPServerRequest(start_line=line, headers=headers, body=body, connection=connection)
    handler, said = kind(SimpleNamespace(settings={}, ui_modules={}, ui_methods={}), request), []
    handler.write = said.append
    handler.post()
    return handler.get_status(), said[0]


def asked(**facts):
    return sent(json.dumps(facts).encode())


def test_only_a_browser_on_this_machine_prepares_its_link(session, monkeypatch):
    prepared = []
    monkeypatch.setattr(share.ahead, "offer", lambda route, query: 30)
    monkeypatch.setattr(share.ahead, "expect", lambda route, query: prepared.append((route, query)) or 30)
    body = json.dumps({"session": "known", "link": LINK}).encode()
    other, proxy = {"remote_ip": "192.0.2.8"}, {"X-Forwarded-For": "192.0.2.8"}
    assert [sent(body, **where)[1]["offered"] for where in ({}, other, proxy)] == [30, 0, 0] and prepared == []
    found = [sent(body, share.Preparation, **where)[1]["prepared"] for where in ({}, other, proxy)]
    assert found == [30, 0, 0] and prepared == [("runs", "n=50")]


def test_a_page_gets_its_code_and_python_and_no_recording_without_a_run_that_plays(session):
    status, found = asked(session="known", link=LINK)
    assert (status, found["python"], found["records"]) == (200, "state = 1\n", False)
    assert found["code"] == codes.svg(LINK) and f"<title>QR code of {LINK}</title>" in found["code"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"session": "other"}', b'{"session": ["known"]}', b" " * 30_000])
def test_only_the_session_of_an_open_page_gets_something(session, body):
    status, found = sent(body)
    assert status == 409 and list(found) == ["error"] and "Reload the page" in found["error"]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "", 5, "http://a/?" + "x" * codes.LONGEST])
def test_what_is_not_a_link_or_is_too_long_has_no_code(session, link):
    assert asked(session="known", link=link)[1]["code"] == ""


def test_a_code_has_no_script_of_its_address():
    assert "<script" not in codes.svg("http://a/</title><script>alert(1)</script>")


def test_the_longest_link_still_has_a_code():
    assert codes.svg(("http://a/?" + "x" * codes.LONGEST)[: codes.LONGEST]).startswith("<svg")
