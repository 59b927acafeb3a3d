"""Every option of `labkit train` with its networks: two steps with each preset, estimator and data set.

The images are random, of the shape of each data set, so that no file is needed; the loaders have separate tests.
DRAW takes three glimpses instead of up to 64; every other setting of a preset is unchanged.
"""

import csv
import inspect
import math
import os
import signal
import subprocess
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
import torch

import labkit.data
from labkit import draw, dreg
from labkit.cli import keepsakes, main, train
from labkit.training import checkpoints, export, sheet

pytestmark = pytest.mark.slow  # whole commands

SHORT = ["--steps", "2", "--batch", "2", "--devices", "cpu", "--eval-every", "0", "--checkpoint-seconds", "60"]
# every option of the training with each of its values, several at a time
MIXES = {
    "32": ["--precision", "32", "--binarize", "stochastic", "--clip", "0.1", "--schedule", "cosine", "--seed", "3"],
    "64": ["--precision", "64", "--binarize", "grey", "--clip-each", "0.1", "--schedule", "constant", "--ema", "0"],
    "bf16": ["--precision", "bf16", "--binarize", "fixed", "--clip", "0", "--beta1", "0.5", "--beta2", "0.99"],
}
OF_DRAW = ["--warmup", "3", "--lr", "0.003", "--epochs", "4"]  # in all of its runs
UNLABELLED = "binarized_mnist"
TWICE = """
import os, sys
from labkit.cli import keepsakes, main
keepsakes.write = lambda folder: None
for port, precision in zip(sys.argv[1:3], ("32", "bf16")):
    os.environ["MASTER_PORT"] = port
    if code := main([*sys.argv[3:], "--precision", precision, "--out", precision]):
        sys.exit(code)
    os.environ.setdefault("LOCAL_RANK", "0")  # the second process runs already: start no third one
"""
UNIT = 2**-8  # bfloat16: the largest relative distance of two neighbours


