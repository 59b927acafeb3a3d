"""Axes for `paint`: themes, space for text, and the map from data to pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from PIL import Image

from labkit.paint.drawing import Drawing, Sheet, pen
from labkit.paint.ticks import Numbers, Scale, Ticks
from labkit.paint.words import extent, write


@dataclass(frozen=True)
class Theme:
    paper: str
    ink: str
    line: str
    grid: str
    vector: bool = False  # whether pictures are made of shapes and text instead of pixels

    def blank(self, size: tuple[int, int]) -> Sheet:
        """Return empty paper."""
        return Drawing(size, self.paper) if self.vector else Image.new("RGB", size, self.paper)


LIGHT = Theme(paper="#ffffff", ink="#22262b", line="#7a828c", grid="#e7e9ec")
DARK = Theme(paper="#14161a", ink="#d5dae1", line="#7d8590", grid="#2b2f36")


def unit_of(size: tuple[int, int], scale: Real = 1) -> Real:
    """Return how many pixels of a picture correspond to one pixel of Bokeh: 1 at 960 x 540, at least .8.

    Args:
        scale: the size is this many times larger than that of the picture in the reader's eyes.
    """
    return max(0.8 * scale, min(size[0] / 960, size[1] / 540))


@dataclass(frozen=True, eq=False)
class Axes:
    """A box (left, top, right, bottom) in pixels, the scales of its sides, and the text around it."""

    box: tuple[int, int, int, int]
    x: Scale
    y: Scale
    xticks: Ticks
    yticks: Ticks
    words: dict
    above: int = 0  # pixels between the box and its title

    def pixel(self, x, y) -> tuple[Numbers, Numbers]:
        """Return pixel coordinates of data, from the picture's upper left corner. Whole numbers are pixel edges."""
        left, top, right, bottom = self.box
        return left + self.x(x) * (right - left), bottom - self.y(y) * (bottom - top)


def lay_out(
    size: tuple[int, int], unit: Real, x: Scale, y: Scale, options: dict, beside: Mapping[str, int] = {}
) -> Axes:
    """Return axes with space for the text that the options define; the rest of the picture is the box.

    Args:
        unit: text is 15 unit pixels high at the ticks, 17 at the labels and 19 in the title.
        options: of HoloViews: title, xlabel, ylabel, xticks, yticks, xaxis, yaxis, aspect, data_aspect.
        beside: pixels for something else, by the side of the axes: left, right, top or bottom.
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
    left, top = left + beside.get("left", 0), top + beside.get("top", 0)
    box = (left, top, width - round(20 * unit) - beside.get("right", 0), height - bottom - beside.get("bottom", 0))
    return Axes(_shaped(box, x, y, options), x, y, xticks, yticks, words, beside.get("top", 0))


def _shown(options: dict, axis: str) -> bool:
    return options.get(axis, True) not in (None, False, "bare")


def _ticks(scale: Scale, wanted, count: int) -> Ticks:
    if wanted is None or isinstance(wanted, int):
        return scale.ticks(max(2, min(count, 10)) if wanted is None else wanted)
    pairs = [tick if isinstance(tick, tuple) else (tick, f"{tick:g}") for tick in wanted]
    return [(float(v), str(label)) for v, label in pairs if -1e-9 <= scale(v) <= 1 + 1e-9]


def _shaped(box: tuple, x: Scale, y: Scale, options: dict) -> tuple:
    """Return the largest box in `box`, centred, with the aspect in the options."""
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


def surround(size: tuple[int, int], unit: Real, axes: Axes, theme: Theme) -> Sheet:
    """Return the picture around the box: frame, ticks and text."""
    image = theme.blank(size)
    left, top, right, bottom = axes.box
    thick = max(1, round(unit))
    if axes.words["frame"]:
        frame = (left - thick, top - thick, right + thick - 1, bottom + thick - 1)
        pen(image).rectangle(frame, outline=theme.line, width=thick)
    _mark_ticks(image, unit, axes, theme)
    across, down = (left + right) / 2, (top + bottom) / 2
    widest = max([extent(label, 15 * unit)[0] + round(8 * unit) for _, label in axes.yticks] or [0])
    below = bottom + (23 * unit if axes.xticks else 0)
    write(image, (across, below + 16 * unit), axes.words["x"], 17 * unit, theme.ink)
    write(image, (left - widest - 16 * unit, down), axes.words["y"], 17 * unit, theme.ink, angle=90)
    write(image, (across, top - axes.above - 18 * unit), axes.words["title"], 19 * unit, theme.ink)
    return image


def _mark_ticks(image: Sheet, unit: Real, axes: Axes, theme: Theme) -> None:
    draw, (left, _, right, bottom) = pen(image), axes.box
    gap, thick = round(8 * unit), max(1, round(unit))
    for value, label in axes.xticks:
        x = int(min(axes.pixel(value, axes.y.low)[0], right - 1))
        draw.line((x, bottom, x, bottom + gap * 0.6), fill=theme.line, width=thick)
        write(image, (x, bottom + gap), label, 15 * unit, theme.ink, "ma")
    for value, label in axes.yticks:
        y = int(min(axes.pixel(axes.x.low, value)[1], bottom - 1))
        draw.line((left - gap * 0.6, y, left, y), fill=theme.line, width=thick)
        write(image, (left - gap, y), label, 15 * unit, theme.ink, "rm")
