"""Grids of images and animations of a drawing, as pixels for files, notebooks and pages.

sheet(images)               samples in a grid
strip(trace)                one row per image: its canvas after each step
animation(trace)            the grid after each step, as frames
neighbours(images, train)   the nearest training images, to see what the network may have memorised

Images are [N, C, H, W] with one channel or three, uint8 or floats in [0, 1], of numpy or torch. Pictures are uint8 [H',
W', 3]. The write window is a red frame, half a stride beyond its outer filters. The smaller sigma, the thicker its
line.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import ImageColor

from labkit.views.palette import WRITE

SIDE = 112  # approximate size of an enlarged image, in pixels
WIDE = 1600  # maximum width of a picture in pixels, if possible
GAP = 2  # pixels between two images
PAPER = 255  # white: an empty canvas is grey, an image may be black
PEN = ImageColor.getrgb(WRITE)
LINE = 0.04  # the thickest line, as a fraction of an image's side
CHUNK = 2_000  # number of training images compared at a time


@runtime_checkable
class TensorLike(Protocol):
    """An image array of torch, which is not imported here: commands that read no tensor start sooner."""

    def numpy(self, *, force: bool = False) -> np.ndarray: ...


def sheet(images: Any, columns: int | None = None, *, scale: int | None = None, beside: Any = None) -> np.ndarray:
    """Return the images in rows, from left to right.

    Args:
        columns: images per row; None makes the grid a square.
        scale: pixels of the picture per pixel of an image, along both axes.
        beside: one more image per row, after a gap, for example the neighbour of its last image.

    Raises:
        ValueError: not images, pixels out of range, no column, or not one image in `beside` per row.
    """
    pixels = _pixels(images)
    columns = _columns(columns, len(pixels))
    scale = _scale(pixels, columns) if scale is None else scale
    return _arranged(_enlarged(pixels, scale), columns, None if beside is None else _enlarged(_pixels(beside), scale))


def strip(trace: Any, *, window: bool = True, most: int = 12, scale: int | None = None) -> np.ndarray:
    """Return the canvases over time: one row per image, one column per step.

    Args:
        trace: a pass of DRAW: images [T, N, C, H, W], and `write`, its windows or None.
        window: whether to mark the window of each stroke.
        most: maximum number of columns, evenly spaced and including the last step.
    """
    every = _steps(trace)
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int)).tolist()
    scale = _scale(every[0], len(chosen)) if scale is None else scale
    tiles = [_marked(_enlarged(every[t], scale), trace, t, scale, window) for t in chosen]
    return _arranged(np.stack(tiles, 1).reshape(-1, *tiles[0].shape[1:]), len(chosen))


def animation(
    trace: Any, window: bool = True, *, columns: int | None = None, scale: int | None = None, beside: Any = None
) -> list[np.ndarray]:
    """Return the sheet after every step with the stroke's window, and the last sheet again without it: T + 1 frames."""
    every = _steps(trace)
    columns = _columns(columns, len(every[0]))
    scale = _scale(every[0], columns) if scale is None else scale
    last = None if beside is None else _enlarged(_pixels(beside), scale)
    shown = [_marked(_enlarged(pixels, scale), trace, t, scale, window) for t, pixels in enumerate(every)]
    return [_arranged(tiles, columns, last) for tiles in [*shown, _enlarged(every[-1], scale)]]


def neighbours(images: Any, train: Any) -> np.ndarray:
    """Return the index of the training image nearest to each image, in squared Euclidean distance.

    Raises:
        ValueError: there are no training images, or they have another size.
    """
    ours, theirs = _array(images), _array(train)
    if not len(theirs) or ours.shape[1:] != theirs.shape[1:]:
        wanted = f"training images (n, {', '.join(map(str, ours.shape[1:]))})"
        raise ValueError(f"{wanted} are needed, got {theirs.shape}; use the data set that the network was trained on")
    x = _unit(ours).reshape(len(ours), -1)
    best, index = np.full(len(x), np.inf), np.zeros(len(x), dtype=np.int64)
    for begin in range(0, len(theirs), CHUNK):
        y = _unit(theirs[begin : begin + CHUNK]).reshape(-1, x.shape[1])
        away = (y * y).sum(1) - 2 * x @ y.T  # |x|^2 is the same for all training images
        nearest = away.argmin(1)
        closer = away[np.arange(len(x)), nearest] < best
        index[closer] = begin + nearest[closer]
        best[closer] = away[closer, nearest[closer]]
    return index


def square(n: int) -> int:
    """Return the number of columns of a roughly square grid."""
    return int(np.ceil(np.sqrt(n)))


