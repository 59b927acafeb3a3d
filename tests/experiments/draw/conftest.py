"""What the tests of experiments with DRAW share: small networks, and an image for each."""

import pytest
import torch

from labkit import draw

CONFIGS = {
    "windows": draw.Config(height=10, width=12, steps=3, hidden=8, latent=2, read=2, write=3),
    "whole images": draw.Config(height=10, width=12, steps=3, hidden=8, latent=2, read=None, write=None),
    "colour, N = 1": draw.Config(channels=3, height=9, width=9, steps=2, hidden=8, latent=2, read=1, write=1),
    "classes": draw.Config(height=10, width=10, steps=2, hidden=8, latent=2, read=3, write=2, classes=4),
}


@pytest.fixture(params=list(CONFIGS))
def model(request):
    torch.manual_seed(0)
    return draw.DRAW(CONFIGS[request.param]).eval()


@pytest.fixture
def image(model):
    """A random image of the network's size."""
    c = model.config
    return torch.rand(c.channels, c.height, c.width, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def with_classes():
    """A network with four classes."""
    torch.manual_seed(0)
    return draw.DRAW(CONFIGS["classes"])
