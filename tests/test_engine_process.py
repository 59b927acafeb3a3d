"""The second process of the engine: what it answers, and how it starts and ends."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from labkit import engine_process
from labkit.engine_process import EndedError, Process

pytestmark = pytest.mark.slow  # each process imports torch


@pytest.fixture
def process(monkeypatch):
    """A process that starts at the first call."""
    monkeypatch.setattr(engine_process, "PATIENCE", 0.0)
    found = Process()
    yield found
    found.close()


def until_ready(process):
    """Return the first answer."""
    deadline = time.monotonic() + 30
    while (answer := process.call("math:sqrt", 49.0)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer.result(10)


def test_it_keeps_the_order_of_calls_also_when_a_function_prints(process):
    assert until_ready(process) == 7.0
    answers = [process.call(*words) for words in (("builtins:print", "a word"), ("math:hypot", 3.0, 4.0))]
    assert [answer.result(10) for answer in answers] == [None, 5.0]


def test_an_exception_comes_back_as_text_and_the_process_stays(process):
    until_ready(process)
    with pytest.raises(RuntimeError, match="ValueError: math domain error|expected a nonnegative"):
        process.call("math:sqrt", -1.0).result(10)
    with pytest.raises(RuntimeError, match="no attribute 'root'"):
        process.call("math:root", 4.0).result(10)
    assert process.call("math:sqrt", 4.0).result(10) == 2.0


def test_after_it_was_killed_its_answers_are_errors_and_another_one_starts(process):
    until_ready(process)
    answer = process.call("time:sleep", 20)
    process.close()
    with pytest.raises(EndedError):
        answer.result(10)
    assert until_ready(process) == 7.0


def test_large_calls_and_answers_do_not_wait_for_each_other(process):
    """A pipe takes 64 kB until its reader continues."""
    until_ready(process)
    answers = [process.call("operator:mul", bytes(300_000), 2) for _ in range(8)]
    assert all(len(answer.result(20)) == 600_000 for answer in answers)


def test_it_ends_when_no_call_comes(process, monkeypatch):
    monkeypatch.setattr(engine_process, "IDLE", 0.5)
    until_ready(process)
    second = process._process
    assert second.wait(timeout=10) == 0


def test_it_starts_only_when_calls_have_come_for_a_while(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(engine_process, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    started, process = [], Process()
    monkeypatch.setattr(process, "_start", started.append)
    for pause in (0.0, 1.0, 0.9, 3.0, 1.9):  # after a pause of 3 seconds the wait begins again
        clock[0] += pause
        assert process.call("math:sqrt", 49.0) is None
        assert started == []
    clock[0] += 0.2
    process.call("math:sqrt", 49.0)
    assert started == ["math"]


def test_a_module_that_cannot_be_imported_makes_it_useless(process, capfd):
    deadline = time.monotonic() + 30
    while not process._useless:
        assert process.call("labkit.nowhere:f") is None and time.monotonic() < deadline
        time.sleep(0.02)
    assert "No module named 'labkit.nowhere'" in capfd.readouterr().err
    assert process.call("math:sqrt", 49.0) is None


def test_on_one_core_there_is_none(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(engine_process, "PATIENCE", 0.0)
    process = Process()
    assert process.call("math:sqrt", 49.0) is None and process._process is None


PARENT = """
import time
from labkit import engine_process
engine_process.PATIENCE = 0.0
process = engine_process.Process()
while (answer := process.call("math:sqrt", 4.0)) is None:
    time.sleep(0.02)
answer.result()
print(process._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_it_ends_when_the_first_process_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        second = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _lives(second):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # a process that has ended stays as a zombie
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
