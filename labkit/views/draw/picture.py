"""An image file of a visitor as a network reads it."""

import io

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from labkit.draw import Config
from labkit.views.draw.pad import centred

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP"]
PIXELS = 4_000_000
EDGE = 128  # pixels along an edge of the square in which ink is measured
INK = 0.15  # smallest difference from the paper that counts as ink


def given(name: str, content: bytes, config: Config) -> tuple[Tensor, str]:
    """Return an image (C, H, W) in [0, 1] for a network, and a sentence about what was done.

    For a network of grey images this is a drawing: its paper, the colour along its border, becomes 0. The ink is scaled
    to the inner box of MNIST's digits, with its centre of mass in the middle. For a network of colour images it is the
    centre of the picture, resized.

    Raises:
        ValueError: it is not an image, it is too large, or it has no ink.
    """
    with _opened(name, content) as upright:
        above = upright.convert("RGBA")
        paper = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    size = f"{name}, {paper.width} x {paper.height} pixels"
    if config.channels == 3:
        pixels = np.asarray(ImageOps.fit(paper, (config.width, config.height), Image.Resampling.LANCZOS))
        words = f"{size}: its centre was resized to {config.width} x {config.height}."
        return torch.from_numpy(pixels.transpose(2, 0, 1) / np.float32(255)).contiguous(), words
    grey = np.asarray(ImageOps.pad(paper.convert("L"), (EDGE, EDGE), color=_border(paper)), dtype=np.float32) / 255
    ink = np.abs(grey - np.median(_frame(grey)))
    ink = np.where(ink < INK, 0, ink / max(float(ink.max()), INK))
    if not ink.any():
        raise ValueError(f"{name} has no ink: all of it has about one colour; choose a drawing with more contrast")
    whole = torch.from_numpy(centred(ink))[None, None]
    small = torch.nn.functional.interpolate(whole, (config.height, config.width), mode="area")[0]
    light = "black paper" if np.median(_frame(grey)) < 0.5 else "white paper"
    return (small / small.max()).clamp(0, 1), f"{size}: ink on {light}, scaled and centred as in MNIST."


def _opened(name: str, content: bytes) -> Image.Image:
    """Return the image of a file, upright; its type and its size are checked before it is decoded."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > PIXELS:
            raise ValueError(f"it has {image.width:,} x {image.height:,} pixels, at most {PIXELS:,} in all are read")
        image.load()
        image = ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not a PNG, JPEG, GIF, BMP or WebP image; save it as one of these") from None
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise ValueError(f"{name} cannot be read: {str(error)[:120]}; choose another image") from None
    return image


def _border(image: Image.Image) -> int:
    return int(np.median(_frame(np.asarray(image.convert("L")))))


def _frame(grey: np.ndarray) -> np.ndarray:
    """Return the pixels along the border."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
