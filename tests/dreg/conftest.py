"""Fixtures of the DReG tests: the naive reference, and the checks that mutants must fail."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    """Return a module of this folder, which pytest's importlib mode does not put on the path."""
    spec = importlib.util.spec_from_file_location(f"labkit_tests_dreg_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return _load("reference")


@pytest.fixture(scope="session")
def checks() -> ModuleType:
    return _load("checks")
