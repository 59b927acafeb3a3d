"""`labkit bench serve`: a server in a separate process, and a class of clients in this one, on the same machine.

Watchers follow a room of /svgd. Visitors have separate sessions. The clients speak the real protocols but draw
nothing. They take a share of the processors, which a class does not.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from labkit.bench.serve_clients import Arrivals, Visitor, Watcher, fetch

WATCHERS = {60: 25.0, 200: 15.0, 500: 8.0}  # watchers -> frames per second that they should get
VISITORS = {"svgd": 10.0, "dreg": 5.0, "draw": 5.0}  # page -> frames per second for each of 30 sessions
SECONDS, QUICK = 10.0, 2.0  # for which frames are counted
SETTLES = 2.0  # seconds before the counting
BUILDS = 8.0  # seconds until a page has all its pictures and controls
PREPARES = 10.0  # seconds in which the server prepares one page for an expected visitor, at most
WRITES = 7.0  # seconds until the last prepared page is written
STEPS = "labkit_step_seconds_count"  # a metric: the steps of all runs so far

PARTS = ("speed", "leaks", "log", "restart")


def run(
    quick: bool,
    console: Console,
    watchers: Sequence[int] | None = None,
    visitors: int | None = None,
    parts: Sequence[str] = PARTS,
) -> None:
    """Print a table of frames per second for watchers and for visitors with separate sessions, and other checks.

    Args:
        quick: count for two seconds instead of ten, and fewer clients.
        watchers: numbers of watchers. visitors: sessions on each page.
        parts: names in `PARTS`. `labkit.bench.serve_checks` describes those after "speed".
    """
    from labkit.bench import serve_checks

    if "speed" in parts:
        _speed(quick, console, watchers, visitors)
    serve_checks.run(quick, console, parts)


def _speed(quick: bool, console: Console, watchers: Sequence[int] | None, visitors: int | None) -> None:
    seconds = QUICK if quick else SECONDS
    watchers = watchers if watchers is not None else [20] if quick else list(WATCHERS)
    visitors = visitors if visitors is not None else 5 if quick else 30
    table = Table(title=f"Frames for a class, {os.cpu_count()} processors for server and clients together", box=SIMPLE)
    for column in ("clients", "frames/s, slowest", "wanted", "gap, 99 %", "kB/frame", "steps/s", "server", "opens in"):
        table.add_column(column, justify="left" if column == "clients" else "right")
    asyncio.run(_fill(table, watchers, visitors, seconds))
    console.print(table)


async def _fill(table: Table, watchers: Sequence[int], visitors: int, seconds: float) -> None:
    with served() as (base, key, process):
        async with teaching(base, key) as address:
            for n in watchers:
                table.add_row(*await _watched(address, n, seconds, process))
            table.add_row(*await _watched(address, watchers[0], seconds, process, stalled=True))
    if visitors:
        with served(visitors) as (base, _, process):
            await _prepared(base, visitors * len(VISITORS))
            for page in VISITORS:
                table.add_row(*await _visited(base, page, visitors, seconds, process))


@contextmanager
def served(visitors: int = 1, port: int = 0, log: IO[str] | None = None) -> Iterator[tuple[str, str, int]]:
    """Start a server for a class that expects some visitors; yield its address, the teacher's key and its process.

    Args:
        port: 0 for a free one.
        log: an open file for what the server reports; by default it goes to the terminal.
    """
    port = port or free_port()
    command = [sys.executable, "-c", "import sys; from labkit.cli import main; sys.exit(main())", "serve"]
    options = ["--no-browser", "--address", "0.0.0.0", "--visitors", str(visitors), "--port", str(port)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        key = _key(process)
        base = f"http://127.0.0.1:{port}"
        for page in VISITORS:  # until all pages are loaded
            fetch(f"{base}/{page}")
        yield base, key, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        found: int = probe.getsockname()[1]
        return found


def _key(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if "teacher's key:" in line:
            return line.split("teacher's key:")[1].split()[0]
    raise RuntimeError("labkit serve has ended before it was ready")


@asynccontextmanager
async def teaching(base: str, key: str) -> AsyncIterator[str]:
    """Open a class on a playing /svgd; yield the address of its websocket."""
    teacher = Visitor()
    await teacher.open(base, "svgd")
    await asyncio.sleep(BUILDS)
    opened = json.loads(await asyncio.to_thread(fetch, f"{base}/room", {"key": key, "session": teacher.session}))
    try:
        yield f"{base.replace('http', 'ws', 1)}/room/{opened['name']}/socket"
    finally:
        await teacher.close()


async def _prepared(base: str, sessions: int) -> None:
    """Wait until the server has prepared this many sessions."""
    until = time.monotonic() + PREPARES * sessions
    while time.monotonic() < until and metric(base, "labkit_prepared_sessions") < sessions:
        await asyncio.sleep(1)
    await asyncio.sleep(WRITES)


def metric(base: str, name: str) -> float:
    """Return a number of /metrics."""
    lines = fetch(f"{base}/metrics").decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


async def _watched(address: str, n: int, seconds: float, process: int, stalled: bool = False) -> list[str]:
    watchers = [Watcher() for _ in range(n)]
    began = time.perf_counter()
    await asyncio.gather(*(each.open(address) for each in watchers))
    opened = time.perf_counter() - began
    lame = await _stalled(address) if stalled else None
    await asyncio.sleep(SETTLES)
    rate, gap, share = await _counted(watchers, seconds, process)
    size = sum(each.bytes for each in watchers) / max(1, sum(len(each.times) for each in watchers))
    for each in watchers:
        each.close()
    if lame is not None:
        lame.close()
    await asyncio.sleep(0.5)
    name, wanted = f"{n} watchers" + " and one that stalls" * stalled, f"{WATCHERS[n]:g}" if n in WATCHERS else ""
    return [name, rate, wanted, gap, f"{size / 1000:.1f}", "", share, f"{opened:.2f} s"]


async def _counted(clients: Sequence[Arrivals], seconds: float, process: int) -> tuple[str, str, str]:
    """Return the frames per second of the slowest client, the gap that 1 % exceed, and the server's processor share."""
    used, since = cpu(process), time.perf_counter()
    await asyncio.sleep(seconds)
    until = time.perf_counter()
    share = (cpu(process) - used) / (until - since)
    gaps = np.concatenate([each.gaps(since, until) for each in clients])
    gap = f"{1000 * np.quantile(gaps, 0.99):.0f} ms" if len(gaps) else "none"
    return f"{min(each.rate(since, until) for each in clients):.1f}", gap, f"{share:.0%}"


async def _stalled(address: str) -> socket.socket:
    """Return the socket of a client that asks for frames and never reads them."""
    host, _, path = address.removeprefix("ws://").partition("/")
    name, _, port = host.partition(":")
    found = socket.create_connection((name, int(port)))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = [
        f"GET /{path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: bGFia2l0IGxhYmtpdCBsYQ==", "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    found.sendall("\r\n".join(head).encode())
    return found


async def _visited(base: str, page: str, n: int, seconds: float, process: int) -> list[str]:
    visitors = [Visitor() for _ in range(n)]
    await asyncio.gather(*(each.open(base, page) for each in visitors))
    await asyncio.sleep(BUILDS)
    began, before = time.perf_counter(), metric(base, STEPS)
    rate, gap, share = await _counted(visitors, seconds, process)
    steps = (metric(base, STEPS) - before) / (time.perf_counter() - began) / n
    for each in visitors:
        await each.close()
    opened = max(each.seconds for each in visitors)
    return [f"{n} sessions of /{page}", rate, f"{VISITORS[page]:g}", gap, "", f"{steps:.0f}", share, f"{opened:.2f} s"]


def cpu(process: int) -> float:
    """Return the processor seconds that a process has used; NaN where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
