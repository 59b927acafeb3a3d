"""The benchmark compares programs with equal results and shows every row. Speed is not tested here."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from labkit import svgd
from labkit.bench import svgd as bench
from labkit.cli import main


@pytest.mark.parametrize("d", [1, 3])
def test_labkit_has_the_arithmetic_of_the_original(d):
    """From -10 no particle converges within 50 steps. After convergence, rounding would decide Adagrad's next step."""
    x = -10 + np.random.default_rng(0).normal(size=(30, d))
    got = svgd.SVGD().update(x, np.negative, n_iter=50, stepsize=bench.STEP_SIZE)
    assert np.abs(bench.original(x, np.negative, 50) - got).max() < 1e-10


def test_both_scores_of_the_mixture_equal_the_score_of_the_target():
    from labkit import targets

    x = torch.linspace(-12, 12, 50, dtype=torch.float64)[:, None]
    wanted = targets.make("mixture").score(x)
    assert (bench.mixture_score(x) - wanted).abs().max() < 1e-12
    assert np.abs(bench.mixture_score(x.numpy(), bench._sigmoid) - wanted.numpy()).max() < 1e-12


@pytest.mark.slow
def test_every_case_has_a_row_in_the_table(monkeypatch):
    """In --quick mode, with only a few particles."""
    wanted = [(n, d, runs) for n, d, runs in ((1000, 1, 1), (5000, 1, 1), (1000, 50, 1), (100, 1, 1), (100, 1, 50))]
    assert [(case.n, case.d, case.runs) for case in bench.CASES] == wanted
    bounds = [[way.bound for way in case.ways] for case in bench.CASES]
    assert bounds == [[9, 10.5, 18], [12, 13.5, 25], [2.3, 3.8], [0.45, 0.45], [1.2, 1.2]]
    tiny = tuple(replace(case, n=case.n // 50, runs=min(case.runs, 3), steps=1) for case in bench.CASES)
    monkeypatch.setattr(bench, "CASES", tiny)
    out = io.StringIO()
    rows = bench.run(quick=True, fused=False, console=Console(file=out, width=80))
    shown = [line.split() for line in out.getvalue().splitlines()]
    for case in tiny:
        for dtype in ("f32", "f64"):
            row = [str(case.n), str(case.d), str(case.runs), dtype]
            assert [line[:4] for line in shown].count(row) == 2  # one in each table
    marks = sum(line.count("ok") + line.count("short") for line in shown)
    assert len(rows) == 10 and marks == 20 and "…" not in out.getvalue()
    assert "GFLOP/s" in out.getvalue() and "fused" not in out.getvalue()


@pytest.mark.slow
def test_without_a_compiler_a_message_replaces_the_compiled_rows(monkeypatch):
    monkeypatch.setattr(bench, "CASES", (replace(bench.CASES[0], n=10, steps=1),))
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    out = io.StringIO()
    rows = bench.run(quick=True, fused=True, console=Console(file=out, width=80))
    assert len(rows) == 2 and "no C++ compiler on PATH. Install g++" in out.getvalue()


def test_the_number_of_threads_is_restored(monkeypatch):
    before = torch.get_num_threads()
    with bench.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    assert torch.tensor(1e-310, dtype=torch.float64) * 1 != 0


def test_the_benchmark_of_an_unknown_method_prints_a_one_line_error(capsys):
    assert main(["bench", "svgdd"]) == 2
    assert "did you mean svgd?" in capsys.readouterr().err
