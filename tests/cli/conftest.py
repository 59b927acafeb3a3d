"""Fixtures for tests of commands: the rows of a CSV."""

import csv

import pytest


@pytest.fixture(scope="session")
def rows():
    """rows(path) -> the rows of a CSV without the seconds, which differ from run to run."""

    def read(path):
        with path.open(newline="") as file:
            return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]

    return read
