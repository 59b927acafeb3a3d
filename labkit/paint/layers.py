"""Layers: the columns, options and colours from which the glyph of an element is drawn."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import holoviews as hv
import numpy as np
from holoviews.plotting.util import process_cmap

from labkit.paint.shades import rgba
from labkit.paint.source import SOURCES, elements, options
from labkit.private.holoviews import column_name

DASHES = {"dashed": [6], "dotted": [2, 4], "dotdash": [2, 4, 6, 4], "dashdot": [6, 4, 2, 4]}


@dataclass(frozen=True, eq=False)
class Layer:
    """One element: its columns under Bokeh's names, `names` (dimension -> column), and its options."""

    label: str
    glyph: str
    columns: dict
    names: dict
    style: dict
    plot: dict

    def renewed(self, given: dict) -> dict:
        """Return the columns, with the given ones in place of the layer's own.

        Bars and histograms get their four sides.

        Raises:
            ValueError: the columns have unequal lengths.
        """
        if not set(self.names.values()) <= set(given):
            given = {self.names.get(name, name): values for name, values in given.items()}
        columns = self.columns | given
        if self.glyph != "image":
            lengths = {k: len(v) for k, v in columns.items() if k in self.columns and hasattr(v, "__len__")}
            if len(set(lengths.values())) > 1:
                raise ValueError(
                    f"columns of layer {self.label!r} must be equally long, got {lengths}; give all of them"
                )
        return _sides(columns, self.style) if self.glyph == "quad" else columns

    def look(self, columns: dict, kind: str, what: str, default):
        """Return a property from the columns or the style; "line_color" has priority over "color"."""
        for name in (f"{kind}_{what}", what):
            for place in (columns, self.style):
                if name in place:
                    return place[name]
        return default

    def shades(self, columns: dict, kind: str, default="#1f77b4") -> list[tuple]:
        """Return RGBA of the lines, fills or texts: an empty list, one for all, or one for each."""
        color, alpha = self.look(columns, kind, "color", default), self.look(columns, kind, "alpha", 1.0)
        if color is None:
            return []
        many = np.ndim(color) and not isinstance(color, tuple)
        if many and np.asarray(color).dtype.kind in "iufb":
            found = [tuple(row) for row in self.mapped(color).tolist()]
        else:
            found = [rgba(c) for c in color] if many else [rgba(color)]
        if np.ndim(alpha):
            found = found * len(alpha) if len(found) == 1 else found
            return [(*c[:3], round(c[3] * float(a))) for c, a in zip(found, alpha, strict=True)]
        return found if alpha == 1 else [(*c[:3], round(c[3] * alpha)) for c in found]

    def mapped(self, values) -> np.ndarray:
        """Return the colours of values by the colour map, uint8 [..., 4]; NaN is transparent."""
        values, table = np.asarray(values, dtype=float), palette(self.style.get("cmap", "gray"))
        own = np.asarray(self.columns.get("image" if self.glyph == "image" else "color", values), dtype=float)
        own = own if np.nanmin(own, initial=np.inf) < np.nanmax(own, initial=-np.inf) else values
        low, high = self.plot.get("clim") or (None, None)
        low = np.nanmin(own, initial=np.inf) if low is None else low
        high = np.nanmax(own, initial=-np.inf) if high is None else high
        share = (values - low) / (high - low) if high > low else np.zeros_like(values)
        shades = table[np.clip(np.nan_to_num(share) * len(table), 0, len(table) - 1).astype(int)]
        shades[np.isnan(values)] = 0
        return shades

    def pen(self) -> dict:
        """Return width and dashes of the lines, in Bokeh's pixels."""
        dash = self.style.get("line_dash", "solid")
        pattern = DASHES.get(dash, dash.split() if dash != "solid" else []) if isinstance(dash, str) else dash
        return {"width": self.style.get("line_width", 1), "dash": [float(d) for d in pattern]}


def _sides(columns: dict, style: dict) -> dict:
    if "left" not in columns:
        x = np.asarray(columns["x"])
        x = x.astype(float) if x.dtype.kind in "iuf" else np.arange(len(x), dtype=float)
        half = style.get("bar_width", 0.8) / 2 * (np.diff(np.unique(x)).min() if len(x) > 1 else 1)
        columns = {k: v for k, v in columns.items() if k != "x"} | {"left": x - half, "right": x + half}
    return {"bottom": np.zeros(len(columns["top"]))} | columns


def palette(cmap) -> np.ndarray:
    """Return the colours of a map, uint8 [k, 4]."""
    return _palette(cmap if isinstance(cmap, str) else tuple(cmap))


@lru_cache(maxsize=32)
def _palette(cmap) -> np.ndarray:
    if cmap in ("gray", "grey"):  # libraries of colour maps differ here; this one is linear in the pixel's value
        return np.array([(v, v, v, 255) for v in range(256)], dtype=np.uint8)
    colors = process_cmap(cmap, 256) if isinstance(cmap, str) else cmap
    return np.array([rgba(c) for c in colors], dtype=np.uint8)


def layers(picture) -> list[Layer]:
    """Return the picture's elements, lowest first. Each gets the next colour in the cycle of its kind."""
    turns: Counter = Counter()
    found = []
    for element in elements(picture):
        found.append(_layer(element, turns[type(element)]))
        turns[type(element)] += 1
    return found


def _layer(element, turn: int) -> Layer:
    glyph, read, order = SOURCES[type(element)]
    style, plot = options(element, "style", turn), options(element, "plot")
    columns = read(element, plot)
    for name in [k for k in style if k.endswith(("color", "alpha", "size", "width"))]:
        values = _per_item(element, style[name])
        if values is not None:
            columns[name] = values
            del style[name]
    if isinstance(element, hv.Text):
        *_, points, align, baseline, angle = element.data
        placed = {"text_align": align, "text_baseline": baseline, "angle": angle}
        style = {"text_font_size": f"{points}pt"} | placed | style
    names = {d.name: column for d, column in zip(element.dimensions(), order, strict=False) if column}
    names |= {column_name(name): column for name, column in names.items()}
    return Layer(element.label, glyph, columns, names, style, plot)


def _per_item(element, value) -> np.ndarray | None:
    """Return the array of a style: itself, a dimension's values or a `hv.dim`; None if one value is for all items."""
    if isinstance(value, str) and value in [d.name for d in element.dimensions()]:
        value = hv.dim(value)
    if isinstance(value, hv.dim):
        parts = element.split() if isinstance(element, hv.Path) else [element]
        found = [np.atleast_1d(value.apply(part, flat=True)) for part in parts]
        return np.array([f[0] for f in found]) if isinstance(element, hv.Path) else found[0]
    return np.asarray(value) if isinstance(value, list | np.ndarray) else None
