"""Text on a picture. If the machine has no font for it, the text is spelled out in ASCII."""

import unicodedata
from functools import lru_cache
from numbers import Real

from PIL import Image, ImageDraw, ImageFont

from labkit.paint.drawing import Drawing, Sheet

FACES = ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "LiberationSans-Regular.ttf")
SPELLED = {
    "−": "-",
    "–": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "×": "x",
    "∞": "inf",
    "∇": "grad ",
    "√": "sqrt ",
    "∂": "d",
    "·": "-",
}


def spell(text: str) -> str:
    """Return the text in ASCII, for a machine without a font for its letters: "ε²" becomes "epsilon^2"."""
    return "".join(c if c.isascii() else SPELLED.get(c) or _spell_one(c) for c in text)


def _spell_one(character: str) -> str:
    name = unicodedata.name(character, "?")
    if name.startswith("GREEK"):
        word = name.split()[-1].lower()
        return word.capitalize() if "CAPITAL" in name else word
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    mark = {"SUPERSCRIPT": "^", "SUBSCRIPT": "_"}.get(name.split()[0], "")
    return mark + plain if plain else "?"


@lru_cache(maxsize=64)
def _face(size: int, ascii_only: bool) -> ImageFont.FreeTypeFont | None:
    """Return Pillow's own font, which has only ASCII; for other characters a font of the system, or None."""
    if ascii_only:
        return ImageFont.load_default(size=size)
    for name in FACES:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


def _typeset(text: str, size: Real) -> tuple[str, ImageFont.FreeTypeFont]:
    face = _face(max(6, round(size)), text.isascii())
    return (text, face) if face else (spell(text), _face(max(6, round(size)), True))


def extent(text: str, size: Real) -> tuple[int, int]:
    """Return width and height in pixels, also for several lines."""
    text, face = _typeset(text, size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=face)
    return round(right - left), round(bottom - top)


def write(image: Sheet, xy, text: str, size: Real, color, anchor: str = "mm", angle: Real = 0) -> None:
    """Write text at xy, its anchor as in Pillow. At an angle (degrees, anticlockwise) xy is the middle."""
    text, face = _typeset(text, size)
    if isinstance(image, Drawing):
        image.write(xy, text, face, color, anchor, angle)
        return
    if not angle:
        anchor = anchor if "\n" not in text else anchor[0] + "m"
        ImageDraw.Draw(image, "RGBA").text(xy, text, fill=color, font=face, anchor=anchor, align="center")
        return
    side = round(1.5 * max(*extent(text, size), size)) + 4
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).text((side / 2, side / 2), text, fill=255, font=face, anchor="mm")
    mask = mask.rotate(angle, Image.Resampling.BICUBIC)
    corner = (round(xy[0] - side / 2), round(xy[1] - side / 2))
    image.paste(color[:3] if isinstance(color, tuple) else color, corner, mask)
