"""Colours as bytes."""

import numpy as np
from PIL import ImageColor

Shade = tuple[int, int, int, int]  # red, green, blue and opacity


def rgba(color) -> Shade:
    """Return a colour in bytes from a name, a hex code, or a tuple of bytes or numbers in [0, 1]."""
    if isinstance(color, tuple | list | np.ndarray):
        whole = all(c <= 1 for c in color) and any(isinstance(c, float) for c in color)
        red, green, blue, *alpha = [round(c * 255) if whole else round(c) for c in color[:3]] + list(color[3:])
        return red, green, blue, round(255 * alpha[0]) if alpha else 255
    return (0, 0, 0, 0) if color == "transparent" else ImageColor.getcolor(color, "RGBA")
