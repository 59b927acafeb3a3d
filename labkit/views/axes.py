"""Axes for `paint`: themes, text, ticks, and the map from data to pixels."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

import numpy as np
from PIL import Image, ImageDraw, ImageFont

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
}
Ticks = list[tuple[Real, str]]
Numbers = np.ndarray | Real


@dataclass(frozen=True)
class Theme:
    paper: str
    ink: str
    line: str
    grid: str


LIGHT = Theme(paper="#ffffff", ink="#22262b", line="#7a828c", grid="#e7e9ec")
DARK = Theme(paper="#14161a", ink="#d5dae1", line="#7d8590", grid="#2b2f36")


def spell(text: str) -> str:
    """The text in ASCII, for a machine with no font that has its letters: "ε²" becomes "epsilon^2"."""
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
    """Pillow's own face, always there but ASCII only; beyond ASCII a face of the system, or None."""
    if ascii_only:
        return ImageFont.load_default(size=size)
    for name in FACES:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


def typeset(text: str, size: Real) -> tuple[str, ImageFont.FreeTypeFont]:
    face = _face(max(6, round(size)), text.isascii())
    return (text, face) if face else (spell(text), _face(max(6, round(size)), True))


def extent(text: str, size: Real) -> tuple[int, int]:
    """Width and height in pixels, of several lines too."""
    text, face = typeset(text, size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=face)
    return round(right - left), round(bottom - top)


def write(image: Image.Image, xy, text: str, size: Real, color, anchor: str = "mm", angle: Real = 0) -> None:
    """Write at xy, which is Pillow's anchor of the text, or its middle at an angle (degrees, anticlockwise)."""
    text, face = typeset(text, size)
    if not angle:
        draw = ImageDraw.Draw(image, "RGBA")
        draw.text(
            xy, text, fill=color, font=face, anchor=anchor if "\n" not in text else anchor[0] + "m", align="center"
        )
        return
    side = round(1.5 * max(*extent(text, size), size)) + 4
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).text((side / 2, side / 2), text, fill=255, font=face, anchor="mm")
    mask = mask.rotate(angle, Image.Resampling.BICUBIC)
    image.paste(
        color[:3] if isinstance(color, tuple) else color, (round(xy[0] - side / 2), round(xy[1] - side / 2)), mask
    )


@dataclass(frozen=True)
class Scale:
    """Limits of one axis; low > high turns it round."""

    low: Real
    high: Real
    log: bool = False

    def __call__(self, values) -> Numbers:
        """Where values lie between low (0) and high (1)."""
        values = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values, low, high = np.log10(values), np.log10(low), np.log10(high)
        return (values - low) / (high - low)

    def ticks(self, count: int) -> Ticks:
        """About `count` round values with their labels."""
        low, high = sorted((self.low, self.high))
        return log_ticks(low, high, count) if self.log else linear_ticks(low, high, count)