def images(name, split):
    """Four random training images and two test images, in place of `labkit.data.load`."""
    about, n = labkit.data.SETS[name], 4 if split == "train" else 2
    x = torch.randint(0, 256, (n, *about.shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(n))
    x = 255 * (x > 127).to(torch.uint8) if about.binarisation == "fixed" else x
    return x, None if name == UNLABELLED else torch.arange(n)


@pytest.fixture
def go(monkeypatch, tmp_path, capsys):
    """go(*words) -> the error output of a two-step training, and its rows of metrics.csv; () if it failed."""
    monkeypatch.setattr(labkit.data, "load", images)
    monkeypatch.setattr(keepsakes, "write", lambda folder: None)
    monkeypatch.setattr(checkpoints, "save", lambda folder, state: folder)  # some weigh a hundred megabytes
    monkeypatch.setattr(export, "save", lambda *_: None)
    monkeypatch.setattr(sheet, "SIDE", 2)
    monkeypatch.setattr(draw.config, "PRESETS", {k: replace(v, steps=3) for k, v in draw.PRESETS.items()})

    def trained(*words):
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        code = main(["train", *words, *SHORT, "--out", str(out)])
        said = capsys.readouterr().err
        if code:
            assert code == 2 and said.startswith("labkit: ") and said.count("\n") == 1
            return said, ()
        return said, rows_of(out)

    return trained


def rows_of(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def assert_trained(rows):
    """Both steps were taken, with finite numbers and a gradient."""
    (row,) = rows
    assert row["step"] == 2 and row["skipped"] == 0 and row["norm"] > 0 and all(map(math.isfinite, row.values()))


# DRAW


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize(("preset", "data"), list(zip(draw.PRESETS, cycle(labkit.data.SETS), strict=False)))
def test_every_preset_of_draw_trains_with_every_option(go, preset, data, mix):
    assert_trained(go("draw", "--data", data, "--preset", preset, *MIXES[mix], *OF_DRAW)[1])


@pytest.mark.parametrize("data", labkit.data.SETS)
@pytest.mark.parametrize("preset", ["small-full", "small-labels"])
def test_draw_trains_on_every_data_set(go, preset, data):
    said, rows = go("draw", "--data", data, "--preset", preset, *MIXES["32"])
    if (preset, data) == ("small-labels", UNLABELLED):
        assert "binarized_mnist has no labels" in said and rows == ()
    else:
        assert_trained(rows)


@pytest.mark.parametrize("preset", draw.PRESETS)
def test_bfloat16_gives_the_losses_of_float32(go, preset):
    """The same weights, images and noise. Products are rounded to bfloat16, and losses are not.

    A loss in bfloat16 would have an error of up to 2^-9; the test allows less than an eighth of it. The latents are
    products themselves, so their cost is exact only to a unit of bfloat16.
    """
    words = ["draw", "--data", "cifar10", "--preset", preset, "--binarize", "grey", "--lr", "1e-3", "--warmup", "0"]
    exact, rounded = (go(*words, "--precision", precision)[1][0] for precision in ("32", "bf16"))
    assert_close(rounded, exact)


def assert_close(rounded, exact):
    for name, most in {"loss": UNIT / 16, "bound": UNIT / 16, "lx": UNIT / 16, "lz": UNIT}.items():
        assert rounded[name] == pytest.approx(exact[name], rel=most), name
    assert rounded["lz"] != exact["lz"]


def test_two_processes_train_in_bfloat16(python, tmp_path, free_port):
    """The real command starts the second process and gives the losses of float32, with the same noise.

    Both trainings run one after the other in the same two processes, to import torch twice instead of four times.
    """
    (tmp_path / "command.py").write_text(TWICE)
    words = ["train", "draw", "--data", "digits", "--preset", "digits", *SHORT[:2], "--batch", "40"]
    words += ["--lr", "1e-3", "--warmup", "0", "--devices", "2xcpu"]
    command = [*python, "command.py", str(free_port()), str(free_port()), *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _, said = run.communicate(timeout=200)
    finally:
        if run.poll() is None:  # a process that does not end keeps the error stream open
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, said.decode()
    assert said.decode().count("Starting with 2 processes") == 2
    exact, rounded = (rows_of(tmp_path / precision)[0] for precision in ("32", "bf16"))
    assert rounded["step"] == 2 and rounded["skipped"] == 0
    assert_close(rounded, exact)


# VAEs


@pytest.mark.parametrize("estimator", dreg.ESTIMATORS)
@pytest.mark.parametrize("preset", dreg.PRESETS)
def test_every_preset_of_the_vae_trains_by_every_estimator(go, preset, estimator):
    own = ["--alpha", "0.3"] if estimator == "dreg-alpha" else []
    assert_trained(
        go("vae", "--data", "mnist", "--preset", preset, "--estimator", estimator, "--samples", "3", *own)[1]
    )


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("data", [*labkit.data.SETS, "struct_mnist"])
def test_the_vae_trains_on_every_data_set_of_one_channel_with_every_option(go, data, mix):
    said, rows = go("vae", "--data", data, "--samples", "2", *MIXES[mix])
    if mix == "bf16":
        assert "--precision bf16: it has too few digits" in said and rows == ()
    elif labkit.data.SETS.get(data, labkit.data.SETS["mnist"]).shape[0] == 3:
        assert f"a vae needs images with one channel, but {data} has 3" in said and rows == ()
    else:
        assert_trained(rows)


@pytest.mark.parametrize(
    "own",
    [["--data", "struct_mnist", "--original-halves"], ["--inference-only", "vae-mnist"], ["--weights", "vae-mnist"]],
)
def test_the_vae_trains_with_its_own_options(go, own):
    assert_trained(go("vae", "--samples", "2", *own)[1])


def test_every_option_is_used_in_these_tests():
    """Except options that other tests use: they change no number of a run, or are for your own images."""
    here, elsewhere = Path(__file__).read_text(), {"method", "resume", "tensorboard", "size"}
    names = [name.replace("_", "-") for name in inspect.signature(train.command).parameters if name not in elsewhere]
    assert len(names) > 20 and [name for name in names if f'"--{name}"' not in here] == []
