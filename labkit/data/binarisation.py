"""Black and white images of grey ones; which way decides what nats mean, so that every result names it.

stochastic  each pixel is ink with the probability of its grey, drawn anew at every look
fixed       drawn once for all by `fixed`, or a data set that came as black and white
grey        pixels stay grey and are read as probabilities: no likelihood of images, and lower by their entropy
"""

import torch
from torch import Tensor

BINARISATIONS = ("stochastic", "fixed", "grey")
FIXED_SEED = 20150213  # of the one draw of `fixed`: the same images in every run


def fixed(images: Tensor) -> Tensor:
    """One stochastic binarisation of uint8 images for all runs: 0 or 255, the same at every call.

    Images that are black and white already stay as they are.
    """
    generator = torch.Generator().manual_seed(FIXED_SEED)
    parts = [torch.bernoulli(part.float() / 255, generator=generator) for part in images.split(1000)]
    return (255 * torch.cat(parts)).to(torch.uint8)


def drawn(images: Tensor, how: str, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """uint8 images (B, C, H, W) as a network takes them, in [0, 1]; the generator's noise where it is stochastic."""
    x = images.to(dtype) / 255
    return torch.bernoulli(x, generator=generator) if how == "stochastic" else x


def check(how: str) -> None:
    """Raise ValueError unless it is one of `BINARISATIONS`."""
    if how not in BINARISATIONS:
        raise ValueError(f"binarize must be one of {', '.join(BINARISATIONS)}, got {how!r}")
