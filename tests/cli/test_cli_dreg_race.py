"""`labkit dreg race`: its table and files agree, Ctrl-C shows the rows so far, and wrong calls print one line."""

import csv
import re
from contextlib import contextmanager

import pytest
from PIL import Image

from labkit.cli import interrupts, main

QUICK = ["dreg", "race", "-K", "2", "--batch", "4", "--steps", "3"]


def row(said, lane):
    """bound, both variances, SNR and milliseconds of a lane in the table."""
    return [float(v) for v in re.search(rf"^ *{re.escape(lane)}  +(\S.*\S) *$", said, re.M)[1].split()]


@pytest.mark.slow
def test_a_table_a_csv_and_a_picture(tmp_path, capsys):
    folder = tmp_path / "new"
    assert main([*QUICK, "--estimators", "iwae,dreg-alpha=.5@3", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    with (folder / "race.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["lane"], r["step"]) for r in rows[3:5]] == [("iwae", "3"), ("dreg-alpha 0.5, K = 3", "0")]
    for lane, last in (("iwae", rows[3]), ("dreg-alpha 0.5, K = 3", rows[7])):
        names = ("held_out_bound", "monte_carlo_variance", "minibatch_variance", "snr")
        bound, noise, images, snr, pace = row(said, lane)
        known = [float(last[name]) for name in names]
        assert [bound, noise, images, snr] == pytest.approx(known, rel=5e-3)
        assert pace == pytest.approx(1000 * float(last["seconds"]) / 3, abs=0.06)
    assert "digits, 3 steps;" in said and "on 100 held-out images" in said
    with Image.open(folder / "race.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {(230, 159, 0), (148, 103, 189)} <= colours  # for iwae and dreg-alpha


@pytest.mark.slow
def test_the_seed_determines_the_numbers(capsys):
    said = []
    for seed in ("7", "7", "8"):
        assert main([*QUICK, "--estimators", "dreg", "--seed", seed]) == 0
        said.append(row(capsys.readouterr().out, "dreg")[:4])
    assert said[0] == said[1] != said[2]


def test_ctrl_c_shows_the_rows_so_far(monkeypatch, capsys):
    class Pressed:
        """Pressed after two steps."""

        looks = 0

        def __bool__(self):
            self.looks += 1
            return self.looks > 2

    @contextmanager
    def first():
        yield Pressed()

    monkeypatch.setattr(interrupts, "first", first)
    assert main([*QUICK, "--estimators", "dreg", "--steps", "99"]) == 0
    said = capsys.readouterr().out
    assert "digits, 2 steps of 99 (stopped early);" in said and len(row(said, "dreg")) == 5


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--estimators", "dregg@3"], "no estimator is called 'dregg'; did you mean dreg?"),
        (["--estimators", "dreg@x"], "must read like dreg, dreg@16"),
        (["--estimators", "dreg=.5"], "dreg takes no parameters; got alpha"),
        (["--estimators", "jk", "-K", "1"], "jk needs at least K = 2"),
        (["--data", "digit"], "digit"),
        (["--lr", "1e30", "--estimators", "dreg"], "dreg is not finite at step"),
        (["--lr", "-1"], "--lr"),
    ],
)
def test_wrong_calls_print_one_line(words, wanted, capsys):
    assert main([*QUICK, *words]) == 2
    said = capsys.readouterr()
    assert wanted in said.err and said.err.count("\n") == 1 and said.out == ""
