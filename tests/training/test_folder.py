"""A run's folder allows one training at a time; a training that cannot write keeps its last checkpoint."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from labkit import atomic, training
from labkit.training import checkpoints
from labkit.training.board import Board
from labkit.training.folder import LOCK

HOLD = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); input()"


@pytest.fixture
def begin(toy, tmp_path):
    """begin() -> the records of a training in the folder "run", with a checkpoint at each."""

    def records():
        return training.fit(toy.Task(), toy.SETTINGS, tmp_path / "run", toy.images(), toy.images(24, 1))

    return records


def test_a_second_training_in_the_same_folder_is_rejected_before_it_writes(begin, tmp_path):
    first = begin()
    next(first)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="another training writes into .*run now; wait until it ends, or name another"):
        next(begin())
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    first.close()
    assert next(begin()).step == 6  # the lock is free again, and the run continues after its 3 steps


def test_a_training_that_fails_at_its_start_releases_the_folder(begin, toy, tmp_path):
    next(begin())
    other = toy.Task(hidden=5)
    with pytest.raises(ValueError, match="another config.hidden"):
        next(training.fit(other, toy.SETTINGS, tmp_path / "run", toy.images()))
    assert next(begin()).step == 6


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_the_lock_of_a_killed_training_does_not_block_the_next(begin, tmp_path):
    (tmp_path / "run").mkdir()
    line = [sys.executable, "-c", HOLD, str(tmp_path / "run" / LOCK)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match="another training writes"):
            next(begin())
        holder.send_signal(signal.SIGKILL)
    assert (tmp_path / "run" / LOCK).exists() and next(begin()).step == 3


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_keeps_the_previous_one(begin, toy, tmp_path, monkeypatch, no_file_above):
    """When the run continues, it ends with the weights of a run without interruption."""
    whole = list(training.fit(toy.Task(), toy.SETTINGS, tmp_path / "whole", toy.images(), toy.images(24, 1)))
    records = begin()
    next(records)
    with no_file_above(1000), pytest.raises(atomic.WriteError, match="cannot write .*run.*: File too large"):
        next(records)
    assert checkpoints.newest(tmp_path / "run" / "checkpoints")["step"] == 3
    assert not list((tmp_path / "run").rglob(f"*{atomic.ENDING}"))
    rest = list(begin())
    assert [record.step for record in rest] == [record.step for record in whole[1:]]
    ends = [checkpoints.newest(tmp_path / name / "checkpoints")["module"] for name in ("run", "whole")]
    assert all(ends[0][name].equal(ends[1][name]) for name in ends[1])


@pytest.mark.parametrize("call", ["add", "flush", "close"])
def test_a_full_disk_for_tensorboard_raises_an_error_with_its_path(call, play, tmp_path):
    class Full:
        def __getattr__(self, name):
            def refuse(*_, **__):
                raise OSError(errno.ENOSPC, "No space left on device")

            return refuse

    _, (record, *_) = play(steps=3)
    board = Board(training.Settings(), tmp_path, 0)
    board._writer = Full()
    with pytest.raises(atomic.WriteError, match="cannot write .*tensorboard: No space left on device, .* MB were free"):
        getattr(board, call)(*([record] if call == "add" else []))
