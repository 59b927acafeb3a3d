"""`labkit ship`: the shipped network loads, is measured again, and has a card."""

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
def test_a_run_becomes_a_file_and_a_card(run, tmp_path):
    assert cli.main(["ship", str(run), "tiny", "--into", str(tmp_path)]) == 0
    file, card = tmp_path / "tiny.safetensors", (tmp_path / "tiny.md").read_text()
    assert models.load_checkpoint(file).config == models.load_checkpoint(run).config
    assert "--data digits --preset digits --steps 5 --seed 3" in card and "| steps, seed | 5, 3 |" in card
    assert file.stat().st_size < (run / "model.safetensors").stat().st_size  # rounded


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
