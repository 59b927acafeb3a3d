"""Fixtures for tests of commands: a Ctrl-C that arrives, and the rows of a CSV."""

import csv
import signal

import pytest


@pytest.fixture
def heard():
    """A Ctrl-C as the process of a terminal receives it; a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def rows():
    """rows(path) -> the rows of a CSV without the seconds, which differ from run to run."""

    def read(path):
        with path.open(newline="") as file:
            return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]

    return read
