"""`labkit dreg`: tables and files agree, a sequential test ends automatically, and wrong calls print one line."""

import csv
import re

import pytest
from PIL import Image

from labkit.cli import main
from labkit.dreg import exact, gaussian

pytestmark = pytest.mark.slow  # whole scenes and commands

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
    assert {(0, 158, 115), (204, 121, 167)} <= {colour for _, colour in colours}  # for dreg and stl


def test_an_animation_shows_every_batch(tmp_path, capsys):
    """40 replicates come in 20 batches of two."""
    assert main(["dreg", "variance", "--estimators", "dreg", "--out", str(tmp_path), "--gif", *QUICK]) == 0
    assert "variance.gif" in capsys.readouterr().out
    with Image.open(tmp_path / "variance.gif") as film:
        assert film.n_frames == 20


def test_a_web_page_is_written_into_the_folder(tmp_path, capsys):
    assert main(["dreg", "variance", "--estimators", "dreg", "--out", str(tmp_path), "--html", *QUICK]) == 0
    assert "variance.html" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["variance.csv", "variance.html", "variance.png"]


def test_the_seed_determines_the_numbers(capsys):
    said = []
    for seed in ("7", "7", "12345678901"):
        assert main(["dreg", "variance", "--estimators", "dreg", "--seed", seed, *QUICK, "--samples", "64"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_sequential_tests_end_automatically_in_a_table_a_csv_and_a_picture(tmp_path, capsys):
    """stl has the bias that quadrature gives; iwae uses its budget of 640 replicates before the test decides."""
    few = ["--dimensions", "2", "--samples", "16", "--replicates", "640", "--level", "0.01"]
    assert main(["dreg", "bias", "--estimators", "stl,iwae", "--out", str(tmp_path), *few]) == 0
    said = capsys.readouterr().out
    with (tmp_path / "bias.csv").open() as file:
        stl, iwae = csv.DictReader(file)
    assert (stl["verdict"], iwae["verdict"], iwae["replicates"]) == ("biased", "undecided", "640")
    truth = exact.answers(gaussian.instance(2), (16,), ("stl", "dreg")).mean.diff(dim=0).abs().item()
    assert float(stl["bias_exact"]) == pytest.approx(truth) and iwae["bias_exact"] == "0.0"
    assert float(stl["bias_low"]) <= truth <= float(stl["bias_high"]) and float(stl["p"]) <= 0.01 < float(iwae["p"])
    assert re.search(rf"^ *stl +biased +{stl['replicates']} .* {truth:.2g} ", said, re.M)
    assert "iwae: the budget of 640 replicates is spent" in said
    with Image.open(tmp_path / "bias.png") as picture:
        assert picture.size == (1280, 540)
        assert (204, 121, 167) in {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}  # for stl


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["biased"], "did you mean bias?"),
        (["bias", "--level", "1"], "--level must be between 0 and 1, got 1"),
        (["bias", "--estimators", "jk", "--samples", "1"], "jk needs K >= 2 samples, got K = 1"),
        (["variance", "--estimators", "dregg"], "did you mean dreg?"),
        (["variance", "--estimators", ","], "needs at least one of iwae"),
        (["variance", "--replicates", "3"], "40"),
        (["variance", "--out", "taken"], "taken"),
        (["variance", "--gif"], "--gif needs a folder; add --out FOLDER"),
        (["variance", "--html"], "--html needs a folder; add --out FOLDER"),
    ],
)
def test_wrong_calls_print_one_line(words, wanted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    assert main(["dreg", *words]) == 2
    said = capsys.readouterr()
    assert wanted in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["race", "--dimensions", "3"], "--dimensions: only labkit dreg variance or bias has this option"),
        (["variance", "--level", ".1"], "--level: only labkit dreg bias has this option"),
        (["bias", "--gif", "--out", "folder"], "--gif: only labkit dreg variance has this option"),
        (["race", "--html", "--out", "folder"], "--html: only labkit dreg variance has this option"),
        (["bias", "--steps", "9"], "--steps: only labkit dreg race has this option"),
    ],
)
def test_an_option_of_another_measurement_is_refused(call, words, capsys):
    assert main(["dreg", *call]) == 2
    assert words in capsys.readouterr().err
