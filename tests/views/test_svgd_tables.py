"""The table of the particles contains the values of the state."""

import csv
import io

import torch

from labkit import baselines, svgd, targets
from labkit.experiments.svgd import Pair
from labkit.views.svgd.tables import save_csv


def read(file):
    return list(csv.reader(file.getvalue().decode().splitlines()))


def test_particles_equal_those_in_the_state_to_the_last_bit(tmp_path):
    target = targets.make("banana")
    generator = torch.Generator().manual_seed(0)
    state = svgd.start(torch.randn(7, 2, generator=generator, dtype=torch.float64), target)
    save_csv(state, tmp_path / "x.csv")
    header, *rows = list(csv.reader((tmp_path / "x.csv").read_text().splitlines()))
    assert header == ["particle", "x1", "x2", "score1", "score2", "phi1", "phi2"]
    assert [int(row[0]) for row in rows] == list(range(7))
    found = torch.tensor([[float(v) for v in row[1:]] for row in rows], dtype=torch.float64)
    assert torch.equal(found, torch.cat([state.x, state.score, state.phi], 1))
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_pair_names_its_sides_and_leaves_out_missing_values():
    state = svgd.start(torch.tensor([[0.0], [1.0]], dtype=torch.float64), targets.make("mixture"))
    other = baselines.State(torch.tensor([[2.0], [3.0], [4.0]], dtype=torch.float64))
    file = io.BytesIO()
    save_csv(Pair(state, other), file)
    header, *rows = read(file)
    assert header == ["run", "particle", "x1", "score1", "phi1"]
    assert [row[:3] for row in rows] == [
        ["left", "0", "0.0"], ["left", "1", "1.0"], ["right", "0", "2.0"], ["right", "1", "3.0"], ["right", "2", "4.0"],
    ]  # fmt: skip
    assert all(row[3:] == ["", ""] for row in rows[2:]) and all(float(row[4]) for row in rows[:2])


def test_a_state_of_several_runs_counts_them():
    state = svgd.start(torch.arange(6, dtype=torch.float64).reshape(2, 3, 1), targets.make("mixture"))
    file = io.BytesIO()
    save_csv(state, file)
    header, *rows = read(file)
    assert header[:3] == ["run", "particle", "x1"]
    assert [row[:3] for row in rows] == [[str(r), str(i), str(float(3 * r + i))] for r in range(2) for i in range(3)]
