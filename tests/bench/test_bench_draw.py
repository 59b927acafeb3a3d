"""The benchmark of DRAW on a small network: every way computes the same, and the tables show all rows."""

import io

import torch
from rich.console import Console

from labkit.bench import draw as bench
from labkit.draw import DRAW, Config

CASE = bench.Case(Config(height=8, width=8, steps=2, hidden=8, latent=2, read=2, write=2), 2)


def test_plain_and_fast_operations_give_the_same_bound():
    torch.manual_seed(0)
    model, x = DRAW(CASE.config).double(), torch.rand(3, 1, 8, 8, dtype=torch.float64)
    wanted = model.losses(x, generator=torch.Generator().manual_seed(1)).bound
    for operations in bench.PLAIN.values():
        model.operations = operations
        found = model.losses(x, generator=torch.Generator().manual_seed(1)).bound
        assert (found - wanted).abs().max() < 1e-11


def test_the_table_of_plain_operations_has_a_row_for_each_set_and_precision():
    rows = bench.measure_paths(CASE)
    assert {(row.plain, row.dtype) for row in rows} == {(name, dtype) for name in bench.PLAIN for dtype in bench.BOUNDS}
    assert all(row.ms > 0 and row.ratio > 0 for row in rows)
    file = io.StringIO()
    Console(file=file, width=120).print(bench.paths_table(rows))
    assert all(file.getvalue().count(name) >= 2 for name in bench.PLAIN)
