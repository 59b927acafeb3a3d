"""Fixtures of the SVGD tests: the references, the checks that mutants must fail, and every kernel in turn."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    """Return a module of this folder, which pytest's importlib mode does not put on the path."""
    spec = importlib.util.spec_from_file_location(f"labkit_tests_svgd_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_reference = _load("reference")


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return _reference


@pytest.fixture(scope="session")
def checks() -> ModuleType:
    return _load("checks")


@pytest.fixture(params=_reference.KERNELS)
def kernel_name(request) -> str:
    return request.param


@pytest.fixture
def draw():
    """draw(n, d, seed) -> standard normal samples, float64."""

    def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)

    return normal


@pytest.fixture
def close():
    """close(a, b, tolerance): no entry differs by more than `tolerance` times the largest entry."""

    def check(a, b, tolerance: float) -> None:
        a, b = (torch.as_tensor(v).detach().double() for v in (a, b))
        assert a.shape == b.shape
        assert (a - b).abs().max() <= tolerance * b.abs().max().clamp(min=1e-300)

    return check
