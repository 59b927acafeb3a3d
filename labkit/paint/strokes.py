"""Lines and fills on a canvas that is several times larger than the picture."""

from collections.abc import Iterable
from numbers import Real

import numpy as np
from PIL import Image, ImageDraw

from labkit.paint.axes import Axes
from labkit.paint.drawing import Drawing, Sheet, pen

FINE = 3  # times, by default
FAR = 3e4  # pixels of Bokeh; anything beyond is drawn at this distance


class Canvas:
    """The area inside the axes.

    Attributes:
        image: the image in fine pixels.
        fine: number of fine pixels for one pixel of the picture.
        unit: number of fine pixels for one pixel of Bokeh.
        texts: texts to write at the final size, above everything.
    """

    def __init__(self, axes: Axes, unit: Real, image: Sheet, texts: Iterable = (), fine: int = FINE):
        self.axes, self.image, self.texts = axes, image, list(texts)
        self.fine, self.unit = fine, unit * fine
        self.draw = pen(image, "RGBA")

    def place(self, x, y) -> np.ndarray:
        """Return the fine pixels [n, 2] of data [n], [n]."""
        (left, top), far = self.axes.box[:2], FAR * self.unit
        x, y = self.axes.pixel(x, y)
        return np.clip(np.stack(np.broadcast_arrays(x - left, y - top), -1) * self.fine, -far, far)

    def thick(self, width: Real) -> int:
        """Return the width of a line in fine pixels."""
        return max(1, round(width * self.unit))

    def stroke(self, lines: list[np.ndarray], shade: tuple, width: Real, dash: list[float]) -> None:
        """Draw lines [n, 2] of one shade. Where translucent lines cross, they are not darker."""
        lines = [part for line in lines for part in unbroken(line)]
        if dash:
            lines = [d for line in lines for d in dashes(line, [length * self.unit for length in dash])]
        thick = self.thick(width)
        if isinstance(self.image, Drawing):
            self.image.stroke(lines, shade, thick)
            return
        if shade[3] == 255 or not lines:
            for line in lines:
                polyline(self.draw, line, shade, thick)
            return
        reach = np.concatenate(lines)
        low = np.clip(np.floor(reach.min(0)) - thick, 0, self.image.size).astype(int)
        high = np.clip(np.ceil(reach.max(0)) + thick + 1, low + 1, np.maximum(self.image.size, low + 1)).astype(int)
        mask = Image.new("L", tuple((high - low).tolist()))
        for line in lines:
            polyline(ImageDraw.Draw(mask), line - low, shade[3], thick)
        self.image.paste(shade[:3], tuple(low.tolist()), mask)

    def fill(self, polygon: np.ndarray, shade: tuple) -> None:
        """Fill a polygon [n, 2]."""
        if len(polygon) > 2 and shade[3]:
            self.draw.polygon(np.rint(polygon).ravel().tolist(), fill=shade)


def unbroken(line: np.ndarray) -> list[np.ndarray]:
    """Return the parts [n, 2] of a line between its gaps, which are rows that are not finite."""
    good = np.isfinite(line).all(1)
    if good.all():
        return [line] if len(line) > 1 else []
    parts = [part[np.isfinite(part).all(1)] for part in np.split(line, np.flatnonzero(~good))]
    return [part for part in parts if len(part) > 1]


def dashes(line: np.ndarray, pattern: list[float]) -> list[np.ndarray]:
    """Return the dashes of a line; pattern: lengths on, off, on, off, ... along the line."""
    pattern = pattern * 2 if len(pattern) % 2 else pattern
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts, ends = np.cumsum([0, *pattern[:-1]])[::2], np.cumsum(pattern)[::2]
    laps = np.arange(0, along[-1], max(sum(pattern), 1e-9))[:20_000, None]
    spans = np.stack([(laps + starts).ravel(), np.minimum((laps + ends).ravel(), along[-1])], 1)
    found = []
    for start, end in spans[spans[:, 0] < along[-1]]:
        first, last = np.searchsorted(along, (start, end), side="right")
        at = np.concatenate([[start], along[first:last], [end]])
        found.append(np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], 1))
    return found


def polyline(draw: ImageDraw.ImageDraw, line: np.ndarray, fill, width: int) -> None:
    """Draw a line with rounded sharp corners (Pillow leaves notches there)."""
    draw.line(np.rint(line).ravel().tolist(), fill=fill, width=width)
    if width < 4 or len(line) < 3:
        return
    step = np.diff(line, axis=0)
    (ax, ay), (bx, by) = step[:-1].T, step[1:].T
    sharp = np.abs(np.arctan2(ax * by - ay * bx, ax * bx + ay * by)) > 0.25
    half = (width - 1) / 2
    for x, y in np.rint(line[1:-1][sharp]).tolist():
        draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)
