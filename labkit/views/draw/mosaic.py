"""Many images as one picture, and windows drawn over each: the parts of all pictures of DRAW.

Coordinates are pixels of the mosaic: x to the right, and y downwards from 0 as negative numbers, so that the first
image is at the top left.
"""

import holoviews as hv
import numpy as np

from labkit.draw import Window
from labkit.views.palette import EDGE, PAST
from labkit.views.pixels import packed as packed  # imported here for the modules that send a mosaic

GAP = 2  # pixels between images
BETWEEN = 190  # grey between images: lighter than an empty canvas and darker than paper, so both have an edge
ROOM = 0.05  # height of the labels above a row, as a fraction of its width: labels do not shrink on a narrow page
INSET = 0.3  # pixels between an outline and the image's edge: Bokeh does not erase what is outside the frame
THIN, THICK = 0.8, 5.0  # line widths of a window, in points


def tiles(images: np.ndarray, columns: int, ground: int = 255) -> np.ndarray:
    """Return images (N, C, H, W) in [0, 1] in rows as uint8 (rows (H + gap) - gap, .., 3); a single channel is ink."""
    n, c, h, w = images.shape
    rows = -(-n // columns)
    shades = 255 * (1 - images if c == 1 else images)
    rgb = np.broadcast_to(np.clip(shades, 0, 255), (n, 3, h, w)).transpose(0, 2, 3, 1).astype(np.uint8)
    out = np.full((rows * columns, h + GAP, w + GAP, 3), ground, np.uint8)
    out[:n, :h, :w] = rgb
    out = out.reshape(rows, columns, h + GAP, w + GAP, 3).swapaxes(1, 2)
    return out.reshape(rows * (h + GAP), columns * (w + GAP), 3)[: -GAP or None, : -GAP or None]


def aspect(rows: int, columns: int, height: int, width: int) -> float:
    """Return the width of a mosaic divided by its height."""
    return (columns * (width + GAP) - GAP) / (rows * (height + GAP) - GAP)


def aspect_in_words(count: int, height: int, width: int) -> float:
    """Return the width divided by the height, for a row of images with labels above."""
    across = count * (width + GAP) - GAP
    return across / (height + ROOM * across)


def words(texts: tuple[str, ...], height: int, width: int) -> hv.Labels:
    """Return the labels of the images in a row."""
    middle = ROOM * (len(texts) * (width + GAP) - GAP) / 2
    places = [(i * (width + GAP) + width / 2, middle, text) for i, text in enumerate(texts)]
    return hv.Labels(places, label="words").opts(text_font_size="14px", text_color=PAST)


def in_words(layers: list, count: int, height: int, width: int) -> hv.Overlay:
    """Return layers over a row of images, with space for the labels."""
    across = count * (width + GAP) - GAP
    return hv.Overlay(layers).opts(show_legend=False, xlim=(0, across), ylim=(-height, ROOM * across))


def shaded(image: np.ndarray) -> np.ndarray:
    """Return an image of any scale as one in [0, 1], with its darkest pixel black."""
    return (image / max(float(np.abs(image).max()), 1e-6)).clip(0, 1)


def enlarged(patch: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a patch (C, n, n) enlarged to the size of an image, in squares."""
    rows, columns = (np.arange(size) * patch.shape[-1] // size for size in (height, width))
    return patch[:, rows][:, :, columns]


def picture(rgb: np.ndarray, label: str) -> hv.RGB:
    """Return a mosaic as the layer `label`; its column `image` accepts `packed` arrays."""
    h, w = rgb.shape[:2]
    return hv.RGB(rgb, bounds=(0, -h, w, 0), label=label).opts(xaxis=None, yaxis=None)


def corner(i: np.ndarray | int, columns: int, height: int, width: int) -> tuple:
    """Return left and top of images i in the mosaic, top counted downwards."""
    return i % columns * (width + GAP), i // columns * (height + GAP)


def boxes(window: Window, n: int, place: tuple, height: int, width: int) -> dict[str, np.ndarray]:
    """Return the outlines of windows over images as line segments, thicker for narrower filters.

    Args:
        window: fields (B,).
        n: filters along an axis; the outline is half a stride outside the first and the last of them.
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


def centre(window: Window) -> str:
    """Return where the first window of a batch is centred, as words."""
    x, y = (float(field[0]) for field in (window.center_x, window.center_y))
    return f"at x = {x:.1f} and y = {y:.1f}"


def no_boxes() -> dict[str, np.ndarray]:
    """Return the outlines of no window."""
    return {name: np.zeros(0) for name in ("x0", "y0", "x1", "y1", "line_width")}


def outline(label: str, color: str) -> hv.Segments:
    """Return a layer for `boxes`. It starts with two segments of different widths, or Bokeh would make the width one
    number."""
    ends = ["x0", "y0", "x1", "y1"]
    columns = {name: np.zeros(2) for name in ends} | {"width": np.array([1.0, 2.0])}
    return hv.Segments(columns, ends, "width", label=label).opts(color=color, line_width="width", show_legend=False)


def mark(label: str) -> hv.Segments:
    """Return a layer for the outline of the selected image."""
    return outline(label, EDGE)


def framed(left: int, top: int, height: int, width: int) -> dict[str, np.ndarray]:
    """Return one image's outline as columns, inside its edge by the width of a thick line."""
    inset = 0.035 * max(height, width)
    x, y = (left + inset, left + width - inset), (-top - inset, -top - height + inset)
    return {
        "x0": np.array([x[0], x[1], x[1], x[0]]),
        "y0": np.array([y[0], y[0], y[1], y[1]]),
        "x1": np.array([x[1], x[1], x[0], x[0]]),
        "y1": np.array([y[0], y[1], y[1], y[0]]),
        "line_width": np.full(4, 2.5),
    }
