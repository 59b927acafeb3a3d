"""Clients for `labkit bench serve`: they speak the protocols of the pages, without a browser."""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE = 120.0  # seconds that a response may take while a server opens many pages
_browser = build_opener(ProxyHandler({}))  # this machine reaches itself without a proxy


def fetch(address: str, body: dict[str, Any] | None = None) -> bytes:
    """Return the response to a GET request, or to a POST request with a body."""
    data = None if body is None else json.dumps(body).encode()
    with _browser.open(Request(address, data), timeout=PATIENCE) as answer:
        found: bytes = answer.read()
    return found


class Arrivals:
    """When frames arrive at a client."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.bytes = 0

    def add(self, size: int) -> None:
        """Note a frame of this many bytes."""
        self.times.append(time.perf_counter())
        self.bytes += size

    def rate(self, since: float, until: float) -> float:
        """Return the frames per second between two times."""
        return sum(since <= at < until for at in self.times) / (until - since)

    def gaps(self, since: float, until: float) -> np.ndarray:
        """Return the seconds between one frame and the next."""
        return np.diff([at for at in self.times if since <= at < until])


class Watcher(Arrivals):
    """One who follows a room."""

    async def open(self, address: str) -> None:
        """Connect to the websocket of a room."""
        self._connection = await _connected(address, self._heard)

    def _heard(self, message: str | bytes | None) -> None:
        if isinstance(message, bytes):
            self.add(len(message))

    def close(self) -> None:
        """Leave."""
        self._connection.close()


class Faithful(Watcher):
    """One who follows a room and returns after a break, like the page of a student.

    Attributes:
        back: when it last got the state of the room.
    """

    PAUSES = (0.25, 0.5, 1.0, 2.0)  # seconds until the next try, as in player.js

    back = 0.0

    async def open(self, address: str) -> None:
        """Follow until `close`."""
        self._address = address
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        tries = 0
        while True:
            try:
                connection = await websocket_connect(self._address, max_message_size=1 << 26)
                while (message := await connection.read_message()) is not None:
                    self._heard(message)
                    if isinstance(message, str) and json.loads(message)["kind"] == "room":
                        self.back, tries = time.perf_counter(), 0
            except OSError:  # the server does not respond yet
                pass
            await asyncio.sleep(self.PAUSES[min(tries, 3)] * (0.7 + 0.6 * random.random()))
            tries += 1

    def close(self) -> None:
        """Leave."""
        self._task.cancel()


class Visitor(Arrivals):
    """One with a session of a page: opens the page and its document, lets the run play, and counts what changes.

    Attributes:
        seconds: from the request for the page to its document.
        session: the id of the session, as the page has it.
    """

    async def open(self, base: str, page: str) -> None:
        """Open a page and start its run."""
        began = time.perf_counter()
        self._remotes: set[str] = set()
        text = (await asyncio.to_thread(fetch, f"{base}/{page}")).decode()
        token = _found(r'"token":"([^"]+)"', text)
        self.session = _found(r'name="labkit-session" content="([^"]*)"', text)
        address = f"{base.replace('http', 'ws', 1)}/{page}/ws"
        request = HTTPRequest(address, headers={"Origin": base}, connect_timeout=PATIENCE, request_timeout=PATIENCE)
        self._connection = await websocket_connect(request, subprotocols=["bokeh", token], max_message_size=1 << 28)
        self._parts = self._messages(self._connection)
        await anext(self._parts)  # the server's greeting
        await self._send("PULL-DOC-REQ", {})
        document = await self._document()
        self.seconds = time.perf_counter() - began
        await self._event("document_ready", {})
        self._task = asyncio.create_task(self._listen())
        address = f"{base.replace('http', 'ws', 1)}/frames?session={self.session}"
        self._frames = await _connected(address, self._heard)
        await self._greet(document)
        self._beats = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Leave."""
        for task in (self._beats, self._task):
            task.cancel()
        self._frames.close()
        self._connection.close()

    def _heard(self, message: str | bytes | None) -> None:
        if isinstance(message, bytes):
            self.add(len(message))

    async def _document(self) -> dict[str, Any]:
        async for kind, content in self._parts:
            if kind == "PULL-DOC-REPLY":
                found: dict[str, Any] = content
                return found
        raise ConnectionError("the server closed the websocket of the page")

    async def _greet(self, part: Any) -> None:
        """Say hello to the live views in a part of the document, which lets them play."""
        for remote in set(_remotes(part)) - self._remotes:
            self._remotes.add(remote)
            await self._say(remote, {"kind": "hello", "dark": False, "reduced": False})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self._frames.write_message("beat")

    async def _listen(self) -> None:
        async for _, content in self._parts:  # what the server changes in the document
            await self._greet(content)  # a page that was not prepared gets its live view later

    async def _messages(self, connection: WebSocketClientConnection) -> Any:
        while (head := await connection.read_message()) is not None:
            header = json.loads(head)
            await connection.read_message()  # metadata
            content = json.loads(await connection.read_message() or "{}")
            for _ in range(2 * header.get("num_buffers", 0)):
                self.bytes += len(await connection.read_message() or b"")
            yield header["msgtype"], content

    async def _say(self, remote: str, data: dict[str, Any]) -> None:
        await self._event("data_event", {"model": {"id": remote}, "data": data})

    async def _event(self, name: str, values: dict[str, Any]) -> None:
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": list(values.items())}}
        sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        await self._send("PATCH-DOC", {"events": [sent]})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        for part in ({"msgid": f"{time.perf_counter_ns()}", "msgtype": kind}, {}, content):
            await self._connection.write_message(json.dumps(part))


async def _connected(address: str, heard: Callable[[str | bytes | None], None]) -> WebSocketClientConnection:
    """Return a websocket of a server that may be busy with opening pages."""
    request = HTTPRequest(address, connect_timeout=PATIENCE, request_timeout=PATIENCE)
    return await websocket_connect(request, on_message_callback=heard, max_message_size=1 << 26)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"the page has no {pattern}; is it a page of labkit?")
    return match[1]


def _remotes(part: Any) -> Iterator[str]:
    """Yield the ids of the components through which a browser talks to a live view."""
    if isinstance(part, dict):
        if str(part.get("attributes", {}).get("class_name", "")) == "Remote":
            yield part["id"]
        for each in part.values():
            yield from _remotes(each)
    elif isinstance(part, list):
        for each in part:
            yield from _remotes(each)
