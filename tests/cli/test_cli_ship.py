"""`labkit ship`: the shipped network loads, is measured again, and has a card."""

import pytest

from labkit import cli, models


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


def test_a_folder_without_a_run_prints_one_line(tmp_path, capsys):
    assert cli.main(["ship", str(tmp_path / "none"), "x"]) == 2
    assert "none" in capsys.readouterr().err
