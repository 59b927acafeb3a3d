"""The README's first training, as it stands there: its latents speak, and its samples are digits of many kinds."""

from pathlib import Path

import pytest
import torch

import labkit
from labkit import data
from labkit.cli import keepsakes, main

COMMAND = "labkit train draw --data digits --preset digits"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_the_readmes_first_training_does_not_collapse(seed, tmp_path, monkeypatch, rows):
    """Over 5 nats reach the latents, without a warning. Of 100 samples no two are alike, and they vary as digits do.

    Half a minute of one core on a quiet machine: it is the whole training.
    """
    assert f"    {COMMAND} " in (Path(__file__).parents[2] / "README.md").read_text()
    monkeypatch.setattr(keepsakes, "write", lambda folder: None)
    out = ["--devices", "cpu", "--seed", str(seed), "--out", str(tmp_path / "a")]
    assert main([*COMMAND.split()[1:], *out]) == 0
    last = rows(tmp_path / "a" / "epochs.csv")[-1]
    assert float(last["lz"]) > 5 and float(last["bound"]) < 24.5  # collapsed it is 0 and 27.3
    model = labkit.load_checkpoint(tmp_path / "a")
    samples = model.generate(100, generator=torch.Generator().manual_seed(0)).images[-1].detach().flatten(1)
    apart = torch.cdist(samples, samples) + 99 * torch.eye(100)
    assert apart.min() > 0.1
    spread = data.load("digits", "test")[0].flatten(1).div(255).std(0).square().sum()
    assert samples.std(0).square().sum() > 0.5 * spread  # grey bars have 0; means of pixels vary less than pixels
