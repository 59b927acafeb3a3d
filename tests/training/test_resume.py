"""A run that was stopped or killed and then resumed equals the uninterrupted run, to the last bit."""

import csv
import itertools
import json
import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from labkit import training
from labkit.training import checkpoints, export
from labkit.training.folder import CsvLog, Folder

KILLS = 6


def assert_same_run(one: Path, other: Path):
    """Final checkpoint, tables except for times, sheets and exported weights are equal bit for bit."""
    ends = [checkpoints.newest(folder / "checkpoints") for folder in (one, other)]
    for end in ends:
        del end["seconds"]
    assert_equal(*ends, "checkpoint")
    for name in ("metrics.csv", "epochs.csv"):
        assert rows(one / name) == rows(other / name) and len(rows(one / name)) > 5
    sheets = [{path.name: path.read_bytes() for path in (each / "samples").iterdir()} for each in (one, other)]
    assert sheets[0] == sheets[1] and sheets[0]
    assert_equal(*(load_file(each / "model.safetensors") for each in (one, other)), "model")


def assert_equal(a, b, where):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype and torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for name in a:
            assert_equal(a[name], b[name], f"{where}.{name}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            assert_equal(left, right, f"{where}[{i}]")
    else:
        assert a == b, where


def rows(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs that are killed are forked")
def test_a_run_killed_many_times_ends_with_the_same_bits(python, toy, tmp_path):
    """SIGKILL comes at random moments, mostly within a write, because each of the 48 records writes a checkpoint."""
    victim = subprocess.Popen(
        [*python, str(Path(__file__).with_name("victim.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip

    def run(folder: Path, chance: random.Random | None = None) -> int:
        """Train in the folder; if there is chance, kill the run at a random moment soon after the next checkpoint."""
        before = checkpoints.found(folder / "checkpoints")
        victim.stdin.write(f"{folder}\n")
        victim.stdin.flush()
        child = int(victim.stdout.readline())
        if chance is not None:
            deadline = time.monotonic() + 20
            while checkpoints.found(folder / "checkpoints") == before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
        return int(victim.stdout.readline())

    try:
        assert victim.stdout.readline() == "ready\n"
        assert run(tmp_path / "whole") == 0
        chance = random.Random(0)
        ends = [run(tmp_path / "killed", chance) for _ in range(KILLS)]
        assert ends == [-signal.SIGKILL] * KILLS
        assert checkpoints.newest(tmp_path / "killed" / "checkpoints")["step"] < toy.steps(toy.SETTINGS)
        assert run(tmp_path / "killed") == 0
    finally:
        victim.stdin.close()
        victim.wait(timeout=20)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    assert 0 < checkpoints.newest(tmp_path / "whole" / "checkpoints")["skipped"] < 20


def test_a_run_closed_at_every_record_equals_the_whole_run(play, toy, tmp_path):
    """Closing the generator, as Ctrl-C does, saves the step of the last record."""
    play("whole", breaks=0.1)
    settings = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    for _ in range(toy.steps(settings)):
        records = training.fit(toy.Task(breaks=0.1), settings, tmp_path / "parts", toy.images(), toy.images(24, 1))
        seen = list(itertools.islice(records, 4))
        records.close()
        if seen:
            newest = checkpoints.newest(tmp_path / "parts" / "checkpoints")
            assert newest["step"] == seen[-1].step
        if not seen or seen[-1].step == seen[-1].steps:
            break
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.slow
@pytest.mark.parametrize("crash", [(export, "save"), (checkpoints, "save"), (Folder, "sheet"), (CsvLog, "add")])
def test_a_crash_in_the_last_write_of_any_kind_is_repaired(play, tmp_path, monkeypatch, crash):
    """The checkpoint is written last, so the files that it relies on exist; without it everything is repeated."""
    play("whole")
    where, name = crash
    write, calls = getattr(where, name), []

    def fail(*given):
        calls.append(given)
        if len(calls) == times:
            raise OSError(28, "No space left on device")
        return write(*given)

    times = {"sheet": 6, "add": 24}.get(name, 1)
    monkeypatch.setattr(where, name, fail)
    with pytest.raises(OSError, match="No space"):
        play("crashed")
    monkeypatch.undo()
    play("crashed")
    assert_same_run(tmp_path / "whole", tmp_path / "crashed")


def test_the_facts_of_the_last_evaluation_survive_a_stop(toy, tmp_path):
    """Evaluated at step 8, stopped at 9, resumed and stopped at 12: the file still has the bound of step 8."""
    settings = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    for last in (9, 12):
        records = training.fit(toy.Task(), settings, tmp_path, toy.images(), toy.images(24, 1))
        while next(records).step != last:
            pass
        records.close()
        with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
            about = file.metadata()
        assert (about["step"], about["test_step"]) == (str(last), "8")
        assert float(about["test_bound"]) == float(rows(tmp_path / "epochs.csv")[-1]["bound"])


def test_the_same_call_on_a_finished_run_does_nothing(play, tmp_path):
    task, _ = play()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again, records = play()
    assert records == []
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for mine, theirs in zip(task.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_another_run_is_not_overwritten(play):
    play()
    with pytest.raises(ValueError, match=r"another run|another settings\.lr; name another folder"):
        play(lr=0.5)


def test_a_run_from_before_a_setting_existed_continues_with_its_default(play, toy, tmp_path):
    """Its config.json has no `clip_each`. The run resumes to the same bits, but not with another value."""
    play("whole", breaks=0.1)
    chosen = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    records = training.fit(toy.Task(breaks=0.1), chosen, tmp_path / "old", toy.images(), toy.images(24, 1))
    assert next(records).step == 3
    records.close()
    file = tmp_path / "old" / "config.json"
    config = json.loads(file.read_text())
    del config["settings"]["clip_each"]
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"another settings\.clip_each"):
        play("old", breaks=0.1, clip_each=5.0)
    play("old", breaks=0.1)
    assert_same_run(tmp_path / "whole", tmp_path / "old")


def test_a_cut_newest_checkpoint_falls_back_to_the_previous_one(play, toy, tmp_path):
    """The file is cut at every kind of position: empty, within the header, in the middle, before the last byte."""
    play("whole")
    play("torn", checkpoint_seconds=0.0)
    folder = tmp_path / "torn" / "checkpoints"
    last, content = checkpoints.found(folder)[-1], checkpoints.found(folder)[-1].read_bytes()
    for size in (0, 3, 100, len(content) // 2, len(content) - 1):
        last.write_bytes(content[:size])
        with pytest.warns(UserWarning, match="incomplete or damaged; the run continues from the previous"):
            assert checkpoints.newest(folder)["step"] < toy.steps(toy.SETTINGS)
    with pytest.warns(UserWarning, match="the run continues from the previous checkpoint"):
        play("torn", checkpoint_seconds=0.0)
    assert_same_run(tmp_path / "whole", tmp_path / "torn")


def test_without_a_complete_checkpoint_the_error_gives_advice(play, tmp_path):
    play(checkpoint_seconds=0.0)
    for path in checkpoints.found(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"PK")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no previous checkpoint is complete; start"):
        play(checkpoint_seconds=0.0)


def test_rows_after_the_checkpoint_and_a_cut_row_are_removed(play, tmp_path):
    play("whole")
    play("killed")
    metrics = tmp_path / "killed" / "metrics.csv"
    for path in checkpoints.found(tmp_path / "killed" / "checkpoints"):
        path.unlink()  # as if killed before the first one
    metrics.write_text(metrics.read_text() + "0,1,1.")
    play("killed")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
