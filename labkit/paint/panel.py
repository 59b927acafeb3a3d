"""One pair of axes and its layers. The layers below the first changing layer are drawn once."""

from numbers import Real

import numpy as np
from PIL import Image

from labkit.contrast import legible
from labkit.paint import axes, legend
from labkit.paint.drawing import Drawing, Sheet, pen
from labkit.paint.glyphs import GLYPHS, each
from labkit.paint.layers import Layer, layers
from labkit.paint.shades import rgba
from labkit.paint.source import declared
from labkit.paint.strokes import FINE, Canvas
from labkit.paint.ticks import Scale, scale
from labkit.paint.words import write

VEIL = 215  # opacity of the legend, of 255: the picture below it stays visible
SIDES = {"x": ("x", "x0", "x1", "left", "right"), "y": ("y", "y0", "y1", "bottom", "top")}


class Panel:
    """An element or an overlay, drawn into a picture of a given size."""

    def __init__(self, picture, size: tuple[int, int], theme: axes.Theme, scale: int = 1):
        self.layers, self.options = layers(picture), declared(picture)
        self.size, self.theme, self.unit = size, theme, axes.unit_of(size, scale)
        self.axes: axes.Axes | None = None
        self._legend, self._where = self._keyed(), str(self.options.get("legend_position") or "top_right")
        self.fine = FINE if scale == 1 else 2  # more pixels need less of it, and much memory
        self._base: tuple[int, Sheet, list] | None = None

    def fit(self, shown: list[dict]) -> None:
        """Lay out the axes. Limits that the options leave open are chosen so that all these columns fit."""
        o = self.options
        words = self.unit * (o.get("fontscale") or 1)
        drawn = [
            renewed
            for layer in self.layers
            for columns in shown
            if not _is_flat(layer, renewed := layer.renewed(columns.get(layer.label, {})))
        ]
        self.axes = axes.lay_out(self.size, words, self._scale("x", drawn), self._scale("y", drawn), o, self.beside)
        self._around, self._base = axes.surround(self.size, words, self.axes, self.theme), None
        left, top, right, bottom = self.axes.box
        self._scratch = self.theme.blank(((right - left) * self.fine, (bottom - top) * self.fine))

    @property
    def beside(self) -> dict[str, int]:
        """How many pixels a legend outside the axes takes, by the side of the axes."""
        if self._legend is None or self._where not in legend.SIDES:
            return {}
        size = self._legend.width if self._where in ("left", "right") else self._legend.height
        return {self._where: round(size + 2 * self.unit)}

    def _scale(self, side: str, drawn: list[dict]) -> Scale:
        o, glyphs = self.options, {layer.glyph for layer in self.layers}
        values = np.concatenate([np.zeros(0), *(_reach(c, side) for c in drawn)])
        given = o.get(f"{side}lim") or (None, None)
        if side == "y" and glyphs & {"quad", "patch"} and given[0] is None and np.nanmin(values, initial=1) == 0:
            given = (None if o.get("logy") else 0, given[1])  # bars and areas start at the axis
        found = scale(given, values, bool(o.get(f"log{side}")), 0 if "image" in glyphs else 0.05)
        return Scale(found.high, found.low, found.log) if o.get(f"invert_{side}axis") else found

    def frame(self, columns: dict) -> Sheet:
        """Return the panel with these columns, by layer."""
        if self.axes is None:
            self.fit([columns])
        moving = [layer.label in columns for layer in self.layers]
        first = moving.index(True) if True in moving else len(moving)
        canvas = self._still(first)
        for layer in self.layers[first:]:
            _draw(canvas, layer, columns)
        image = self._around.copy()
        image.paste(canvas.image.reduce(self.fine), self.axes.box[:2])
        for layer, c in canvas.texts:
            _write(image, self.axes, self.unit, layer, c, self.theme)
        if self._legend:
            self._put_legend(image)
        return image

    def _still(self, first: int) -> Canvas:
        """Return a canvas with the layers below `first`."""
        if self._base is None or self._base[0] != first:
            image = self.theme.blank(self._scratch.size)
            canvas = Canvas(self.axes, self.unit, image, (), self.fine)
            if self.options.get("show_grid"):
                self._grid(canvas)
            for layer in self.layers[:first]:
                _draw(canvas, layer, {})
            self._base = first, image, canvas.texts
        self._scratch.paste(self._base[1])
        return Canvas(self.axes, self.unit, self._scratch, self._base[2], self.fine)

    def _grid(self, canvas: Canvas) -> None:
        x, y = self.axes.x, self.axes.y
        lines = [canvas.place((v, v), (y.low, y.high)) for v, _ in self.axes.xticks]
        lines += [canvas.place((x.low, x.high), (v, v)) for v, _ in self.axes.yticks]
        canvas.stroke(lines, rgba(self.theme.grid), 1, [])

    def _keyed(self) -> Sheet | None:
        """Return the legend, None if the picture has none."""
        named = legend.rows(self.layers, self.options.get("legend_labels") or {})
        if not named or not self.options["show_legend"]:
            return None
        columns = 1
        if self.options.get("legend_position") in ("top", "bottom"):
            fitting = legend.columns(named, self.unit, self.size[0] - 110 * self.unit)
            columns = min(fitting, self.options.get("legend_cols") or len(named))
        return legend.draw(named, self.unit, self.theme, columns)

    def _put_legend(self, image: Sheet) -> None:
        size, box = self._legend.size, self.axes.box
        if self._where in legend.SIDES:
            image.paste(self._legend, legend.outside(size, box, self._where, round(2 * self.unit), self.size))
            return
        left, top = at = legend.inside(size, box, self._where, round(8 * self.unit))
        image.paste(self._legend, at, Image.new("L", (round(size[0]), round(size[1])), VEIL))
        frame = (left, top, left + size[0] - 1, top + size[1] - 1)
        pen(image).rectangle(frame, outline=self.theme.grid)


