"""`labkit bench serve` with two watchers: the protocols of pages, classes and frames, from start to end."""

import io
import re
import subprocess
import sys
from contextlib import nullcontext

import pytest
from rich.console import Console

from labkit.bench import serve, serve_checks
from labkit.bench.serve_clients import Arrivals


def test_frames_per_second_and_gaps_follow_from_the_arrivals():
    arrivals = Arrivals()
    arrivals.times = [0.5, 1.0, 1.1, 1.3, 2.5]
    assert arrivals.rate(1.0, 2.0) == 3
    assert arrivals.gaps(1.0, 2.0) == pytest.approx([0.1, 0.2])


def test_a_small_class_gets_frames_and_a_visitor_steps(monkeypatch):
    """One server is enough for both tables."""
    monkeypatch.setattr(serve, "BUILDS", 3.0)  # on a busy machine the first picture takes seconds
    monkeypatch.setattr(serve, "SETTLES", 0.2)
    monkeypatch.setattr(serve, "QUICK", 4.0)
    monkeypatch.setattr(serve, "PREPARES", 0.0)
    monkeypatch.setattr(serve, "WRITES", 0.0)
    monkeypatch.setattr(serve, "VISITORS", {"svgd": 10.0})
    console = Console(file=io.StringIO(), width=140)
    with serve.served() as server:
        monkeypatch.setattr(serve, "served", lambda visitors=1: nullcontext(server))
        serve.run(True, console, watchers=[2], visitors=1, parts=["speed"])
    text = console.file.getvalue()
    rows = re.findall(r"2 watchers(?: and one that stalls)? +([\d.]+)", text)
    assert len(rows) == 2 and max(map(float, rows)) > 0, text
    (visitor,) = re.findall(r"1 sessions of /svgd +([\d.]+) +10 +\w+ ms +(\d+)", text)
    assert all(float(number) > 0 for number in visitor), text


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_opens_a_file_and_a_thread_holds_one_more():
    opens = "input(); file = open('/dev/null'); threading.Thread(target=threading.Event().wait, daemon=True).start()"
    program = f"import threading; print('begun', flush=True); {opens}; print('opened', flush=True); input()"
    command = [sys.executable, "-IS", "-c", program]  # in this process other threads begin and end
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        before = serve_checks.Held.by(process.pid)
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "opened\n"
        during = serve_checks.Held.by(process.pid)
        process.kill()
    assert (during.threads, during.files) == (before.threads + 1, before.files + 1) and before.memory > 1


def test_a_line_above_INFO_is_found_and_one_below_is_not():
    loud = "2026-11-30 02:00:00,000 WARNING bokeh: refused", "Traceback (most recent call last):", "ERROR: x"
    assert all(map(serve_checks.LOUD.search, loud))
    assert not any(map(serve_checks.LOUD.search, ("2026-11-30 INFO labkit: session ended", "labkit serves")))
