"""Many images as one picture, and windows drawn over each: what all pictures of DRAW are made of.

Coordinates are pixels of the mosaic: x to the right, y downwards from 0 as negative numbers, so that the first image
stands at the top left.
"""

import holoviews as hv
import numpy as np

from labkit.draw import Window
from labkit.views.palette import EDGE, PAST
from labkit.views.pixels import packed as packed  # a mosaic is sent by it

GAP = 2  # pixels between images
ROOM = 0.05  # above a row of images for what they are, of its width: words are as large on a narrow page
INSET = 0.3  # pixels between an outline and the image's edge: what is painted beyond the frame is not painted over
THIN, THICK = 0.8, 5.0  # lines of a window, in points


def tiles(images: np.ndarray, columns: int, ground: int = 255) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] in rows of so many: uint8 (rows (H + gap) - gap, .., 3); one channel is ink."""
    n, c, h, w = images.shape
    rows = -(-n // columns)
    shades = 255 * (1 - images if c == 1 else images)
    rgb = np.broadcast_to(np.clip(shades, 0, 255), (n, 3, h, w)).transpose(0, 2, 3, 1).astype(np.uint8)
    out = np.full((rows * columns, h + GAP, w + GAP, 3), ground, np.uint8)
    out[:n, :h, :w] = rgb
    out = out.reshape(rows, columns, h + GAP, w + GAP, 3).swapaxes(1, 2)
    return out.reshape(rows * (h + GAP), columns * (w + GAP), 3)[: -GAP or None, : -GAP or None]


def aspect(rows: int, columns: int, height: int, width: int) -> float:
    """Width of a mosaic over its height."""
    return (columns * (width + GAP) - GAP) / (rows * (height + GAP) - GAP)


def aspect_in_words(count: int, height: int, width: int) -> float:
    """Width over height of a row of images with words above."""
    across = count * (width + GAP) - GAP
    return across / (height + ROOM * across)


def words(texts: tuple[str, ...], height: int, width: int) -> hv.Labels:
    """What the images of a row are."""
    middle = ROOM * (len(texts) * (width + GAP) - GAP) / 2
    places = [(i * (width + GAP) + width / 2, middle, text) for i, text in enumerate(texts)]
    return hv.Labels(places, label="words").opts(text_font_size="14px", text_color=PAST)


def in_words(layers: list, count: int, height: int, width: int) -> hv.Overlay:
    """Layers over a row of images with room for their words."""
    across = count * (width + GAP) - GAP
    return hv.Overlay(layers).opts(show_legend=False, xlim=(0, across), ylim=(-height, ROOM * across))


def shaded(image: np.ndarray) -> np.ndarray:
    """An image of any scale as one in [0, 1], its darkest as dark as can be."""
    return (image / max(float(np.abs(image).max()), 1e-6)).clip(0, 1)


def enlarged(patch: np.ndarray, height: int, width: int) -> np.ndarray:
    """A patch (C, n, n) as large as an image, in squares."""
    rows, columns = (np.arange(size) * patch.shape[-1] // size for size in (height, width))
    return patch[:, rows][:, :, columns]


def picture(rgb: np.ndarray, label: str) -> hv.RGB:
    """A mosaic as the layer `label`; its column `image` takes `packed` arrays."""
    h, w = rgb.shape[:2]
    return hv.RGB(rgb, bounds=(0, -h, w, 0), label=label).opts(xaxis=None, yaxis=None)


def corner(i: np.ndarray | int, columns: int, height: int, width: int) -> tuple:
    """Left and top of images i in the mosaic, top counted downwards."""
    return i % columns * (width + GAP), i // columns * (height + GAP)


def boxes(window: Window, n: int, place: tuple, height: int, width: int) -> dict[str, np.ndarray]:
    """The outlines of windows over images as line segments, thicker where the filters are narrower.

    Args:
        window: fields (B,).
        n: filters along an axis; the outline goes half a stride beyond the first and the last of them.
        place: left and top of each window's image in the mosaic, (B,) each.
    """
    y, x, stride, sigma, _ = (field.numpy(force=True).astype(float) for field in window)
    reach = n * stride / 2 if n > 1 else np.maximum(2 * sigma, 0.5)
    left, right = (place[0] + np.clip(x + side * reach + 0.5, INSET, width - INSET) for side in (-1, 1))
    top, bottom = (-place[1] - np.clip(y + side * reach + 0.5, INSET, height - INSET) for side in (-1, 1))
    return {
        "x0": np.concatenate([left, right, right, left]),
        "y0": np.concatenate([top, top, bottom, bottom]),
        "x1": np.concatenate([right, right, left, left]),
        "y1": np.concatenate([top, bottom, bottom, top]),
        "line_width": np.tile(np.clip(2 / sigma, THIN, THICK), 4),
    }


def no_boxes() -> dict[str, np.ndarray]:
    """The outlines of no window."""
    return {name: np.zeros(0) for name in ("x0", "y0", "x1", "y1", "line_width")}


def outline(label: str, color: str) -> hv.Segments:
    """A layer for `boxes`: at first two segments of no length, whose widths differ lest they become one number."""
    ends = ["x0", "y0", "x1", "y1"]
    columns = {name: np.zeros(2) for name in ends} | {"width": np.array([1.0, 2.0])}
    return hv.Segments(columns, ends, "width", label=label).opts(color=color, line_width="width", show_legend=False)


def mark(label: str) -> hv.Segments:
    """A layer for one plain outline, of the image that is meant."""
    return outline(label, EDGE)


def framed(left: int, top: int, height: int, width: int) -> dict[str, np.ndarray]:
    """One image's outline as columns, inside its edge, as far from it on every page as a thick line is wide."""
    inset = 0.035 * max(height, width)
    x, y = (left + inset, left + width - inset), (-top - inset, -top - height + inset)
    return {
        "x0": np.array([x[0], x[1], x[1], x[0]]),
        "y0": np.array([y[0], y[0], y[1], y[1]]),
        "x1": np.array([x[1], x[1], x[0], x[0]]),
        "y1": np.array([y[0], y[1], y[1], y[0]]),
        "line_width": np.full(4, 2.5),
    }
