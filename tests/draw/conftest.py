"""Fixtures of the DRAW tests: the reference, the checks that mutants must fail, and small networks in float64."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from labkit import draw

HERE = Path(__file__).parent
SMALL = {"height": 6, "width": 5, "steps": 3, "hidden": 4, "latent": 2, "read": 2, "write": 3}
CONFIGS = {
    "attention": draw.Config(**SMALL),
    "colour": draw.Config(**SMALL | {"channels": 3}),
    "one filter": draw.Config(**SMALL | {"read": 1, "write": 1}),
    "read off": draw.Config(**SMALL | {"read": None}),
    "write off": draw.Config(**SMALL | {"write": None}),
    "both off": draw.Config(**SMALL | {"read": None, "write": None, "channels": 3}),
    "labels": draw.Config(**SMALL | {"classes": 3}),
    "learned canvas": draw.Config(**SMALL | {"canvas": "learned"}),
    "data canvas": draw.Config(**SMALL | {"canvas": "data"}),
    "one step": draw.Config(**SMALL | {"steps": 1}),
}


def _load(name: str) -> ModuleType:
    """Return a module of this folder, which pytest's importlib mode does not put on the path."""
    spec = importlib.util.spec_from_file_location(f"labkit_tests_draw_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return _load("reference")


@pytest.fixture(scope="session")
def checks() -> ModuleType:
    return _load("checks")


@pytest.fixture(scope="session")
def configs() -> dict[str, draw.Config]:
    return CONFIGS


@pytest.fixture(params=CONFIGS)
def config(request) -> draw.Config:
    """Every way to build a network, in turn."""
    return CONFIGS[request.param]


@pytest.fixture(scope="session")
def make(checks):
    """make(config, dtype, scale, seed) -> a network with normal weights and biases, without symmetry."""
    return checks.network


@pytest.fixture(scope="session")
def images(checks):
    """images(config, b, dtype, seed) -> random grey images and, for a network with classes, labels."""
    return checks.images


@pytest.fixture
def noisy(monkeypatch):
    """noisy(eps): from then on every network uses this noise [T, B, latent]."""
    return lambda eps: monkeypatch.setattr(draw.DRAW, "_noise", lambda self, x, generator: eps)


@pytest.fixture(scope="session")
def rng():
    """rng(seed) -> a new generator."""
    return lambda seed=0: torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def normal(rng):
    """normal(*shape, seed) -> standard normal samples, float64."""
    return lambda *shape, seed=0: torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


@pytest.fixture(scope="session")
def close(checks):
    """close(a, b, tolerance): no entry differs by more than `tolerance` times the largest entry."""
    return checks.close