def linear_ticks(low: Real, high: Real, count: int) -> Ticks:
    """Multiples of 1, 2 or 5 times a power of ten, at most `count` + 1 of them."""
    raw = (high - low) / max(count, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    values = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    largest = max(abs(low), abs(high))
    exponent = int(np.floor(np.log10(step)))
    if largest >= 1e6 or step < 1e-4:
        digits = max(0, int(np.floor(np.log10(largest))) - exponent)
        return [(float(v), scientific(v, digits)) for v in values]
    return [(float(v), f"{v + 0.0:.{max(0, -exponent)}f}") for v in values]


def scientific(value: Real, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return "0" if float(value) == 0 else f"{mantissa}e{int(exponent)}"


def log_ticks(low: Real, high: Real, count: int) -> Ticks:
    """Powers of ten, thinned to about `count`; 1, 2, 5 within fewer than two decades."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    few = last - first <= 2
    stride = max(1, -(-(last - first) // max(count, 1)))
    values = [m * 10.0**k for k in range(first, last + 1, stride) for m in ((1, 2, 5) if few else (1,))]
    inside = [v for v in values if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
    return [(v, f"{v:g}" if 1e-4 < v < 1e5 else scientific(v, 0)) for v in inside]


def scale(limits: tuple | None, values: np.ndarray, log: bool = False, pad: Real = 0.05) -> Scale:
    """Limits as given; an end that is None comes from the finite values, padded; constant values get room."""
    low, high = limits or (None, None)
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if log and any(end is not None and end <= 0 for end in (low, high)):
        raise ValueError(
            f"limits of a logarithmic axis must be > 0, got {(low, high)}; give positive limits or drop log"
        )
    values = np.log10(values) if log else values
    ends = [np.log10(end) if log and end is not None else end for end in (low, high)]
    known = [end for end in ends if end is not None] if values.size == 0 else values
    least, most = (float(np.min(known)), float(np.max(known))) if len(known) else (0.0, 1.0)
    room = pad * (most - least)
    low = float(ends[0]) if ends[0] is not None else least - room
    high = float(ends[1]) if ends[1] is not None else most + room
    if high == low:
        low, high = low - max(0.5, 0.05 * abs(low)), high + max(0.5, 0.05 * abs(high))
    return Scale(10**low, 10**high, True) if log else Scale(low, high)


@dataclass(frozen=True, eq=False)
class Axes:
    """A box (left, top, right, bottom) in pixels, the scales of its sides, and what is written around it."""

    box: tuple[int, int, int, int]
    x: Scale
    y: Scale
    xticks: Ticks
    yticks: Ticks
    words: dict

    def pixel(self, x, y) -> tuple[Numbers, Numbers]:
        """Pixel coordinates of data, counted from the picture's upper left corner; whole numbers are pixel edges."""
        left, top, right, bottom = self.box
        return left + self.x(x) * (right - left), bottom - self.y(y) * (bottom - top)


def lay_out(size: tuple[int, int], unit: Real, x: Scale, y: Scale, options: dict) -> Axes:
    """Room for the words that the options ask for; the rest is the box.

    Args:
        unit: text is 15 unit pixels high at the ticks, 17 at the labels and 19 in the title.
        options: of HoloViews: title, xlabel, ylabel, xticks, yticks, xaxis, yaxis, aspect, data_aspect.
    """
    (width, height), gap = size, round(8 * unit)
    xticks = _ticks(x, options.get("xticks"), int(width / (95 * unit))) if _shown(options, "xaxis") else []
    yticks = _ticks(y, options.get("yticks"), int(height / (58 * unit))) if _shown(options, "yaxis") else []
    words = {"title": options.get("title") or "", "frame": options.get("show_frame") is not False}
    words |= {k: (options.get(f"{k}label") or "") if _shown(options, f"{k}axis") else "" for k in "xy"}
    left = gap + max([extent(label, 15 * unit)[0] + gap for _, label in yticks] or [0])
    bottom = gap + (round(23 * unit) if xticks else 0) + (round(25 * unit) if words["x"] else 0)
    top = gap + (round(30 * unit) if words["title"] else round(4 * unit))
    left += round(28 * unit) if words["y"] else 0
    box = (left, top, width - round(20 * unit), height - bottom)
    return Axes(_shaped(box, x, y, options), x, y, xticks, yticks, words)


def _shown(options: dict, axis: str) -> bool:
    return options.get(axis, True) not in (None, False, "bare")


def _ticks(scale: Scale, wanted, count: int) -> Ticks:
    if wanted is None or isinstance(wanted, int):
        return scale.ticks(max(2, min(count, 10)) if wanted is None else wanted)
    pairs = [tick if isinstance(tick, tuple) else (tick, f"{tick:g}") for tick in wanted]
    return [(float(v), str(label)) for v, label in pairs if -1e-9 <= scale(v) <= 1 + 1e-9]


def _shaped(box: tuple, x: Scale, y: Scale, options: dict) -> tuple:
    """The largest box in `box`, centred, of the aspect that the options ask for."""
    aspect, units = options.get("aspect"), options.get("data_aspect")
    if aspect == "equal" or units:
        aspect = abs((x.high - x.low) / (y.high - y.low)) / (units or 1)
    aspect = 1 if aspect == "square" else aspect
    if not isinstance(aspect, int | float):
        return box
    left, top, right, bottom = box
    width = max(1, min(right - left, round((bottom - top) * aspect)))
    height = max(1, min(bottom - top, round(width / aspect)))
    left, top = left + (right - left - width) // 2, top + (bottom - top - height) // 2
    return left, top, left + width, top + height


def surround(size: tuple[int, int], unit: Real, axes: Axes, theme: Theme) -> Image.Image:
    """The picture around the box: frame, ticks and words."""
    image = Image.new("RGB", size, theme.paper)
    draw, (left, top, right, bottom) = ImageDraw.Draw(image), axes.box
    gap, thick = round(8 * unit), max(1, round(unit))
    if axes.words["frame"]:
        draw.rectangle(
            (left - thick, top - thick, right + thick - 1, bottom + thick - 1), outline=theme.line, width=thick
        )
    for value, label in axes.xticks:
        x = int(min(axes.pixel(value, axes.y.low)[0], right - 1))
        draw.line((x, bottom, x, bottom + gap * 0.6), fill=theme.line, width=thick)
        write(image, (x, bottom + gap), label, 15 * unit, theme.ink, "ma")
    for value, label in axes.yticks:
        y = int(min(axes.pixel(axes.x.low, value)[1], bottom - 1))
        draw.line((left - gap * 0.6, y, left, y), fill=theme.line, width=thick)
        write(image, (left - gap, y), label, 15 * unit, theme.ink, "rm")
    across, down = (left + right) / 2, (top + bottom) / 2
    widest = max([extent(label, 15 * unit)[0] + gap for _, label in axes.yticks] or [0])
    below = bottom + (23 * unit if axes.xticks else 0)
    write(image, (across, below + 16 * unit), axes.words["x"], 17 * unit, theme.ink, "mm")
    write(image, (left - widest - 16 * unit, down), axes.words["y"], 17 * unit, theme.ink, angle=90)
    write(image, (across, top - 18 * unit), axes.words["title"], 19 * unit, theme.ink, "mm")
    return image
