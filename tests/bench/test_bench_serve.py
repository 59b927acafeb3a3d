"""`labkit bench serve` with two watchers: the protocols of pages, classes and frames, from start to end."""

import io
import re

import pytest
from rich.console import Console

from labkit.bench import serve
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
    serve.run(True, console, watchers=[2], visitors=0)
    text = console.file.getvalue()
    rows = re.findall(r"2 watchers(?: and one that stalls)? +([\d.]+)", text)
    assert len(rows) == 2 and max(map(float, rows)) > 0, text
