"""The first training of README and guide: its latents carry nats, and its samples are many kinds of digits."""

import subprocess
from pathlib import Path

import pytest
import torch

import labkit
from labkit import data

COMMAND = "labkit train draw --data digits --preset digits"
SHORTER = ["--steps", "1050", "--eval-every", "0"]
ALONE = """
import sys
from labkit.cli import keepsakes, main
keepsakes.write = lambda folder: None
sys.exit(main(sys.argv[1:]))
"""  # a separate process: in the process of the tests the types of every call are checked, which doubles the time


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_the_first_training_does_not_collapse(seed, python, tmp_path, rows):
    """Over 5 nats reach the latents, without a warning. Of 100 samples no two are alike, and they vary as digits do.

    The test takes 1,050 of its 2,000 steps, half a minute on one core. The KL has its full weight after step 1,000.
    """
    for file in ("README.md", "labkit/guide/start.md", "labkit/guide/training.md"):
        assert COMMAND in (Path(__file__).parents[2] / file).read_text().splitlines()
    words = [*COMMAND.split()[1:], *SHORTER, "--devices", "cpu", "--seed", str(seed), "--out", str(tmp_path / "a")]
    done = subprocess.run([*python, "-c", ALONE, *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    last = rows(tmp_path / "a" / "epochs.csv")[-1]
    assert float(last["lz"]) > 5 and float(last["bound"]) < 24.5  # collapsed it is 0 and 27.3
    model = labkit.load_checkpoint(tmp_path / "a")
    samples = model.generate(100, generator=torch.Generator().manual_seed(0)).images[-1].detach().flatten(1)
    apart = torch.cdist(samples, samples) + 99 * torch.eye(100)
    assert apart.min() > 0.1
    spread = data.load("digits", "test")[0].flatten(1).div(255).std(0).square().sum()
    assert samples.std(0).square().sum() > 0.5 * spread  # grey bars have 0; means of pixels vary less than pixels
