"""Images for a network to read: printed digits, and test images of the available data sets."""

import math
from functools import lru_cache

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from labkit import data
from labkit.draw import Config
from labkit.experiments import titles
from labkit.letters import packed, unpacked

CONTENTS = {
    "digits": "small handwritten digits",
    "mnist": "handwritten digits",
    "binarized_mnist": "handwritten digits without grey",
    "omniglot": "handwritten letters of many alphabets",
    "silhouettes": "outlines of objects, filled with black",
}
MOST, LONGEST = 28 * 28, 1100  # most numbers of an image in an address, and most letters of its code
CLASSES = ("digits", "mnist")  # data sets whose labels are the classes of labkit's class-conditional networks


def printed(config: Config) -> Tensor:
    """Return the ten digits in print for a network: (10, C, H, W) in [0, 1]."""
    height, width = config.height, config.width
    font = ImageFont.load_default(0.85 * height)
    found = torch.zeros(10, 1, height, width)
    for k in range(10):
        sheet = Image.new("L", (width, height))
        ImageDraw.Draw(sheet).text((width / 2, height / 2), str(k), 255, font, anchor="mm")
        found[k, 0] = torch.frombuffer(bytearray(sheet.tobytes()), dtype=torch.uint8).view(height, width) / 255
    return found.expand(-1, config.channels, -1, -1)


def encoded(image: Tensor) -> str:
    """Return an image (C, H, W) in [0, 1] as letters for an address, in 256 levels; "" if it has too many pixels."""
    return packed(bytes(_levels(image).flatten().tolist())) if image.numel() <= MOST else ""


def decoded(code: str, config: Config) -> Tensor:
    """Return the image (C, H, W) of a code from `encoded`.

    Raises:
        ValueError: it is not the code of an image for this network.
    """
    shape = config.channels, config.height, config.width
    try:
        content = unpacked(code, math.prod(shape), LONGEST)
    except ValueError as error:
        size = f"{config.height} x {config.width} pixels" + (" in colour" if config.channels > 1 else "")
        raise ValueError(f"an image for this network has {size}, and its code {error}") from None
    return torch.tensor(list(content), dtype=torch.uint8).reshape(shape) / 255


def rounded(image: Tensor) -> Tensor:
    """Return an image as its code keeps it."""
    return _levels(image) / 255


def _levels(image: Tensor) -> Tensor:
    return (255 * image).round().to(torch.uint8).cpu()


def data_sets(config: Config) -> list[str]:
    """Return the names of the data sets whose test images the network can read."""
    shape = (config.channels, config.height, config.width)
    return [name for name in data.here("test") if data.SETS[name].shape == shape]


def described(name: str) -> str:
    """Return what a button with a data set does."""
    title, contents = titles.DATA.get(name, name), CONTENTS.get(name)
    return f"Read a random test image of {title}" + (f": {contents}" if contents else "")


def random_image(name: str, generator: torch.Generator) -> tuple[Tensor, int | None, str]:
    """Return a random test image (C, H, W) in [0, 1], its class or None, and a description.

    The class is known for data sets whose labels are the classes of labkit's networks.

    Raises:
        OSError, ValueError: the file is missing or was changed.
    """
    images, labels = _test_set(name)
    i = int(torch.randint(len(images), (), generator=generator))
    known = int(labels[i]) if labels is not None and name in CLASSES else None
    words = f"test image {i:,} of {titles.DATA.get(name, name)}" + ("" if known is None else f", a {known}")
    return images[i] / 255, known, words


@lru_cache(maxsize=4)
def _test_set(name: str) -> tuple[Tensor, Tensor | None]:
    return data.load(name, "test")