def _columns(asked: int | None, n: int) -> int:
    if asked is not None and asked < 1:
        raise ValueError(f"columns must be >= 1, got {asked}")
    return square(n) if asked is None else asked


def row_ends(n: int, columns: int) -> list[int]:
    """Return the last image of each row; its neighbour is shown after the row."""
    return [min(begin + columns, n) - 1 for begin in range(0, n, columns)]


def _array(images: Any) -> np.ndarray:
    return images.numpy(force=True) if isinstance(images, TensorLike) else np.asarray(images)


def _unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float64) / (255 if images.dtype == np.uint8 else 1)


def _steps(trace: Any) -> list[np.ndarray]:
    return [_pixels(images) for images in trace.images]


def _pixels(images: Any) -> np.ndarray:
    """Return images as uint8 [N, H, W, 3]."""
    found = _array(images)
    if found.ndim != 4 or not found.size or found.shape[1] not in (1, 3):
        raise ValueError(f"images must be (n, 1 or 3, height, width), got {found.shape}")
    if found.dtype != np.uint8:
        if not ((found >= 0) & (found <= 1)).all():  # false for NaN
            raise ValueError("pixels must be uint8, or floats in [0, 1] without NaN; divide grey values by 255")
        found = np.rint(255 * found.astype(np.float64)).astype(np.uint8)
    return np.broadcast_to(found.transpose(0, 2, 3, 1), (len(found), *found.shape[2:], 3))


def _scale(pixels: np.ndarray, columns: int) -> int:
    high, wide = pixels.shape[1:3]
    return max(1, min(round(SIDE / max(high, wide)), WIDE // (columns * wide)))


def _enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 1).repeat(scale, 2)


def _marked(tiles: np.ndarray, trace: Any, t: int, scale: int, window: bool) -> np.ndarray:
    """Return the enlarged images with the frame of the window that wrote at step t."""
    if not window or trace.write is None:
        return tiles
    y, x, stride, sigma = (_array(field[t]) for field in trace.write[:4])
    n, (high, wide) = trace.patch.shape[-1], tiles.shape[1:3]
    reach = n * stride / 2 if n > 1 else np.maximum(2 * sigma, 0.5)
    # a pixel's centre is half a pixel from its corner; the frame stays in its image, so that its edges are visible
    left, right = (np.rint(scale * (x + side * reach + 0.5)).clip(0, wide).astype(int) for side in (-1, 1))
    top, bottom = (np.rint(scale * (y + side * reach + 0.5)).clip(0, high).astype(int) for side in (-1, 1))
    line = np.rint(LINE * max(high, wide) / (1 + sigma)).astype(int).clip(1)
    out = tiles.copy()
    for i, tile in enumerate(out):
        _box(tile, _side(top[i], bottom[i], high), _side(left[i], right[i], wide), int(line[i]))
    return out


def _side(begin: np.integer, end: np.integer, size: int) -> tuple[int, int]:
    """Return begin and end of a side, at least one pixel long and inside the image."""
    begin = min(int(begin), size - 1)
    return begin, max(int(end), begin + 1)


def _box(tile: np.ndarray, rows: tuple[int, int], columns: tuple[int, int], line: int) -> None:
    """Draw a frame into the tile; its inside does not change."""
    (top, bottom), (left, right) = rows, columns
    inside = np.s_[top + line : max(bottom - line, 0), left + line : max(right - line, 0)]
    kept = tile[inside].copy()
    tile[top:bottom, left:right] = PEN
    tile[inside] = kept


def _arranged(tiles: np.ndarray, columns: int, beside: np.ndarray | None = None) -> np.ndarray:
    """Return tiles [N, h, w, 3] arranged in rows on a background."""
    ends = row_ends(len(tiles), columns)
    if beside is not None and beside.shape != (len(ends), *tiles.shape[1:]):
        raise ValueError(
            f"`beside` must have one image of the same size for each of {len(ends)} rows, got {len(beside)}"
        )
    rows = [_row(tiles[end // columns * columns : end + 1], columns) for end in ends]
    if beside is not None:
        gap = np.full((tiles.shape[1], 4 * GAP, 3), PAPER, dtype=np.uint8)
        rows = [np.concatenate([row, gap, each], 1) for row, each in zip(rows, beside, strict=True)]
    line = np.full((GAP, rows[0].shape[1], 3), PAPER, dtype=np.uint8)
    return np.concatenate([part for row in rows for part in (line, row)][1:])


def _row(tiles: np.ndarray, columns: int) -> np.ndarray:
    blank = np.full_like(tiles[0], PAPER)
    line = blank[:, :1].repeat(GAP, 1)
    full = [*tiles, *[blank] * (columns - len(tiles))]
    return np.concatenate([part for tile in full for part in (line, tile)][1:], 1)
