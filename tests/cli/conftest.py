"""What tests of commands share: a Ctrl-C that is heard, and the rows of a CSV."""

import csv
import signal

import pytest


@pytest.fixture
def heard():
    """Ctrl-C as a terminal's process hears it: one that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def rows():
    """rows(path) -> the rows of a CSV, without the seconds, which no two runs share."""

    def read(path):
        with path.open(newline="") as file:
            return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]

    return read
