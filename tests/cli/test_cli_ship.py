"""`labkit ship`: the shipped network loads, is measured again, and has a card."""

import re

import pytest

from labkit import cli, models
from labkit.cli import ship


@pytest.fixture
def run(tmp_path):
    """The folder of a run of a few steps."""
    folder = tmp_path / "run"
    options = ["--data", "digits", "--preset", "digits", "--steps", "5", "--seed", "3", "--devices", "cpu"]
    assert cli.main(["train", "draw", *options, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_run_becomes_a_file_and_a_card(run, tmp_path, capsys):
    options = ["--samples", "4", "--images", "30"]
    assert cli.main(["ship", str(run), "tiny", "--into", str(tmp_path), *options]) == 0
    file, card = tmp_path / "tiny.safetensors", (tmp_path / "tiny.md").read_text()
    assert models.load_checkpoint(file).config == models.load_checkpoint(run).config
    assert "--data digits --preset digits --steps 5 --seed 3" in card and "| steps, seed | 5, 3 |" in card
    assert file.stat().st_size < (run / "model.safetensors").stat().st_size  # rounded
    assert "4 importance samples for each of 30 test images, evenly spaced" in card and "--every 12" in card
    assert (tmp_path / "tiny.csv").read_text().startswith("step,epoch,bound\n5,1,")
    command = next(part for part in card.split("`") if part.startswith("labkit evaluate"))
    capsys.readouterr()
    assert cli.main(["evaluate", str(file), *command.split()[3:], "--device", "cpu"]) == 0
    told = dict(re.findall(r"(\S.*?)  +(\S+)", capsys.readouterr().out))
    log_p, gap = told["-log p(x), 4 importance samples"], told["gap of the ELBO to log p(x)"]
    assert f"-log p(x) is {log_p} ± " in card and f"and {gap} ± {told['standard error of the gap']} nats" in card


@pytest.mark.parametrize(
    ("taken", "planned", "words"),
    [(200, 600, "200 of 600 planned (the training is not finished)"), (600, 600, "600"), (600, None, "600")],
)
def test_the_card_says_that_a_training_is_not_finished(tmp_path, made_runs, taken, planned, words):
    config = made_runs.CONFIG | {"settings": {"steps": planned, "epochs": 0}}
    assert ship._steps(made_runs.trained(tmp_path / "run", config=config), taken) == words


def test_a_folder_without_a_run_prints_one_line(tmp_path, capsys):
    assert cli.main(["ship", str(tmp_path / "none"), "x"]) == 2
    assert "none" in capsys.readouterr().err
