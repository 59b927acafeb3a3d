"""Checkpoints are complete or absent, the last two are kept, and no code in them runs."""

import os
import pickle
import re
from dataclasses import replace

import pytest
import torch

from labkit import atomic, training
from labkit.training import checkpoints

STATE = {"module": {"w": torch.arange(4.0)}, "average": {}, "optimizer": {}, "generators": [], "skipped": 0}


def state(step: int) -> dict:
    return {**STATE, "step": step, "seconds": 1.5, "facts": {"a": "b"}}


def test_a_saved_state_loads_unchanged(tmp_path):
    path = checkpoints.save(tmp_path / "new", state(7))
    found = checkpoints.load(path)
    assert torch.equal(found.pop("module")["w"], STATE["module"]["w"])
    assert found == {k: v for k, v in state(7).items() if k != "module"} | {"format": checkpoints.FORMAT}


def test_the_last_two_are_kept(tmp_path):
    for step in (5, 10, 9_999, 10_000):
        checkpoints.save(tmp_path, state(step))
    assert [checkpoints.load(path)["step"] for path in checkpoints.found(tmp_path)] == [9_999, 10_000]
    assert checkpoints.newest(tmp_path)["step"] == 10_000
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    assert checkpoints.newest(tmp_path) is None and checkpoints.newest(tmp_path / "none") is None


@pytest.mark.parametrize("crash", ["write", "fsync", "replace"])
def test_a_crash_before_the_rename_keeps_the_old_file(tmp_path, monkeypatch, crash):
    path = tmp_path / "model"
    atomic.write(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    if crash != "write":
        monkeypatch.setattr(os, crash, fail)
    with pytest.raises(OSError), atomic.replacing(path) as file:
        file.write(b"half of the ne")
        if crash == "write":
            fail()
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_bytes_are_on_disk_before_the_rename(tmp_path, monkeypatch):
    """The order of calls is fsync of the file, rename, and fsync of the folder if it can be opened."""
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    atomic.write(tmp_path / "model", "new")
    assert calls == ["fsync", "replace", "fsync"][: 2 if os.name == "nt" else 3]
    assert (tmp_path / "model").read_text() == "new"


def test_unfinished_files_of_a_killed_process_are_removed(tmp_path):
    checkpoints.save(tmp_path, state(3))
    (tmp_path / f"step-000000006.pt{atomic.ENDING}").write_bytes(b"half")
    assert checkpoints.newest(tmp_path)["step"] == 3
    assert len(list(tmp_path.iterdir())) == 1


def test_one_wrong_bit_is_detected(tmp_path):
    paths = [checkpoints.save(tmp_path, state(step)) for step in (3, 6)]
    content = bytearray(paths[1].read_bytes())
    at = content.index(STATE["module"]["w"].numpy().tobytes())
    content[at + 5] ^= 1
    paths[1].write_bytes(content)
    with pytest.warns(UserWarning, match="damaged; the run continues from the previous checkpoint"):
        assert checkpoints.newest(tmp_path)["step"] == 3


class Hostile:
    def __reduce__(self):
        return (os.system, ("touch hostile-code-was-run",))


def test_code_in_a_checkpoint_raises_a_short_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**state(3), "module": Hostile()}, tmp_path / "step-000000003.pt")
    with pytest.raises(ValueError, match="contains more than tensors and numbers .*system.*; delete it") as caught:
        checkpoints.newest(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "hostile-code-was-run").exists()


def test_a_bare_pickle_counts_as_damaged_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "step-000000003.pt"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(EOFError, match="incomplete or damaged"):
        checkpoints.load(path)
    assert not (tmp_path / "hostile-code-was-run").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "has no .*step.*; delete it"),
        ({"step": 3}, "has no .*module"),
        ({**state(3), "format": 99}, "must have format 1, got 99; install a newer labkit"),
    ],
)
def test_a_file_of_another_program_is_rejected(tmp_path, content, words):
    torch.save(content, tmp_path / "step-000000003.pt")
    with pytest.raises(ValueError, match=words):
        checkpoints.newest(tmp_path)


def test_a_checkpoint_of_another_network_raises_a_short_error(play, toy, tmp_path):
    """The folder's configuration agrees, but its checkpoint does not."""
    play("small")
    other = toy.Task(hidden=5)
    other.config = toy.Task().config
    settings = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    with pytest.raises(ValueError, match=re.escape("to another network (size mismatch for encode.weight")) as caught:
        next(training.fit(other, settings, tmp_path / "small", toy.images(), toy.images(24, 1)))
    assert "\n" not in str(caught.value) and "use the network of its config.json" in str(caught.value)
