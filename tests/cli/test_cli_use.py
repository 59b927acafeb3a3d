"""`labkit --use FILE` runs a user's own file, and every command knows what it registers."""

import csv

import pytest

from labkit import svgd, targets
from labkit.cli import main
from labkit.dreg import ESTIMATORS

FILE = """
from labkit import dreg, svgd, targets

class Cauchy(svgd.Radial):
    def f(self, u):
        return 1 / (1 + u)

svgd.register_kernel("cauchy", Cauchy())
svgd.register_bandwidth("spread", lambda x: x.std((-2, -1)))
svgd.register_optimizer("slow", lambda step_size: svgd.Plain(step_size / 10))
targets.register("quartic", targets.from_log_prob(lambda x: -(x**4).sum(-1), dim=2))
dreg.register("half", lambda s: (0.5 * s.w + 0.5 * s.w2, 0))
"""
MINE = (
    (svgd.KERNELS, "cauchy"),
    (svgd.RULES, "spread"),
    (svgd.OPTIMIZERS, "slow"),
    (targets.TARGETS, "quartic"),
    (targets.PARAMETERS, "quartic"),
    (ESTIMATORS, "half"),
)


@pytest.fixture
def mine(tmp_path):
    """A file with one entry for each registry, which lose them afterwards."""
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    yield str(path)
    for registry, name in MINE:
        registry.pop(name, None)


def test_a_run_of_the_command_line_uses_what_the_file_registers(mine, tmp_path, capsys):
    line = "svgd --target quartic --kernel cauchy --bandwidth spread --optimizer slow --particles 6 --steps 2"
    assert main(["--use", mine, *line.split(), "--csv", str(tmp_path / "x.csv")]) == 0
    assert "quartic: 6 particles, 2 steps" in capsys.readouterr().out
    assert all(name in registry for registry, name in MINE)
    rows = list(csv.DictReader((tmp_path / "x.csv").open()))
    assert len(rows) == 6 and "x2" in rows[0]


def test_the_help_of_a_command_names_what_the_file_registers(mine, capsys):
    assert main(["--use", mine, "svgd", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(word in said for word in ("cauchy", "spread", "slow", "quartic"))


@pytest.mark.slow
def test_an_estimator_of_the_file_is_measured(mine, tmp_path):
    options = ["--estimators", "half,dreg", "--replicates", "40", "--samples", "4", "--dimensions", "2"]
    assert main(["--use", mine, "dreg", "variance", *options, "--out", str(tmp_path)]) == 0
    assert "half" in (tmp_path / "variance.csv").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file; give a file of Python"),
        ("import torch\n\nsvgd = 1 / 0\n", "mine.py, line 3: ZeroDivisionError: division by zero"),
        ("x = (\n", "line 1: SyntaxError: "),
        (
            "from labkit import svgd\nsvgd.register_kernel('rbf', svgd.RBF())",
            "line 2: ValueError: the kernel 'rbf' belongs",
        ),
    ],
)
def test_a_file_that_is_missing_or_fails_ends_the_command_with_one_line(text, message, tmp_path, capsys):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    assert main(["--use", str(path), "svgd"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "Traceback" not in said
