"""Test images of the data sets that are here, for a network of their size."""

from functools import lru_cache

import torch
from torch import Tensor

from labkit import data
from labkit.draw import Config

CLASSES = ("digits", "mnist")  # sets whose labels are the classes of labkit's class-conditional networks


def names(config: Config) -> list[str]:
    """The sets whose test images the network can read."""
    shape = (config.channels, config.height, config.width)
    return [name for name in data.here("test") if data.SETS[name].shape == shape]


def image(name: str, generator: torch.Generator) -> tuple[Tensor, int | None, str]:
    """One test image (C, H, W) in [0, 1], its class where the set has those of the networks, and its name in words.

    Raises:
        OSError, ValueError: its file is gone, or altered.
    """
    images, labels = _test(name)
    i = int(torch.randint(len(images), (), generator=generator))
    known = int(labels[i]) if labels is not None and name in CLASSES else None
    words = f"test image {i:,} of {name}" + ("" if known is None else f", a {known}")
    return images[i] / 255, known, words


@lru_cache(maxsize=4)
def _test(name: str) -> tuple[Tensor, Tensor | None]:
    return data.load(name, "test")
