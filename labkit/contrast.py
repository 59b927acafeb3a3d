"""Whether a text can be read on its paper: the contrast of two colours, and the nearest colour with enough of it.

The contrast follows WCAG 2.1: from 1 for equal colours to 21 for black on white. The module needs no other package,
because pages and painted files use it.
"""

from functools import lru_cache

Color = tuple[int, int, int]  # red, green and blue, from 0 to 255

ENOUGH = 4.5  # the smallest contrast of a text, by WCAG 2.1 AA
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def luminance(one: Color) -> float:
    """Return how bright a colour is, from 0 to 1."""
    shares = [value / 255 for value in one]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=256)
def legible(text: Color, paper: Color) -> Color:
    """Return the colour of a text; if it has too little contrast, the nearest mix with black or white that has enough.

    On a paper between black and white neither may have enough; then it is the one with more.
    """
    ink = max(BLACK, WHITE, key=lambda ink: contrast(ink, paper))
    mixes = (mixed(text, ink, percent / 100) for percent in range(101))
    return next((mix for mix in mixes if contrast(mix, paper) >= ENOUGH), ink)


def mixed(one: Color, other: Color, share: float) -> Color:
    """Return a mix of two colours with this share of the other one."""
    red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(one, other, strict=True))
    return red, green, blue
