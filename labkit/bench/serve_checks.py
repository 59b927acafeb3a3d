"""Checks of a whole server for `labkit bench serve`: what visitors leave behind, what it logs, and a restart.

`labkit bench serve --part leaks` opens and closes 300 sessions and 300 watchers, and compares threads, open files and
memory with those after the first group of 30. Each group ends before the next. `--part log` counts what the server
reports in ten minutes with 60 watchers and 10 sessions. `--part restart` kills a server with 30 watchers and starts it
again.
"""

import asyncio
import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from labkit.bench import serve
from labkit.bench.serve_clients import Faithful, Visitor, Watcher, fetch

GROUP = 30  # sessions, and watchers, that are open together
ENDS = 150.0  # seconds in which all closed sessions end
TRIMS = 9.0  # seconds after which unused memory has been returned: see `labkit.serving.memory`
BACK = 5.0  # seconds in which all watchers should be back after a restart
LOUD = re.compile(r"WARNING|ERROR|CRITICAL|Traceback")


def run(quick: bool, console: Console, parts: Sequence[str]) -> None:
    """Print one line for each of these checks.

    Args:
        quick: fewer clients, less time.
    """
    if "leaks" in parts:
        console.print(asyncio.run(leaks(groups=2 if quick else 10, size=3 if quick else GROUP, tell=console.print)))
    if "log" in parts:
        console.print(
            asyncio.run(log(10.0 if quick else 600.0, watchers=6 if quick else 60, sessions=1 if quick else 10))
        )
    if "restart" in parts:
        console.print(asyncio.run(restart(5 if quick else 30)))


class Held(NamedTuple):
    """What a process holds: threads, open files, and resident memory in MB."""

    threads: int
    files: int
    memory: float

    @classmethod
    def by(cls, process: int) -> "Held":
        """Return what a process of Linux holds."""
        folder = Path(f"/proc/{process}")
        pages = int((folder / "statm").read_text().split()[1])
        return cls(
            len(list((folder / "task").iterdir())),
            len(list((folder / "fd").iterdir())),
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        )


async def leaks(groups: int, size: int, tell: Callable[[str], None] = lambda text: None) -> str:
    """Open and close sessions and watchers in groups; return what the server holds after the first and the last.

    Args:
        tell: gets a line after each group. A group takes about two minutes.
    """
    held = []
    with serve.served() as (base, key, process):
        async with serve.teaching(base, key) as address:
            for i in range(groups):
                await _group(base, address, size)
                held.append(await _settled(process))
                tell(f"group {i + 1} of {groups} has ended: {held[-1].memory:.0f} MB")
    first, last = held[0], held[-1]
    return (
        f"{groups * size} sessions of /svgd and {groups * size} watchers opened and closed, in groups of {size}: "
        f"threads {first.threads} and {last.threads}, files {first.files} and {last.files}, "
        f"memory {first.memory:.0f} and {last.memory:.0f} MB ({last.memory / first.memory - 1:+.0%}), "
        "after the first and the last group"
    )


async def _group(base: str, address: str, size: int) -> None:
    """Open and close sessions and watchers, and wait until all sessions but the teacher's have ended."""
    visitors, watchers = [Visitor() for _ in range(size)], [Watcher() for _ in range(size)]
    await asyncio.gather(*(each.open(base, "svgd") for each in visitors), *(each.open(address) for each in watchers))
    await asyncio.sleep(serve.SETTLES)
    for watcher in watchers:
        watcher.close()
    for visitor in visitors:
        await visitor.close()
    until = time.monotonic() + ENDS
    while time.monotonic() < until and serve.metric(base, "labkit_sessions") > 1:
        await asyncio.sleep(1)


async def _settled(process: int) -> Held:
    """Return what the server holds when it has returned the memory that it does not need."""
    await asyncio.sleep(TRIMS)
    return Held.by(process)


async def log(seconds: float, watchers: int, sessions: int) -> str:
    """Let watchers and visitors stay for a while; return how many lines above INFO the server has written."""
    with tempfile.TemporaryFile("w+") as file:
        with serve.served(log=file) as (base, key, _):
            async with serve.teaching(base, key) as address:
                following = [Watcher() for _ in range(watchers)]
                visitors = [Visitor() for _ in range(sessions)]
                await asyncio.gather(*(each.open(address) for each in following))
                for visitor in visitors:
                    await visitor.open(base, "svgd")
                await asyncio.sleep(seconds)
                for watcher in following:
                    watcher.close()
                for visitor in visitors:
                    await visitor.close()
        file.seek(0)
        loud = [line for line in file if LOUD.search(line)]
    text = f"{seconds:.0f} seconds with {watchers} watchers and {sessions} sessions: {len(loud)} lines above INFO"
    return "\n".join([text, *loud[:5]])


async def restart(n: int) -> str:
    """Kill a server with watchers and start it again at once; return when all watchers are back."""
    port = serve.free_port()
    followers = [Faithful() for _ in range(n)]
    with serve.served(port=port) as (base, key, process):
        teacher = Visitor()
        await teacher.open(base, "svgd")
        await asyncio.sleep(serve.BUILDS)
        opened = json.loads(await asyncio.to_thread(fetch, f"{base}/room", {"key": key, "session": teacher.session}))
        address = f"{base.replace('http', 'ws', 1)}/room/{opened['name']}/socket"
        for each in followers:
            await each.open(address)
        await _back(followers, 0.0)
        os.kill(process, signal.SIGKILL)
        killed = time.perf_counter()
        await teacher.close()
    with ExitStack() as again:
        starts = asyncio.create_task(asyncio.to_thread(again.enter_context, serve.served(port=port)))
        responds = await _responds(base)
        back = await _back(followers, killed)
        for each in followers:
            each.close()
        await starts
    late = f"all back {max(0.0, back - responds):.1f} s" if back else "not all are back"
    return f"{n} watchers after kill -9 and a new start: {late} after the server responds ({BACK:g} s wanted)"


async def _responds(base: str) -> float:
    """Return when a server that starts responds for the first time."""
    until = time.monotonic() + ENDS
    while time.monotonic() < until:
        with suppress(OSError):
            await asyncio.to_thread(fetch, f"{base}/liveness")
            return time.perf_counter()
        await asyncio.sleep(0.02)
    raise RuntimeError("labkit serve does not start again")


async def _back(followers: Sequence[Faithful], since: float) -> float:
    """Return when the last follower got the state of the room after a time; 0 if one of them does not."""
    until = time.monotonic() + 12 * BACK
    while time.monotonic() < until:
        if all(each.back > since for each in followers):
            return max(each.back for each in followers)
        await asyncio.sleep(0.05)
    return 0.0
