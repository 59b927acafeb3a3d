"""Pictures and tables in files, which are written completely or not at all."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BufferedIOBase
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from labkit.atomic import replacing
from labkit.paint.drawing import Drawing
from labkit.paint.svg import svg

Target = str | Path | BufferedIOBase


def save_png(image: Image.Image, target: Target, about: Mapping[str, str] | None = None) -> None:
    """Write a PNG to a path, completely or not at all, or to an open binary file.

    Args:
        about: what the file says about itself: "Title", "Description", "Software" and other texts by name.
    """
    said = PngInfo()
    for name, text in (about or {}).items():
        said.add_text(name, text)
    # without optimize=True, which takes four times as long and makes the file two percent smaller
    write_whole(target, ".png", lambda file: image.save(file, format="PNG", pnginfo=said))


def save_svg(drawing: Drawing, target: Target, about: Mapping[str, str] | None = None) -> None:
    """Write a drawing as SVG, like `save_png`."""
    write_whole(target, ".svg", lambda file: file.write(svg(drawing, about or {}).encode()))


def save_pdf(drawing: Drawing, target: Target, about: Mapping[str, str] | None = None) -> None:
    """Write a drawing as PDF, like `save_png`."""
    from labkit.paint.pdf import pdf  # imported late: its library takes a tenth of a second

    write_whole(target, ".pdf", lambda file: file.write(pdf(drawing, about or {})))


def save_table(header: list[str], rows: Iterable[Iterable], target: Target) -> None:
    """Write a CSV to a path, completely or not at all, or to an open binary file."""

    def fill(file: BufferedIOBase) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)
        text.detach()

    write_whole(target, ".csv", fill)


def save_gif(frames: Iterable[Image.Image], target: Target, *, fps: Real = 20) -> None:
    """Write an endless GIF to a path, completely or not at all, or to an open binary file.

    All frames share one palette, and a frame holds only the changed pixels. A GIF counts in hundredths of a second; the
    durations are rounded so that their sum is right. Equal consecutive frames become one longer frame.

    Raises:
        ValueError: no frame, frames of unequal size, or fps outside 0.1 to 50 (browsers slow down faster files).
    """
    if not 0.1 <= fps <= 50:
        raise ValueError(f"fps must lie between 0.1 and 50, got {fps}; drop frames to play faster")
    packed = [(image.size, zlib.compress(image.convert("RGB").tobytes(), 1)) for image in frames]
    sizes = sorted({size for size, _ in packed})
    if len(sizes) != 1:
        raise ValueError(f"save_gif needs frames of one size, got {sizes or 'no frame'}; paint them with one Painter")
    durations = np.diff(np.rint(100 * np.arange(len(packed) + 1) / fps)).astype(int) * 10

    def image(i: int) -> Image.Image:
        return Image.frombytes("RGB", sizes[0], zlib.decompress(packed[i][1]))

    few = {round(i) for i in np.linspace(0, len(packed) - 1, 12).tolist()}
    colors = shared_palette([image(i) for i in sorted(few)])
    flat = indexed((image(i) for i in range(len(packed))), colors)
    first, more = next(flat), {"duration": durations.tolist(), "loop": 0, "optimize": False}
    write_whole(target, ".gif", lambda file: first.save(file, format="GIF", save_all=True, append_images=flat, **more))


def shared_palette(images: list[Image.Image]) -> np.ndarray:
    """Return up to 255 colours [k, 3] for all images: the 32 most frequent exactly, the others by median cut.

    The median cut uses the root of each frequency, so that thin lines count next to large areas.
    """
    codes = np.concatenate([_packed(image)[i % 2 :: 2].ravel() for i, image in enumerate(images)])
    codes, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    codes, counts = codes[order], counts[order]
    if len(codes) <= 255:
        return _unpacked(codes)
    rest = np.repeat(codes[32:], np.ceil(np.sqrt(counts[32:])).astype(int))
    cut = Image.fromarray(_unpacked(rest)[None]).quantize(223, method=Image.Quantize.MEDIANCUT)
    return np.concatenate([_unpacked(codes[:32]), np.array(cut.getpalette(), dtype=np.uint8).reshape(-1, 3)[:223]])


def indexed(images: Iterable[Image.Image], colors: np.ndarray) -> Iterator[Image.Image]:
    """Yield the images in the nearest colours (Pillow's own search has visible errors of up to 3 in 255)."""
    near = np.full(1 << 24, -1, dtype=np.int16)
    target = colors.astype(np.float32)
    for image in images:
        codes = _packed(image)
        new = np.unique(codes[near[codes] < 0])
        for part in np.array_split(new, len(new) // 50_000 + 1):
            near[part] = np.argmin((target**2).sum(1) - 2 * _unpacked(part).astype(np.float32) @ target.T, axis=1)
        flat = Image.fromarray(near[codes].astype(np.uint8))
        flat.putpalette(colors.tobytes())
        yield flat


def _packed(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image).astype(np.uint32)
    return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]


def _unpacked(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)


def write_whole(target: Target, extension: str, write: Callable[[BufferedIOBase], Any]) -> None:
    """Call write(file) for an open binary file or a path. A path is replaced when its new file is complete.

    Raises:
        ValueError: the path does not end in the extension.
        OSError: the file cannot be written.
    """
    if hasattr(target, "write"):
        write(target)
        return
    path = Path(target)
    if path.suffix.lower() != extension:
        raise ValueError(f"the path must end in {extension}, got {path.name!r}; rename it")
    with replacing(path) as file:
        write(file)
