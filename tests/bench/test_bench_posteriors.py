"""The benchmark of posteriors compares programs with equal results. Speed is not tested here."""

import io

import pytest
import torch
from rich.console import Console

from labkit.bench import posteriors as bench

CASES = {
    "network": bench.network(300, 3, 4, 5),
    "logistic": bench.logistic(400, 3, 5, torch.float64),
    "one split": bench.logistic(400, 3, 5, torch.float64, splits=1),
    "lean": bench.logistic(400, 3, 5, torch.float64, lean=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_programs_give_the_same_particles(case):
    """Six steps use all rows more than once. After more steps rounding errors would grow."""
    assert (case.ours(6) - case.theirs(6)).abs().max() < 1e-9
    assert (case.ours(6) - case.ours(5)).abs().max() > 1e-4  # the particles have moved


def test_the_table_compares_both_bounds_with_the_measurements():
    rows = [bench.measure(case, 2) for case in (bench.network(120, 2, 3, 3), bench.logistic(130, 2, 3, torch.float64))]
    assert all(row.ours > 0 and row.theirs > 0 for row in rows)
    file = io.StringIO()
    made_up = [bench.Row(rows[0].case, 1.0, 6.0, 6.0), bench.Row(rows[1].case, 1.0, 1.2, 1.2)]
    Console(file=file, width=160).print(bench.table(made_up))
    assert "6/5 ok" in file.getvalue() and "1.2/1.5 short" in file.getvalue()
