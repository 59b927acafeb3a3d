"""Fixtures for the tests of experiments with DRAW: small networks, and an image for each."""

import pytest
import torch


@pytest.fixture
def model(draw_of_a_shape):
    return draw_of_a_shape


@pytest.fixture
def image(model):
    """A random image of the network's size."""
    c = model.config
    return torch.rand(c.channels, c.height, c.width, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def with_classes(made_networks):
    """A network with four classes."""
    return made_networks.network(made_networks.SHAPES["classes"])
