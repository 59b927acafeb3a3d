"""`labkit reproduce`: the list, a table of the user's data that resumes after a stop, and wrong calls."""

import csv

import pytest

from labkit.cli import main
from labkit.cli.reproduce import toys
from labkit.reproduce import gmm as figure
from labkit.reproduce import uci
from labkit.views import save


@pytest.fixture
def mine(tmp_path):
    """A CSV file of 60 rows."""
    path = tmp_path / "mine.csv"
    rows = [f"{i % 7},{i % 5},{(i % 7) * 2 - i % 5}" for i in range(60)]
    path.write_text("\n".join(["a,b,y", *rows]) + "\n")
    return path


def test_every_figure_and_table_is_named(capsys):
    assert main(["reproduce", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("gmm", "gmm-mse", "mvn", "covertype", "uci"))


@pytest.mark.slow
def test_an_interrupted_table_resumes_at_the_next_split(mine, tmp_path, capsys, monkeypatch):
    ran, run = [], uci.run

    def counted(table, number, *rest):
        ran.append(number)
        return run(table, number, *rest)

    monkeypatch.setattr(uci, "run", counted)
    call = ["reproduce", "uci", "--csv", str(mine), "--target", "y", "--steps", "5", "--out", str(tmp_path / "out")]
    assert main([*call, "--splits", "2"]) == 0 and ran == [0, 1]
    assert main([*call, "--splits", "3"]) == 0 and ran == [0, 1, 2]
    told = capsys.readouterr().out
    assert "seeded permutations" in told and "mine" in told
    with (tmp_path / "out" / "uci-original.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows] == ["0", "1", "2"] and all(float(row["rmse"]) > 0 for row in rows)
    assert (tmp_path / "out" / "uci-original.png").stat().st_size > 1000
    assert main([*call, "--splits", "1", "--mode", "default"]) == 0 and ran == [0, 1, 2, 0]


@pytest.mark.slow
def test_parallel_splits_equal_sequential_ones(mine, tmp_path):
    call = ["reproduce", "uci", "--csv", str(mine), "--target", "y", "--steps", "5", "--splits", "2"]
    found = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        assert main([*call, "--jobs", jobs, "--out", str(out)]) == 0
        with (out / "uci-original.csv").open() as file:
            found.append([(row["split"], row["rmse"], row["log_likelihood"]) for row in csv.DictReader(file)])
    assert sorted(found[0]) == sorted(found[1])


@pytest.mark.slow
def test_the_normal_approximation_is_shown_next_to_the_exact_values(tmp_path, capsys):
    assert main(["reproduce", "mvn", "--out", str(tmp_path)]) == 0
    assert "5.3838" in capsys.readouterr().out and (tmp_path / "mvn.csv").exists()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["uic"], "no figure or table is called 'uic'; did you mean uci"),
        (["uci", "--sets", "bosto"], "no set is called 'bosto'; did you mean boston"),
        (["uci", "--mode", "orig"], "no mode is called 'orig'"),
        (["gmm", "boston"], "--sets boston: only labkit reproduce uci has sets, not gmm"),
        (["uci", "--csv", "none.csv"], "--csv needs --target"),
        (["uci", "--csv", "none.csv", "--target", "y"], "none.csv does not exist; give the path of a CSV file"),
    ],
)
def test_a_wrong_call_prints_one_line(call, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *call]) == 2
    said = capsys.readouterr().err.strip()
    assert words in said and "\n" not in said


@pytest.mark.slow
def test_the_animation_of_gmm_counts_the_steps_of_the_run(monkeypatch, tmp_path):
    """Its states are only some of the run's states, so a step differs from its place among the frames."""
    made = []
    monkeypatch.setattr(save, "gif", lambda views, past, path: (made.append(past), path.touch()))
    toys.gmm(0, tmp_path)
    (past,) = made
    assert past.marks == [state.t for state in past.states] and past.marks[-1] == 500 > len(past.marks)
    assert {step: state.t for step, state in past.pinned.items()} == {t: t for t in figure.SNAPSHOTS}
