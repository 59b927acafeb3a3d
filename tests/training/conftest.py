"""Fixtures with the toy of `toy.py`, which the process of `victim.py` runs too."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def play(toy, tmp_path):
    """play(folder="run", breaks=0, **settings) -> the task and the records of a complete run of the toy."""
    from dataclasses import replace

    from labkit import training

    def whole(folder: str = "run", breaks: float = 0.0, noise: float = 1.0, **settings):
        task = toy.Task(breaks=breaks, noise=noise)
        chosen = replace(toy.SETTINGS, **{"checkpoint_seconds": 60.0, **settings})
        return task, list(training.fit(task, chosen, tmp_path / folder, toy.images(), toy.images(24, 1)))

    return whole
