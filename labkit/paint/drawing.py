"""A picture of shapes and text instead of pixels. The painter draws on it as on an image of Pillow."""

from numbers import Real

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labkit.paint.marks import Disc, Group, Look, Mark, Pixels, Shape, Words
from labkit.paint.shades import Shade, rgba

ZERO = np.zeros(2)


class Drawing:
    """Marks on paper. Its methods have the names and arguments of Pillow's `Image` and `ImageDraw`.

    Attributes:
        size: width and height.
        paper: colour of the background.
        marks: areas, lines, texts and images, lowest first.
    """

    def __init__(self, size: tuple[Real, Real], paper: str, marks: list[Mark] | None = None):
        self.size, self.paper, self.marks = size, paper, list(marks or [])

    width = property(lambda self: self.size[0])
    height = property(lambda self: self.size[1])

    # as `Image`

    def copy(self) -> "Drawing":
        return Drawing(self.size, self.paper, self.marks)

    def reduce(self, factor: Real) -> "Drawing":
        """Return the drawing in a smaller size."""
        marks = [mark.moved(1 / factor, ZERO) for mark in self.marks]
        return Drawing((self.width / factor, self.height / factor), self.paper, marks)

    def paste(self, other: "Drawing", at: tuple[Real, Real] | None = None, mask: Image.Image | None = None) -> None:
        """Put another drawing at a place, or in place of everything.

        Args:
            mask: its first pixel is the opacity of the other drawing's paper.
        """
        if at is None:
            self.marks = list(other.marks)
            return
        marks = list(other.marks)
        if mask or other.paper != self.paper:
            fill = rgba(other.paper)[:3] + (mask.getpixel((0, 0)) if mask else 255,)
            marks = [Shape([_corners(0, 0, *other.size)], True, Look(fill)), *marks]
        group = Group(marks, "", np.array([(0, 0), other.size], dtype=float))
        self.marks.append(group.moved(1, np.array(at, dtype=float)))

    # as `ImageDraw`

    def line(self, xy, fill, width: Real = 1) -> None:
        self.stroke([np.reshape(np.asarray(xy, dtype=float), (-1, 2))], fill, width)

    def polygon(self, xy, fill=None, outline=None, width: Real = 1) -> None:
        self._area(np.reshape(np.asarray(xy, dtype=float), (-1, 2)), fill, outline, width)

    def rectangle(self, box, fill=None, outline=None, width: Real = 1) -> None:
        """Draw a rectangle. As in Pillow, the box includes its last pixels, and the line lies inside."""
        left, top, right, bottom = box
        inside = width / 2 if outline else 0
        self._area(_corners(left + inside, top + inside, right + 1 - inside, bottom + 1 - inside), fill, outline, width)

    def ellipse(self, box, fill=None, outline=None, width: Real = 1) -> None:
        """Draw an ellipse, with its line inside. One that differs from a circle by rounding only is a circle."""
        low, high = np.reshape(np.asarray(box, dtype=float), (2, 2))
        radii = (high - low) / 2 - (width / 2 if outline else 0)
        if np.ptp(radii) <= 1:
            radii = np.full(2, radii.mean())
        self.marks.append(Disc((low + high) / 2, np.maximum(radii, 0), _look(fill, outline, width)))

    # what pixels do in another way

    def stroke(self, lines: list[np.ndarray], shade, width: Real) -> None:
        """Draw lines [n, 2] of one shade, which do not get darker where they cross."""
        if lines:
            self.marks.append(Shape(lines, False, _look(None, shade, width)))

    def embed(self, image: Image.Image, box: list[float]) -> None:
        """Put an image of pixels into a box (left, top, right, bottom)."""
        self.marks.append(Pixels(image, np.array(box[:2], dtype=float), np.array(box[2:], dtype=float)))

    def write(self, xy, text: str, face: ImageFont.FreeTypeFont, color, anchor: str, angle: Real) -> None:
        """Write text, with its anchor as in Pillow. At an angle xy is the middle."""
        ascent, descent = face.getmetrics()
        lines = text.split("\n")
        pitch = 1.2 * face.size
        drop = {"a": ascent, "m": (ascent - descent) / 2, "d": -descent}[anchor[1] if len(lines) == 1 else "m"]
        for i, line in enumerate(lines):
            below = drop + (i - (len(lines) - 1) / 2) * pitch
            at = np.array(xy, dtype=float)
            self.marks.append(Words(at, line, face, face.size, _shade(color), anchor[0], below, angle))

    def name(self, start: int, name: str) -> None:
        """Make one group of all marks after the first `start` ones."""
        if name and len(self.marks) > start:
            self.marks[start:] = [Group(self.marks[start:], name)]

    def _area(self, points: np.ndarray, fill, outline, width: Real) -> None:
        self.marks.append(Shape([points], True, _look(fill, outline, width)))


Sheet = Image.Image | Drawing
"""What is painted on."""


def pen(image: Sheet, mode: str | None = None):
    """Return what draws on an image or on a drawing."""
    return image if isinstance(image, Drawing) else ImageDraw.Draw(image, mode)


def _look(fill, line, width: Real) -> Look:
    return Look(_shade(fill), _shade(line), width)


def _shade(color) -> Shade | None:
    """Return a colour that is a name, or bytes with or without an opacity."""
    return rgba(color) if isinstance(color, str) else color and (*color, 255)[:4]


def _corners(left: Real, top: Real, right: Real, bottom: Real) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)
