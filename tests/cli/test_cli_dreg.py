"""`labkit dreg variance`: its table and its files say the same, mistakes are one line."""

import csv
import re

import pytest
from PIL import Image

from labkit.cli import main

QUICK = ["--dimensions", "2", "--samples", "100", "--replicates", "40"]


def test_a_table_a_csv_and_a_picture(tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    assert main(["dreg", "variance", "--estimators", "stl,dreg", "--out", str(folder), *QUICK]) == 0
    said = capsys.readouterr().out
    with (folder / "variance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["K"]) for row in rows[:8]] == [1, 2, 4, 8, 16, 32, 64, 100] and len(rows) == 16
    last = re.search(r"^ *100 +(\S+) ± +\d+% +(\S+) ±", said, re.M)
    assert [float(v) for v in last.groups()] == pytest.approx([float(rows[i]["variance"]) for i in (7, 15)], rel=1e-2)
    assert "40 replicates" in said and re.search(r"^ *slope +-\d\.\d\d +-\d\.\d\d", said, re.M)
    with Image.open(folder / "variance.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert {(0, 158, 115), (204, 121, 167)} <= {colour for _, colour in colours}  # of dreg and stl


def test_the_seed_gives_the_numbers(capsys):
    said = []
    for seed in ("7", "7", "12345678901"):
        assert main(["dreg", "variance", "--estimators", "dreg", "--seed", seed, *QUICK, "--samples", "64"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["bias"], "no measurement is called 'bias'"),
        (["variance", "--estimators", "dregg"], "did you mean dreg?"),
        (["variance", "--estimators", ","], "wants at least one of iwae"),
        (["variance", "--replicates", "3"], "40"),
        (["variance", "--out", "taken"], "taken"),
    ],
)
def test_mistakes_are_one_line(words, wanted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    assert main(["dreg", *words]) == 2
    said = capsys.readouterr()
    assert wanted in said.err and said.err.count("\n") == 1 and said.out == ""
