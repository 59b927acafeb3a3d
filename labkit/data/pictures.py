"""The image files of a folder: they are found, checked by their headers, and then decoded one by one.

A file is opened only if its name ends like an image. Its type, its bytes and the number of its pixels are checked
before it is decoded, so that a small file cannot fill the memory.
"""

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]  # no other reader of Pillow is used
FILE_BYTES = 50_000_000
PIXELS = 50_000_000  # limit for one file; Pillow's own limit against decompression bombs is higher
FILES = 200_000
_GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"}
_ORIENTATION, _TURNED = 0x0112, {5, 6, 7, 8}  # EXIF data of a photo: width and height are exchanged

S = TypeVar("S", Path, "Picture")
T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """An image file whose header has been read: its height and width as it is shown, and whether it has colours."""

    path: Path
    height: int
    width: int
    colour: bool


Decoded = tuple[Picture, np.ndarray]


def walk(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the image files in a folder and its subfolders, sorted, and all other files; hidden ones are left out.

    Raises:
        ValueError: there are too many files.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > FILES:
            raise ValueError(f"{folder} has more than {FILES:,} files; save its images as one .npz file")
    images = [path for path in found if path.suffix.lower() in ENDINGS]
    return images, [path for path in found if path.suffix.lower() not in ENDINGS]


def inspected(paths: Iterable[Path]) -> tuple[list[Picture], dict[Path, str]]:
    """Return the files whose headers are good, and for each other file the reason why it cannot be used."""
    return _each(paths, _header)


def decoded(pictures: Iterable[Picture], size: tuple[int, int], colour: bool) -> tuple[list[Decoded], dict[Path, str]]:
    """Return (picture, pixels) of every file that can be decoded, and the reason for each other file.

    Pixels are uint8, (height, width, 3) with colour, otherwise (height, width). An image of another size loses what
    sticks out of the shape of `size`, and is then resized.
    """
    return _each(pictures, lambda picture: (picture, _pixels(picture, size, colour)))


def _each(items: Iterable[S], read: Callable[[S], T]) -> tuple[list[T], dict[Path, str]]:
    good, bad = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata; all limits are checked here
        for item in items:
            try:
                good.append(read(item))
            except Exception as error:  # Pillow raises many kinds for a damaged file
                bad[item if isinstance(item, Path) else item.path] = _reason(error)
    return good, bad


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known type"
    return str(error).split("\n")[0][:120] or type(error).__name__


def _header(path: Path) -> Picture:
    size = path.stat().st_size
    if not size:
        raise ValueError("the file is empty")
    if size > FILE_BYTES:
        raise ValueError(f"the file has {size / 1e6:,.0f} MB, at most {FILE_BYTES / 1e6:,.0f} are read")
    with Image.open(path, formats=FORMATS) as image:
        wide, high = image.size
        if wide * high > PIXELS:
            raise ValueError(f"it has {wide:,} x {high:,} pixels, at most {PIXELS:,} in all are read")
        has_exif = image.format != "PNG" or "exif" in image.info  # without it, Pillow would decode the whole PNG
        if has_exif and image.getexif().get(_ORIENTATION) in _TURNED:
            wide, high = high, wide
        return Picture(path, high, wide, image.mode not in _GREY)


def _pixels(picture: Picture, size: tuple[int, int], colour: bool) -> np.ndarray:
    high, wide = size
    with Image.open(picture.path, formats=FORMATS) as image:
        if image.size[0] * image.size[1] > PIXELS:  # replaced since its header was read
            raise ValueError(f"it has more than {PIXELS:,} pixels")
        if min(picture.height // high, picture.width // wide) >= 4:
            image.draft(None, (4 * wide, 4 * high))  # a large JPEG is decoded at a fraction of its size
        upright = ImageOps.exif_transpose(_eight_bits(image))
        return fitted(_opaque(upright).convert("RGB" if colour else "L"), size)


def fitted(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return the pixels of the image's centre, which has the shape of `size` (height, width), resized to it."""
    wanted = size[1], size[0]
    if image.size != wanted:
        image = ImageOps.fit(image, wanted, Image.Resampling.LANCZOS)
    return np.asarray(image)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the image with 8 bits per channel.

    Raises:
        ValueError: its pixels are neither 8 nor 16 bits.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise ValueError("it has 32 bits per pixel; save it with 8")
        shift = 8 if values.max() > 255 else 0  # some programs store 8 bits in files of 16
        return Image.fromarray((values.astype(np.int64) >> shift).astype(np.uint8))
    return image


def _opaque(image: Image.Image) -> Image.Image:
    """Return the image on white paper where it is transparent."""
    if not image.has_transparency_data:
        return image
    above = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
