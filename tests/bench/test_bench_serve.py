"""`labkit bench serve` with two watchers: the protocols of pages, classes and frames, from start to end."""

import asyncio
import io
import os
import re
import sys
import threading

import pytest
from rich.console import Console

from labkit.bench import serve, serve_checks
from labkit.bench.serve_clients import Arrivals


def test_frames_per_second_and_gaps_follow_from_the_arrivals():
    arrivals = Arrivals()
    arrivals.times = [0.5, 1.0, 1.1, 1.3, 2.5]
    assert arrivals.rate(1.0, 2.0) == 3
    assert arrivals.gaps(1.0, 2.0) == pytest.approx([0.1, 0.2])


def test_a_small_class_gets_frames(monkeypatch):
    monkeypatch.setattr(serve, "BUILDS", 3.0)  # on a busy machine the first picture takes seconds
    monkeypatch.setattr(serve, "SETTLES", 0.2)
    monkeypatch.setattr(serve, "QUICK", 4.0)
    console = Console(file=io.StringIO(), width=140)
    serve.run(True, console, watchers=[2], visitors=0, parts=["speed"])
    text = console.file.getvalue()
    rows = re.findall(r"2 watchers(?: and one that stalls)? +([\d.]+)", text)
    assert len(rows) == 2 and max(map(float, rows)) > 0, text


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_watchers_return_to_their_class_after_a_killed_server_starts_again(monkeypatch):
    """Slow: it starts two servers. The name of the class is kept in a file."""
    monkeypatch.setattr(serve, "BUILDS", 3.0)
    text = asyncio.run(serve_checks.restart(3))
    assert re.fullmatch(
        r"3 watchers after kill -9 and a new start: all back [\d.]+ s after the server responds .*", text
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_opens_a_file_and_a_thread_holds_one_more(tmp_path):
    before = serve_checks.Held.by(os.getpid())
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    with open(tmp_path / "file", "w"):
        thread.start()
        during = serve_checks.Held.by(os.getpid())
        stop.set()
        thread.join()
    assert (during.threads, during.files) == (before.threads + 1, before.files + 1) and before.memory > 10


def test_a_line_above_INFO_is_found_and_one_below_is_not():
    loud = "2026-11-30 02:00:00,000 WARNING bokeh: refused", "Traceback (most recent call last):", "ERROR: x"
    assert all(map(serve_checks.LOUD.search, loud))
    assert not any(map(serve_checks.LOUD.search, ("2026-11-30 INFO labkit: session ended", "labkit serves")))