def _draw(canvas: Canvas, layer: Layer, columns: dict) -> None:
    if layer.style.get("visible", True):
        before = len(canvas.image.marks) if isinstance(canvas.image, Drawing) else 0
        GLYPHS[layer.glyph](canvas, layer, layer.renewed(columns.get(layer.label, {})))
        if isinstance(canvas.image, Drawing):
            canvas.image.name(before, layer.label)


def _is_flat(layer: Layer, columns: dict) -> bool:
    """Return whether an area has no width, as the bands without numbers of `labkit.views.spans`."""
    return layer.glyph == "patch" and len(columns["x"]) > 0 and float(np.ptp(columns["x"])) == 0


def _reach(columns: dict, side: str) -> np.ndarray:
    """Return every coordinate of a layer along x or y, for limits that the options leave open."""
    found = [np.ravel(columns[k]) for k in SIDES[side] if k in columns]
    found += [np.ravel(part) for part in columns.get(f"{side}s", ())]
    if "image" in columns:
        found.append(found[0] + np.ravel(columns["dw" if side == "x" else "dh"]))
    return np.concatenate([np.zeros(0), *found]).astype(float)


def _write(image: Sheet, on: axes.Axes, unit: Real, layer: Layer, c: dict, theme: axes.Theme) -> None:
    """Write a layer of text at the final size; text anchored outside the box is left out."""
    style, (left, top, right, bottom) = layer.style, on.box
    value = str(style.get("text_font_size", "12pt")).lower()
    size = float(value.rstrip("ptxem")) * (4 / 3 if value.endswith("pt") else 16 if value.endswith("em") else 1)
    anchor = {"left": "l", "right": "r"}.get(style.get("text_align"), "m")
    anchor += {"top": "a", "bottom": "d"}.get(style.get("text_baseline"), "m")
    px, py = on.pixel(c["x"], c["y"])
    paper = rgba(theme.paper)[:3]
    shades = each([legible(s[:3], paper) + s[3:] for s in layer.shades(c, "text", theme.ink)], len(px))
    for x, y, text, shade in zip(px.tolist(), py.tolist(), c["text"], shades, strict=True):
        if left <= x <= right and top <= y <= bottom:
            write(image, (x, y), str(text), size * unit, shade, anchor, style.get("angle", 0))
