"""A device that calls itself a GPU, for machines without one."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="session")
def tool() -> ModuleType:
    """The module `pretend.py`."""
    name = "labkit_tests_pretend_cuda"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("pretend.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ledger(tool) -> Iterator:
    """The ledger of a pretended GPU, which exists for this test."""
    if torch.cuda.is_available():
        pytest.skip("there is a real GPU: the pretended one would take its name")
    with tool.pretend() as ledger:
        yield ledger
