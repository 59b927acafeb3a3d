"""Freed memory is returned to the operating system."""

import asyncio
import subprocess
import sys

import pytest

from labkit.serving import memory

needs_glibc = pytest.mark.skipif(memory._glibc() is None, reason="only glibc keeps what was freed")

BEGIN = """
import sys
import numpy as np
from labkit.serving import memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

kept = []
"""
LARGE = """
if sys.argv[1] == "bound":
    memory.bound()
np.ones(2**21)  # glibc takes from its heaps all that is no larger than what was freed once
before = resident()
temporaries = []
for i in range(30):  # 8 MiB each, with states between them
    temporaries.append(np.ones(2**20))
    kept.append(np.ones(4000))
del temporaries
print(resident() - before)
"""
SMALL = """
memory.bound()
before = resident()
temporaries = []
for i in range(400):  # half a MiB each, with states between them
    temporaries.append(np.ones(2**16))
    kept.append(np.ones(100))
del temporaries
if sys.argv[1] == "trim":
    memory.trim()
print(resident() - before)
"""


def grown(script: str, how: str) -> float:
    """The growth of a process in MiB."""
    done = subprocess.run([sys.executable, "-c", BEGIN + script, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


@needs_glibc
@pytest.mark.slow
def test_large_temporaries_leave_no_memory_in_the_heap():
    """30 states of 32 kB are 1 MiB; the 30 temporaries were 240 MiB."""
    assert grown(LARGE, "free") > 200
    assert grown(LARGE, "bound") < 20


@needs_glibc
@pytest.mark.slow
def test_trim_returns_the_memory_between_states():
    """400 temporaries of half a MiB are 200 MiB. Each of the 400 states keeps a memory page of 4 kB."""
    assert grown(SMALL, "keep") > 150
    assert grown(SMALL, "trim") < 20


@pytest.fixture
def trimmed(monkeypatch) -> list[int]:
    """A list that grows by one entry at every trim, with a pause of a hundredth of a second."""
    times: list[int] = []
    monkeypatch.setattr(memory, "PAUSE", 0.01)
    monkeypatch.setattr(memory, "trim", lambda: times.append(1))
    return times


def test_several_sessions_that_end_together_cause_two_trims(trimmed):
    """One trim for the first session, and one for those that ended before it."""

    async def several():
        for _ in range(3):
            memory.trim_soon(None)
        await asyncio.sleep(0.2)

    asyncio.run(several())
    assert trimmed == [1, 1]


def test_memory_is_trimmed_while_sessions_end_and_not_afterwards(trimmed):
    async def many() -> int:
        for _ in range(40):
            memory.trim_soon(None)
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        found = len(trimmed)
        await asyncio.sleep(0.1)
        return found

    found = asyncio.run(many())
    assert found == len(trimmed) >= 4


def test_other_c_libraries_are_not_changed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory._glibc() is None
    memory.bound()
    memory.trim()
