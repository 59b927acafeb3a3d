"""What a `Drawing` is made of: areas and lines, discs, texts, images, and groups of these.

All positions and lengths are in pixels, x to the right and y down. `moved(factor, by)` returns a mark whose positions
were multiplied by the factor and shifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
from PIL import Image, ImageFont

from labkit.paint.shades import Shade


@dataclass(frozen=True)
class Look:
    """Colours of an area and of its line, None for none, and the width of the line."""

    fill: Shade | None = None
    line: Shade | None = None
    width: Real = 1

    def grown(self, factor: Real) -> "Look":
        return replace(self, width=self.width * factor)


@dataclass(frozen=True, eq=False)
class Shape:
    """Lines [n, 2], or an area if `closed`. Parts that overlap are painted once."""

    parts: Sequence[np.ndarray]
    closed: bool
    look: Look

    def moved(self, factor: Real, by: np.ndarray) -> "Shape":
        return replace(self, parts=[factor * part + by for part in self.parts], look=self.look.grown(factor))


@dataclass(frozen=True, eq=False)
class Disc:
    """An ellipse with its centre [2] and its radii [2]."""

    at: np.ndarray
    radii: np.ndarray
    look: Look

    def moved(self, factor: Real, by: np.ndarray) -> "Disc":
        return Disc(factor * self.at + by, factor * self.radii, self.look.grown(factor))


@dataclass(frozen=True, eq=False)
class Words:
    """One line of text.

    Attributes:
        at: the point [2] around which the text is turned.
        anchor: which part of the text is at this point: "l", "m" or "r".
        drop: how far the baseline is below this point.
        angle: in degrees, anticlockwise.
    """

    at: np.ndarray
    text: str
    face: ImageFont.FreeTypeFont
    size: Real
    color: Shade
    anchor: str
    drop: Real
    angle: Real = 0

    def moved(self, factor: Real, by: np.ndarray) -> "Words":
        return replace(self, at=factor * self.at + by, size=factor * self.size, drop=factor * self.drop)


@dataclass(frozen=True, eq=False)
class Pixels:
    """An image between two corners [2], the upper left and the lower right one."""

    image: Image.Image
    low: np.ndarray
    high: np.ndarray

    def moved(self, factor: Real, by: np.ndarray) -> "Pixels":
        return Pixels(self.image, factor * self.low + by, factor * self.high + by)


@dataclass(frozen=True, eq=False)
class Group:
    """Marks, lowest first.

    Attributes:
        name: name of the layer, or "".
        box: two corners [2, 2] between which the marks are visible; None without such a limit.
    """

    marks: Sequence["Mark"]
    name: str = ""
    box: np.ndarray | None = None

    def moved(self, factor: Real, by: np.ndarray) -> "Group":
        box = None if self.box is None else factor * self.box + by
        return Group([mark.moved(factor, by) for mark in self.marks], self.name, box)


Mark = Shape | Disc | Words | Pixels | Group
