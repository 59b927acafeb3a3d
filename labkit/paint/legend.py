"""The legend: one cell per label, in the colour of the layer's middle item."""

from collections.abc import Mapping
from numbers import Real

from labkit.paint.axes import Axes, Theme
from labkit.paint.drawing import Sheet
from labkit.paint.glyphs import GLYPHS
from labkit.paint.layers import Layer
from labkit.paint.strokes import FINE, Canvas
from labkit.paint.ticks import Scale
from labkit.paint.words import extent, write

SIDES = "left", "right", "top", "bottom"  # positions outside the axes; the others are corners inside
SAMPLES = {  # in a box from 0 to 1
    "line": {"x": [0, 1], "y": [0.5, 0.5]},
    "patch": {"x": [0.1, 0.9, 0.9, 0.1], "y": [0.1, 0.1, 0.9, 0.9]},
    "marker": {"x": [0.5], "y": [0.5]},
    "segment": {"x0": [0], "y0": [0.5], "x1": [1], "y1": [0.5]},
    "path": {"xs": [[0, 1]], "ys": [[0.5, 0.5]]},
    "quad": {"left": [0.1], "bottom": [0.1], "right": [0.9], "top": [0.9]},
    "span": {"y": [0.5]},
}


def rows(layers: list[Layer], titles: Mapping[str, str] = {}) -> dict[str, Layer]:
    """Return the layers of the legend, by the text for each.

    Args:
        titles: label -> text, as HoloViews' `legend_labels`; other labels are their own text.
    """
    first = {layer.label: layer for layer in reversed(layers) if layer.label and layer.glyph in SAMPLES}
    return {
        titles.get(label, label): layer
        for label, layer in reversed(first.items())
        if layer.plot.get("show_legend", True) and layer.style.get("visible", True)
    }


def draw(named: dict[str, Layer], unit: Real, theme: Theme, columns: int = 1) -> Sheet:
    """Return the legend of these layers, arranged in `columns` columns."""
    high, sample, gap = round(23 * unit), round(30 * unit), round(8 * unit)
    wide, down = _cell(named, unit), -(-len(named) // columns)
    image = theme.blank((wide * min(columns, len(named)), high * down + gap))
    for i, (label, layer) in enumerate(named.items()):
        left, middle = i // down * wide + gap, gap // 2 + (i % down + 0.5) * high
        image.paste(_swatch(layer, (sample, high - 4), unit, theme), (left, round(middle - 0.5 * high) + 2))
        write(image, (left + sample + gap, middle), label, 15 * unit, theme.ink, "lm")
    return image


def columns(named: dict[str, Layer], unit: Real, room: Real) -> int:
    """Return how many columns of the legend fit into a width, at least 1."""
    return max(1, min(len(named), int(room / _cell(named, unit))))


def inside(size: tuple[int, int], box: tuple[int, int, int, int], where: str, gap: int) -> tuple[int, int]:
    """Return the corner of a legend of that size in the box of the axes; where: "top_right", "bottom_left", ..."""
    (wide, high), (left, top, right, bottom) = size, box
    across = left + gap if "left" in where else right - gap - wide
    return across, bottom - gap - high if "bottom" in where else top + gap


def outside(
    size: tuple[int, int], box: tuple[int, int, int, int], where: str, gap: int, whole: tuple[int, int]
) -> tuple[int, int]:
    """Return the corner of a legend of that size on a side of the box, see `SIDES`, in a picture of size `whole`."""
    (wide, high), (left, top, right, _) = size, box
    if where in ("left", "right"):
        return (right + gap if where == "right" else 0), top
    return max(0, min(left, whole[0] - wide)), top - gap - high if where == "top" else whole[1] - high


def _cell(named: dict[str, Layer], unit: Real) -> int:
    return max(extent(label, 15 * unit)[0] for label in named) + round(30 * unit) + 3 * round(8 * unit)


def _swatch(layer: Layer, size: tuple[int, int], unit: Real, theme: Theme) -> Sheet:
    one = Scale(0, 1)
    image = theme.blank((size[0] * FINE, size[1] * FINE))
    sample = {k: v[len(v) // 2 :][:1] for k, v in layer.columns.items() if k.endswith("color") and len(v)}
    canvas = Canvas(Axes((0, 0, *size), one, one, [], [], {}), unit, image)
    GLYPHS[layer.glyph](canvas, layer, SAMPLES[layer.glyph] | sample)
    return image.reduce(FINE)
