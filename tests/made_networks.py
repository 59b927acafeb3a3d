"""Untrained networks that several tests share by fixtures in conftest.py."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from labkit import draw, dreg

SHAPES = {  # shapes of DRAW: every kind of network that a picture must show
    "windows": draw.Config(height=10, width=12, steps=3, hidden=8, latent=2, read=2, write=3),
    "whole images": draw.Config(height=10, width=12, steps=3, hidden=8, latent=2, read=None, write=None),
    "colour, N = 1": draw.Config(channels=3, height=9, width=9, steps=2, hidden=8, latent=2, read=1, write=1),
    "classes": draw.Config(height=10, width=10, steps=2, hidden=8, latent=2, read=3, write=2, classes=4),
}
LATENTS = {  # shapes of DRAW for experiments with z
    "windows": draw.Config(height=9, width=10, steps=4, hidden=8, latent=3, read=2, write=3),
    "whole images": draw.Config(height=9, width=10, steps=3, hidden=8, latent=3, read=None, write=None),
    "colour": draw.Config(channels=3, height=8, width=8, steps=2, hidden=8, latent=2, read=2, write=1, classes=3),
}
VAES = {  # name -> its data set and shape
    "digits": ("digits", dreg.Config(8, 8, (2,), (4,))),
    "far": ("omniglot", dreg.Config(6, 4, (2,), (4,))),
    "halves": ("omniglot", dreg.Config(6, 4, (2,), (4,), halves="bottom")),
}


def network(config: draw.Config, scale: float = 1.0) -> draw.DRAW:
    """DRAW with the weights of seed 0, multiplied by `scale`."""
    torch.manual_seed(0)
    made = draw.DRAW(config).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(scale)
    return made


def vae_file(folder: Path, name: str) -> Path:
    """A file of one of `VAES`, with the weights of seed 0."""
    of, config = VAES[name]
    torch.manual_seed(0)
    path = folder / f"{name}.safetensors"
    save_file(dreg.VAE(config).state_dict(), path, {"kind": "vae", "data": of, "config": json.dumps(vars(config))})
    return path
