"""Two processes over gloo have the same average gradient as one process with all the images."""

import csv
import os
import signal
import subprocess
from pathlib import Path

import pytest
from safetensors.torch import load_file

from labkit.training import checkpoints

NUMBERS = ("bound", "loss", "lx", "lz", "norm")


def train_by_two(python: list[str], folder: Path, port: int) -> None:
    script = Path(__file__).with_name("pair.py")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": str(port)}
    command = [*python, str(script), str(folder)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, start_new_session=True) as run:
        try:
            _, said = run.communicate(timeout=90)
        except subprocess.TimeoutExpired:  # a process that does not end keeps the error stream open
            os.killpg(run.pid, signal.SIGKILL)
            raise
    assert run.returncode == 0, said.decode()


def rows(folder: Path) -> list[dict]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_two_processes_with_half_the_batch_equal_one_process(play, python, tmp_path, free_port):
    """Without noise, all norms of the averaged gradient, all means and the weights after 24 steps agree."""
    play("one", noise=0.0, steps=24, batch_size=16)
    train_by_two(python, tmp_path / "two", free_port())
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert [row["step"] for row in one] == [row["step"] for row in two]
    for mine, theirs in zip(one, two, strict=True):
        assert [float(mine[name]) for name in NUMBERS] == pytest.approx([float(theirs[name]) for name in NUMBERS], 1e-4)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name in first:
        assert (first[name] - second[name]).abs().max() < 1e-4
    states = checkpoints.newest(tmp_path / "two" / "checkpoints")["generators"]
    assert len(states) == 2 and not states[0].equal(states[1])  # each process has its own noise
