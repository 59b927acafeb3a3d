"""Binarisation makes black and white images from grey ones; the way decides what nats mean, so results must name it.

It is one of three:

    stochastic  each pixel is white with the probability of its grey level, sampled again at each use
    fixed       sampled once by `fixed`, or a data set that is black and white already
    grey        pixels stay grey and are read as probabilities; this is not a likelihood, and lower by their entropy
"""

import torch
from torch import Tensor

BINARISATIONS = ("stochastic", "fixed", "grey")
FIXED_SEED = 20150213  # seed of `fixed`: every run gets the same images


def fixed(images: Tensor) -> Tensor:
    """Return one stochastic binarisation of uint8 images for all runs: 0 or 255, the same at every call.

    Images that are black and white already do not change.
    """
    generator = torch.Generator().manual_seed(FIXED_SEED)
    parts = [torch.bernoulli(part.float() / 255, generator=generator) for part in images.split(1000)]
    return (255 * torch.cat(parts)).to(torch.uint8)


def drawn(images: Tensor, how: str, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Return uint8 images (B, C, H, W) as a network needs them, in [0, 1].

    Args:
        how: one of `BINARISATIONS`; "stochastic" samples pixels with the generator.
    """
    x = images.to(dtype) / 255
    return torch.bernoulli(x, generator=generator) if how == "stochastic" else x


def check(how: str) -> None:
    """Raise ValueError unless `how` is one of `BINARISATIONS`."""
    if how not in BINARISATIONS:
        raise ValueError(f"binarize must be one of {', '.join(BINARISATIONS)}, got {how!r}")
