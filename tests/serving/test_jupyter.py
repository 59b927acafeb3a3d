"""The entry point with which jupyter-server-proxy starts labkit."""

import contextlib
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from labkit.serving import jupyter


def filled(words, **values):
    """The words as the extension fills them."""
    return [word.format(**values) for word in words]


def test_the_entry_point_is_the_function():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"]["jupyter_serverproxy_servers"].items()
    assert EntryPoint(name, value, "").load() is jupyter.server and name == jupyter.NAME


def test_the_launcher_has_a_title_and_requests_keep_their_path():
    found = jupyter.server()
    assert found["launcher_entry"]["title"] == "labkit" and found["absolute_url"]


@pytest.mark.slow
def test_the_command_serves_the_pages_below_the_path_of_the_user(serving, free_port, get, python):
    port, found = free_port(), jupyter.server()
    values = {"port": port, "base_url": "/user/ada/", "unix_socket": ""}
    interpreter, *words = filled(found["command"], **values)
    assert interpreter == sys.executable
    with contextlib.contextmanager(serving)([*python, *words], port, under="/user/ada/labkit") as base:
        assert get(f"{base}/")[0] == 200 and get(f"{base}/guide")[0] == 200
        names = found["request_headers_override"]
        headers = dict(zip(names, filled(names.values(), **values), strict=True))

        async def knock(**headers):
            request = HTTPRequest(base.replace("http", "ws") + "/svgd/ws", headers=headers)
            (await websocket_connect(request, subprotocols=["bokeh", "token"])).close()

        IOLoop(make_current=False).run_sync(lambda: knock(**headers), timeout=30)
