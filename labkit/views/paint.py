"""Pictures without a browser: what a view declares, drawn by Pillow, for downloads and the command line.

    Painter(picture).frame(columns)      many frames: what stands still is drawn once
    paint(picture, columns)              one
    save_png(image, path), save_gif(frames, path)

The inside of the axes is drawn FINE times larger and averaged down; text is written at the final size.
"""

import os
import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedIOBase
from numbers import Real
from pathlib import Path

import holoviews as hv
import holoviews.plotting.bokeh  # noqa: F401  its options are the ones read here
import numpy as np
from holoviews.operation import interpolate_curve
from holoviews.plotting.util import process_cmap
from PIL import Image, ImageColor, ImageDraw

from labkit.views import axes as ax

FINE = 3
AXES = ("xaxis", "yaxis")  # None hides them
FAR = 1e5  # fine pixels; what lies beyond is drawn as if it lay here
DASHES = {"dashed": [6], "dotted": [2, 4], "dotdash": [2, 4, 6, 4], "dashdot": [6, 4, 2, 4]}
CORNERS = {
    "square": (4, 0.5, 1.25),
    "diamond": (4, 0, 1.25),
    "triangle": (3, 0.5, 1.3),
    "inverted_triangle": (3, 0, 1.3),
}
MARKERS = {"s": "square", "d": "diamond", "D": "diamond", "^": "triangle", "v": "inverted_triangle", "+": "cross"}


# What an element holds, in the columns of its Bokeh glyph ------------------------------------------------------------


def _dimensions(*names: str) -> Callable:
    return lambda e, _: {name: e.dimension_values(i) for i, name in enumerate(names) if i < len(e.dimensions())}


def _curve(element, plot: dict) -> dict:
    steps = plot.get("interpolation", "linear")
    element = interpolate_curve(element, interpolation=steps) if steps != "linear" else element
    return {"x": element.dimension_values(0), "y": element.dimension_values(1)}


def _area(element, _) -> dict:
    x, top = element.dimension_values(0), element.dimension_values(1)
    low = element.dimension_values(2) if len(element.vdims) > 1 else np.zeros(len(x))
    return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, top[::-1]])}


def _spikes(element, plot: dict) -> dict:
    x, low = element.dimension_values(0), plot.get("position", 0.0)
    tall = element.vdims and "spike_length" not in plot
    high = element.dimension_values(1) if tall else np.full(len(x), plot.get("spike_length", 0.5))
    return {"x": x, "y0": np.full(len(x), low), "y1": low + high}


def _path(element, _) -> dict:
    parts, (x, y) = element.split(datatype="columns"), (d.name for d in element.kdims)
    return {"xs": [part[x] for part in parts], "ys": [part[y] for part in parts]}


def _image(element, _) -> dict:
    left, bottom, right, top = element.bounds.lbrt()
    bands = [element.dimension_values(2 + i, flat=False) for i in range(len(element.vdims))]
    image = bands[0] if len(bands) == 1 else np.stack(bands, -1)
    return {"image": image, "x": left, "y": bottom, "dw": right - left, "dh": top - bottom}


def _histogram(element, _) -> dict:
    return {"left": element.edges[:-1], "right": element.edges[1:], "top": element.dimension_values(1)}


def _text(element, _) -> dict:
    x, y, text, *_ = element.data
    return {"x": np.array([x]), "y": np.array([y]), "text": [text]}


def _span(axis: str) -> Callable:
    return lambda e, _: {axis: np.atleast_1d(e.data if np.isscalar(e.data) else e.dimension_values(0))}


SOURCES = {
    hv.Curve: ("line", _curve, ("x", "y")),
    hv.Area: ("patch", _area, ("x", "y")),
    hv.Scatter: ("marker", _dimensions("x", "y"), ("x", "y")),
    hv.Points: ("marker", _dimensions("x", "y"), ("x", "y")),
    hv.Segments: ("segment", _dimensions("x0", "y0", "x1", "y1"), ("x0", "y0", "x1", "y1")),
    hv.Spikes: ("segment", _spikes, ("x",)),
    hv.Rectangles: ("quad", _dimensions("left", "bottom", "right", "top"), ("left", "bottom", "right", "top")),
    hv.Histogram: ("quad", _histogram, ("", "top")),
    hv.Bars: ("quad", _dimensions("x", "top"), ("x", "top")),
    hv.VLine: ("span", _span("x"), ("x",)),
    hv.HLine: ("span", _span("y"), ("y",)),
    hv.VLines: ("span", _span("x"), ("x",)),
    hv.HLines: ("span", _span("y"), ("y",)),
    hv.Text: ("text", _text, ("x", "y")),
    hv.Labels: ("text", _dimensions("x", "y", "text"), ("x", "y", "text")),
    hv.Image: ("image", _image, ()),
    hv.RGB: ("image", _image, ()),
} | dict.fromkeys((hv.Path, hv.Contours, hv.Ellipse, hv.Box, hv.Bounds), ("path", _path, ()))


# Layers --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layer:
    """One element: its columns under their names in Bokeh, `names` for its dimensions' names, and its options."""

    label: str
    glyph: str
    columns: dict
    names: dict
    style: dict
    plot: dict

    def renewed(self, given: dict) -> dict:
        """The columns, those given in place of the layer's own; bars and histograms get their four sides."""
        if not set(self.names.values()) <= set(given):
            given = {self.names.get(name, name): values for name, values in given.items()}
        columns = self.columns | given
        if self.glyph != "image":
            lengths = {k: len(v) for k, v in columns.items() if k in self.columns and np.ndim(v)}
            if len(set(lengths.values())) > 1:
                raise ValueError(
                    f"columns of layer {self.label!r} must be equally long, got {lengths}; give all of them"
                )
        return _sides(columns, self.style) if self.glyph == "quad" else columns

    def look(self, columns: dict, kind: str, what: str, default):
        """What the columns or the style say: "line_color" before "color"."""
        for name in (f"{kind}_{what}", what):
            for place in (columns, self.style):
                if name in place:
                    return place[name]
        return default

    def shades(self, columns: dict, kind: str, default="#1f77b4") -> list[tuple]:
        """RGBA of the lines, fills or texts: none, one for all, or one for each."""
        color, alpha = self.look(columns, kind, "color", default), self.look(columns, kind, "alpha", 1.0)
        if color is None:
            return []
        if np.ndim(color) and np.asarray(color).dtype.kind in "iufb" and not isinstance(color, tuple):
            found = [tuple(row) for row in self.mapped(color).tolist()]
        else:
            found = [rgba(c) for c in color] if np.ndim(color) and not isinstance(color, tuple) else [rgba(color)]
        if np.ndim(alpha):
            found = found * len(alpha) if len(found) == 1 else found
            return [(*c[:3], round(c[3] * float(a))) for c, a in zip(found, alpha, strict=True)]
        return found if alpha == 1 else [(*c[:3], round(c[3] * alpha)) for c in found]

    def mapped(self, values) -> np.ndarray:
        """Values through the colour map, uint8 [..., 4]; not-a-number is clear."""
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


def rgba(color) -> tuple[int, int, int, int]:
    if isinstance(color, tuple | list | np.ndarray):
        whole = all(c <= 1 for c in color) and any(isinstance(c, float) for c in color)
        red, green, blue, *alpha = [round(c * 255) if whole else round(c) for c in color[:3]] + list(color[3:])
        return red, green, blue, round(255 * alpha[0]) if alpha else 255
    return (0, 0, 0, 0) if color == "transparent" else ImageColor.getcolor(color, "RGBA")


def palette(cmap) -> np.ndarray:
    return _palette(cmap if isinstance(cmap, str) else tuple(cmap))


@lru_cache(maxsize=32)
def _palette(cmap) -> np.ndarray:
    colors = process_cmap(cmap, 256) if isinstance(cmap, str) else cmap
    return np.array([rgba(c) for c in colors], dtype=np.uint8)


def _options(thing, group: str, turn: int = 0) -> dict:
    return dict(hv.Store.lookup_options("bokeh", thing, group)[turn])


def layers(picture) -> list[Layer]:
    """The picture's elements, lowest first; each takes its own turn in the cycle of colours of its kind."""
    turns: Counter = Counter()
    found = []
    for element in _elements(picture):
        found.append(_layer(element, turns[type(element)]))
        turns[type(element)] += 1
    return found


def _elements(picture) -> list:
    if isinstance(picture, hv.core.CompositeOverlay):
        return [element for part in picture.values() for element in _elements(part)]
    if type(picture) not in SOURCES:
        known = ", ".join(sorted(kind.__name__ for kind in SOURCES))
        raise TypeError(f"paint draws Overlay, Layout and {known}; got {type(picture).__name__}; declare it with these")
    return [picture]


def _layer(element, turn: int) -> Layer:
    glyph, read, order = SOURCES[type(element)]
    style, plot = _options(element, "style", turn), _options(element, "plot")
    columns = read(element, plot)
    if isinstance(element, hv.Contours) and element.vdims and _cycles(element):
        style["color"] = hv.dim(element.vdims[0])
    for name in [k for k in style if k.endswith(("color", "alpha", "size"))]:
        values = _per_item(element, style[name])
        if values is not None:
            columns[name] = values
            del style[name]
    if isinstance(element, hv.Text):
        *_, points, align, baseline, angle = element.data
        style = {
            "text_font_size": f"{points}pt",
            "text_align": align,
            "text_baseline": baseline,
            "angle": angle,
        } | style
    names = {d.name: column for d, column in zip(element.dimensions(), order, strict=False) if column}
    names |= {hv.core.util.dimension_sanitizer(name): column for name, column in names.items()}
    return Layer(element.label, glyph, columns, names, style, plot)


def _cycles(element) -> bool:
    return isinstance(hv.Store.lookup_options("bokeh", element, "style").kwargs.get("color"), hv.Cycle)


def _per_item(element, value) -> np.ndarray | None:
    """The array that a style names: itself, a dimension's values or a `hv.dim`; None where it is one for all."""
    if isinstance(value, str) and value in [d.name for d in element.dimensions()]:
        value = hv.dim(value)
    if isinstance(value, hv.dim):
        parts = element.split() if isinstance(element, hv.Path) else [element]
        found = [np.atleast_1d(value.apply(part, flat=True)) for part in parts]
        return np.array([f[0] for f in found]) if isinstance(element, hv.Path) else found[0]
    return np.asarray(value) if isinstance(value, list | np.ndarray) else None


# Strokes and fills ---------------------------------------------------------------------------------------------------


def unbroken(line: np.ndarray) -> list[np.ndarray]:
    """The parts [n, 2] of a line between its gaps: rows that are not finite."""
    good = np.isfinite(line).all(1)
    if good.all():
        return [line] if len(line) > 1 else []
    parts = [part[np.isfinite(part).all(1)] for part in np.split(line, np.flatnonzero(~good))]
    return [part for part in parts if len(part) > 1]


def dashes(line: np.ndarray, pattern: list[float]) -> list[np.ndarray]:
    """The parts of a line under the dashes; pattern: lengths on, off, on, off, ... along the line."""
    pattern = pattern * 2 if len(pattern) % 2 else pattern
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts, ends = np.cumsum([0, *pattern[:-1]])[::2], np.cumsum(pattern)[::2]
    laps = np.arange(0, along[-1], max(sum(pattern), 1e-9))[:20_000, None]
    spans = np.stack([(laps + starts).ravel(), np.minimum((laps + ends).ravel(), along[-1])], 1)
    found = []
    for start, end in spans[spans[:, 0] < along[-1]]:
        first, last = np.searchsorted(along, (start, end), side="right")
        at = np.concatenate([[start], along[first:last], [end]])
        found.append(np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], 1))
    return found


def polyline(draw: ImageDraw.ImageDraw, line: np.ndarray, fill, width: int) -> None:
    """A line with its sharp corners rounded (Pillow leaves notches there)."""
    draw.line(np.rint(line).ravel().tolist(), fill=fill, width=width)
    if width < 4 or len(line) < 3:
        return
    step = np.diff(line, axis=0)
    (ax_, ay), (bx, by) = step[:-1].T, step[1:].T
    sharp = np.abs(np.arctan2(ax_ * by - ay * bx, ax_ * bx + ay * by)) > 0.25
    half = (width - 1) / 2
    for x, y in np.rint(line[1:-1][sharp]).tolist():
        draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)


class Canvas:
    """The inside of the axes, FINE times larger than in the picture."""

    def __init__(self, axes: ax.Axes, unit: Real, image: Image.Image, texts: Iterable = ()):
        self.axes, self.image, self.texts = axes, image, list(texts)
        self.unit = unit * FINE
        self.draw = ImageDraw.Draw(image, "RGBA")

    def place(self, x, y) -> np.ndarray:
        """Data [n], [n] to fine pixels [n, 2]."""
        left, top = self.axes.box[:2]
        x, y = self.axes.pixel(x, y)
        return np.clip(np.stack(np.broadcast_arrays(x - left, y - top), -1) * FINE, -FAR, FAR)

    def stroke(self, lines: list[np.ndarray], shade: tuple, width: Real, dash: list[float]) -> None:
        lines = [part for line in lines for part in unbroken(line)]
        if dash:
            lines = [d for line in lines for d in dashes(line, [length * self.unit for length in dash])]
        thick = max(1, round(width * self.unit))
        if shade[3] == 255 or not lines:
            for line in lines:
                polyline(self.draw, line, shade, thick)
            return
        reach = np.concatenate(lines)
        low = np.clip(np.floor(reach.min(0)) - thick, 0, self.image.size).astype(int)
        high = np.clip(np.ceil(reach.max(0)) + thick + 1, low + 1, np.maximum(self.image.size, low + 1)).astype(int)
        mask = Image.new("L", tuple((high - low).tolist()))
        for line in lines:
            polyline(ImageDraw.Draw(mask), line - low, shade[3], thick)
        self.image.paste(shade[:3], tuple(low.tolist()), mask)

    def fill(self, polygon: np.ndarray, shade: tuple) -> None:
        if len(polygon) > 2 and shade[3]:
            self.draw.polygon(np.rint(polygon).ravel().tolist(), fill=shade)


def _each(shades: list, n: int) -> list:
    return shades * n if len(shades) == 1 else shades or [None] * n


def _line(canvas: Canvas, layer: Layer, c: dict) -> None:
    for shade in layer.shades(c, "line")[:1]:
        canvas.stroke([canvas.place(c["x"], c["y"])], shade, **layer.pen())


def _patch(canvas: Canvas, layer: Layer, c: dict) -> None:
    x, y = np.asarray(c["x"], dtype=float), np.asarray(c["y"], dtype=float)
    if len(x) > 1 and (np.diff(x) > 0).all():  # the upper edge alone: it stands on zero
        x, y = np.concatenate([x, x[::-1]]), np.concatenate([np.zeros(len(y)), y[::-1]])
    for part in unbroken(canvas.place(x, y)):
        for shade in layer.shades(c, "fill")[:1]:
            canvas.fill(part, shade)
        for shade in layer.shades(c, "line")[:1]:
            canvas.stroke([np.concatenate([part, part[:1]])], shade, **layer.pen())


def _marker(canvas: Canvas, layer: Layer, c: dict) -> None:
    at = canvas.place(c["x"], c["y"])
    n = len(at)
    size = np.broadcast_to(np.asarray(c.get("size", layer.style.get("size", 4)), dtype=float), n)
    radius = size / 2 * canvas.unit
    shape = layer.style.get("marker", "circle")
    shape, edge = MARKERS.get(shape, shape), max(1, round(layer.pen()["width"] * canvas.unit))
    fills, lines = _each(layer.shades(c, "fill"), n), _each(layer.shades(c, "line"), n)
    seen = np.isfinite(at).all(1) & (at > -radius[:, None]).all(1) & (at < canvas.image.size + radius[:, None]).all(1)
    for i in np.flatnonzero(seen):
        _mark(canvas.draw, shape, at[i], radius[i], fills[i], lines[i], edge)


def _mark(draw, shape: str, at, radius: Real, fill, line, edge: int) -> None:
    (x, y), line = at.tolist(), None if line == fill else line
    if shape in ("cross", "x"):
        turn = radius if shape == "cross" else radius / 2**0.5
        arms = ((turn, 0), (0, turn)) if shape == "cross" else ((turn, turn), (turn, -turn))
        for dx, dy in arms:
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=line or fill, width=edge)
    elif shape in CORNERS:
        corners, turn, stretch = CORNERS[shape]
        angle = 2 * np.pi * (np.arange(corners) + turn) / corners + np.pi / 2
        around = np.rint(np.stack([x + stretch * radius * np.cos(angle), y + stretch * radius * np.sin(angle)], 1))
        draw.polygon(around.ravel().tolist(), fill=fill, outline=line, width=edge)
    else:
        box = (round(x - radius), round(y - radius), round(x + radius), round(y + radius))
        draw.ellipse(box, fill=fill, outline=line, width=edge)


def _segment(canvas: Canvas, layer: Layer, c: dict) -> None:
    start, end = canvas.place(c.get("x0", c.get("x")), c["y0"]), canvas.place(c.get("x1", c.get("x")), c["y1"])
    pen, ends = layer.pen(), np.stack([start, end], 1)
    thick = max(1, round(pen["width"] * canvas.unit))
    shades = _each(layer.shades(c, "line"), len(ends))
    for i in np.flatnonzero(np.isfinite(ends).all((1, 2))):
        if pen["dash"]:
            canvas.stroke([ends[i]], shades[i], **pen)
        elif shades[i]:
            canvas.draw.line(np.rint(ends[i]).ravel().tolist(), fill=shades[i], width=thick)


def _path(canvas: Canvas, layer: Layer, c: dict) -> None:
    lines = [canvas.place(x, y) for x, y in zip(c["xs"], c["ys"], strict=True)]
    shades = layer.shades(c, "line")
    if len(shades) == 1:
        canvas.stroke(lines, shades[0], **layer.pen())
    for line, shade in zip(lines, shades if len(shades) > 1 else (), strict=False):
        canvas.stroke([line], shade, **layer.pen())


def _quad(canvas: Canvas, layer: Layer, c: dict) -> None:
    one, other = canvas.place(c["left"], c["bottom"]), canvas.place(c["right"], c["top"])
    low, high = np.minimum(one, other), np.maximum(one, other)
    fills, lines = _each(layer.shades(c, "fill"), len(low)), _each(layer.shades(c, "line"), len(low))
    edge = max(1, round(layer.pen()["width"] * canvas.unit))
    for i in np.flatnonzero(np.isfinite(low).all(1) & np.isfinite(high).all(1)):
        box = [*np.rint(low[i]).tolist(), *np.maximum(np.rint(high[i]) - 1, np.rint(low[i])).tolist()]
        line = lines[i] if lines[i] and lines[i][3] else None
        canvas.draw.rectangle(box, fill=fills[i], outline=line, width=edge)


def _spans(canvas: Canvas, layer: Layer, c: dict) -> None:
    x, y = canvas.axes.x, canvas.axes.y
    ends = [((v, v), (y.low, y.high)) for v in c.get("x", ())] + [((x.low, x.high), (v, v)) for v in c.get("y", ())]
    for shade in layer.shades(c, "line")[:1]:
        canvas.stroke([canvas.place(*end) for end in ends], shade, **layer.pen())


def _words(canvas: Canvas, layer: Layer, c: dict) -> None:
    canvas.texts.append((layer, c))


def _raster(canvas: Canvas, layer: Layer, c: dict) -> None:
    pixels = np.asarray(c["image"][0] if isinstance(c["image"], list) else c["image"])
    pixels = pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels
    image = Image.fromarray(_colours(layer, pixels), "RGBA")
    x, y, wide, high = (float(np.ravel(c[k])[0]) for k in ("x", "y", "dw", "dh"))
    (left, bottom), (right, top) = canvas.place([x, x + wide], [y, y + high])
    box = np.clip(
        np.rint([min(left, right), min(top, bottom), max(left, right), max(top, bottom)]), 0, canvas.image.size * 2
    )
    box = [int(v) for v in box]
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    across, down = image.width / (right - left), image.height / (top - bottom)
    affine = (across, 0, (box[0] - left) * across, 0, down, (box[1] - bottom) * down)
    part = image.transform((box[2] - box[0], box[3] - box[1]), Image.Transform.AFFINE, affine, Image.Resampling.NEAREST)
    canvas.image.paste(part, box[:2], part)


def _colours(layer: Layer, pixels: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 4], lowest row first: from values, from RGB in bytes or shares, or from Bokeh's packed uint32."""
    if pixels.ndim == 2 and pixels.dtype == np.uint32:
        return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)
    alpha = layer.look({}, "global", "alpha", 1.0)
    if pixels.ndim == 2:
        pixels = layer.mapped(pixels)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
    pixels = pixels if pixels.shape[2] == 4 else np.concatenate([pixels, opaque], 2)
    return np.concatenate([pixels[..., :3], np.rint(pixels[..., 3:] * alpha).astype(np.uint8)], 2)


GLYPHS = {"line": _line, "patch": _patch, "marker": _marker, "segment": _segment, "path": _path}
GLYPHS |= {"quad": _quad, "span": _spans, "text": _words, "image": _raster}
SIDES = {"x": ("x", "x0", "x1", "left", "right"), "y": ("y", "y0", "y1", "bottom", "top")}
SAMPLES = {
    "line": {"x": [0, 1], "y": [0.5, 0.5]},
    "patch": {"x": [0.1, 0.9, 0.9, 0.1], "y": [0.1, 0.1, 0.9, 0.9]},
    "marker": {"x": [0.5], "y": [0.5]},
    "segment": {"x0": [0], "y0": [0.5], "x1": [1], "y1": [0.5]},
    "path": {"xs": [[0, 1]], "ys": [[0.5, 0.5]]},
    "quad": {"left": [0.1], "bottom": [0.1], "right": [0.9], "top": [0.9]},
    "span": {"y": [0.5]},
}


# Pictures ------------------------------------------------------------------------------------------------------------


def _reach(columns: dict, side: str) -> np.ndarray:
    """Every coordinate of a layer along x or y, for limits that nobody gave."""
    found = [np.ravel(columns[k]) for k in SIDES[side] if k in columns]
    found += [np.ravel(part) for part in columns.get(f"{side}s", ())]
    if "image" in columns:
        found.append(found[0] + np.ravel(columns["dw" if side == "x" else "dh"]))
    return np.concatenate([np.zeros(0), *found]).astype(float)


def _declared(picture) -> dict:
    """Options of the axes: the overlay's own, else the first element's that has them; labels from the dimensions."""
    elements = _elements(picture)
    found = {}
    for element in reversed(elements):
        x, y = element.get_dimension(0), element.get_dimension(1)
        if isinstance(element, hv.element.Annotation):
            continue
        named = {"xlabel": x, "ylabel": y} if y is not None else {"xlabel": x}
        found |= {k: d.pprint_label for k, d in named.items()}
        names = element.dimension_values(0) if isinstance(element, hv.Bars) else np.zeros(0)
        if np.asarray(names).dtype.kind not in "iuf":
            found["xticks"] = [(float(i), str(name)) for i, name in enumerate(names)]
    for thing in (*reversed(elements), picture):
        found |= {k: v for k, v in _options(thing, "plot").items() if k != "show_legend" and v is not None or k in AXES}
    if found.get("invert_axes"):
        raise ValueError("paint draws x across and y up, got invert_axes=True; swap the element's dimensions")
    return found | {"show_legend": _options(picture, "plot").get("show_legend", True)}


class Panel:
    """One pair of axes: what lies below the first layer that moves is drawn once."""

    def __init__(self, picture, size: tuple[int, int], theme: ax.Theme):
        self.layers, self.options = layers(picture), _declared(picture)
        self.size, self.theme = size, theme
        self.unit = max(0.8, min(size[0] / 960, size[1] / 540))
        self.axes: ax.Axes | None = None
        self._base: tuple[int, Image.Image, list] | None = None

    def frame(self, columns: dict) -> Image.Image:
        moving = [layer.label in columns for layer in self.layers]
        if self.axes is None:
            self._lay_out(columns)
        first = moving.index(True) if True in moving else len(moving)
        canvas = self._still(first)
        for layer in self.layers[first:]:
            self._draw(canvas, layer, columns)
        image = self._around.copy()
        image.paste(canvas.image.reduce(FINE), self.axes.box[:2])
        for layer, c in canvas.texts:
            _write(image, self.axes, self.unit, layer, c, self.theme)
        if self._legend:
            image.paste(*self._legend)
        return image

    def _lay_out(self, columns: dict) -> None:
        """Limits nobody gave come from the first frame and stay."""
        o, scales = self.options, []
        drawn = [layer.renewed(columns.get(layer.label, {})) for layer in self.layers]
        glyphs = {layer.glyph for layer in self.layers}
        pad = 0 if "image" in glyphs else 0.05
        for side in "xy":
            values = np.concatenate([np.zeros(0), *(_reach(c, side) for c in drawn)])
            given = o.get(f"{side}lim") or (None, None)
            if side == "y" and glyphs & {"quad", "patch"} and given[0] is None and np.nanmin(values, initial=1) == 0:
                given = (None if o.get("logy") else 0, given[1])  # bars and areas stand on the axis
            limits = ax.scale(given, values, bool(o.get(f"log{side}")), pad)
            scales.append(ax.Scale(limits.high, limits.low, limits.log) if o.get(f"invert_{side}axis") else limits)
        words = self.unit * (o.get("fontscale") or 1)
        self.axes = ax.lay_out(self.size, words, *scales, o)
        self._around = ax.surround(self.size, words, self.axes, self.theme)
        left, top, right, bottom = self.axes.box
        self._scratch = Image.new("RGB", ((right - left) * FINE, (bottom - top) * FINE))
        self._legend = self._keyed()

    def _still(self, first: int) -> Canvas:
        """A canvas that holds the layers below `first`."""
        if self._base is None or self._base[0] != first:
            image = Image.new("RGB", self._scratch.size, self.options.get("bgcolor") or self.theme.paper)
            canvas = Canvas(self.axes, self.unit, image)
            if self.options.get("show_grid"):
                self._grid(canvas)
            for layer in self.layers[:first]:
                self._draw(canvas, layer, {})
            self._base = first, image, canvas.texts
        self._scratch.paste(self._base[1])
        return Canvas(self.axes, self.unit, self._scratch, self._base[2])

    def _grid(self, canvas: Canvas) -> None:
        x, y = self.axes.x, self.axes.y
        lines = [canvas.place((v, v), (y.low, y.high)) for v, _ in self.axes.xticks]
        lines += [canvas.place((x.low, x.high), (v, v)) for v, _ in self.axes.yticks]
        canvas.stroke(lines, rgba(self.theme.grid), 1, [])

    def _draw(self, canvas: Canvas, layer: Layer, columns: dict) -> None:
        if layer.style.get("visible", True):
            GLYPHS[layer.glyph](canvas, layer, layer.renewed(columns.get(layer.label, {})))

    def _keyed(self) -> tuple[Image.Image, tuple[int, int]] | None:
        """The legend and its corner: one row a label."""
        rows = {layer.label: layer for layer in reversed(self.layers) if layer.label and layer.glyph in SAMPLES}
        rows = {
            k: v for k, v in reversed(rows.items()) if v.plot.get("show_legend", True) and v.style.get("visible", True)
        }
        if not rows or not self.options["show_legend"]:
            return None
        unit, (left, top, right, bottom) = self.unit, self.axes.box
        high, sample, gap = round(23 * unit), round(30 * unit), round(8 * unit)
        wide = max(ax.extent(label, 15 * unit)[0] for label in rows) + sample + 3 * gap
        image = Image.new("RGB", (wide, high * len(rows) + gap), self.options.get("bgcolor") or self.theme.paper)
        for i, (label, layer) in enumerate(rows.items()):
            swatch = self._swatch(layer, (sample, high - 4))
            image.paste(swatch, (gap, gap // 2 + i * high + 2))
            ax.write(image, (sample + 2 * gap, gap // 2 + (i + 0.5) * high), label, 15 * unit, self.theme.ink, "lm")
        ImageDraw.Draw(image).rectangle((0, 0, wide - 1, image.height - 1), outline=self.theme.grid)
        where = self.options.get("legend_position") or "top_right"
        across = left + gap if "left" in where else right - gap - wide
        across = (left + right - wide) // 2 if where in ("top", "bottom") else across
        return image, (across, bottom - gap - image.height if "bottom" in where else top + gap)

    def _swatch(self, layer: Layer, size: tuple[int, int]) -> Image.Image:
        """The layer's glyph alone, in the colour of its middle item."""
        unit = ax.Scale(0, 1)
        image = Image.new("RGB", (size[0] * FINE, size[1] * FINE), self.options.get("bgcolor") or self.theme.paper)
        sample = {k: v[len(v) // 2 :][:1] for k, v in layer.columns.items() if k.endswith("color") and len(v)}
        canvas = Canvas(ax.Axes((0, 0, *size), unit, unit, [], [], {}), self.unit, image)
        GLYPHS[layer.glyph](canvas, layer, SAMPLES[layer.glyph] | sample)
        return image.reduce(FINE)


def _write(image: Image.Image, axes: ax.Axes, unit: Real, layer: Layer, c: dict, theme: ax.Theme) -> None:
    """A layer of words at the final size; those whose anchor lies outside the box are left out."""
    style, (left, top, right, bottom) = layer.style, axes.box
    value = str(style.get("text_font_size", "12pt")).lower()
    size = float(value.rstrip("ptxem")) * (4 / 3 if value.endswith("pt") else 16 if value.endswith("em") else 1)
    anchor = {"left": "l", "right": "r"}.get(style.get("text_align"), "m")
    anchor += {"top": "a", "bottom": "d"}.get(style.get("text_baseline"), "m")
    px, py = axes.pixel(c["x"], c["y"])
    shades = _each(layer.shades(c, "text", theme.ink), len(px))
    for x, y, text, shade in zip(px.tolist(), py.tolist(), c["text"], shades, strict=True):
        if left <= x <= right and top <= y <= bottom:
            ax.write(image, (x, y), str(text), size * unit, shade, anchor, style.get("angle", 0))


class Painter:
    """Draws frames of one picture: `frame(columns)` draws anew only from the first layer that moves upwards.

    It reuses one canvas, so it serves one thread at a time.

    Args:
        picture: an element, an Overlay, or a Layout of these (painted in its `cols` columns), with Bokeh options.
        size: width and height in pixels. Lines, points and text are as in Bokeh at 960 x 540 and grow with the size.
        dark: dark paper and light axes; the elements keep their colours.

    Raises:
        TypeError: an element that paint does not draw.
    """

    def __init__(self, picture, size: tuple[int, int] = (960, 540), dark: bool = False):
        wide, high = (int(side) for side in size)
        if not (80 <= wide <= 4096 and 60 <= high <= 4096):
            raise ValueError(
                f"size must lie between (80, 60) and (4096, 4096), got {tuple(size)}; give (width, height)"
            )
        theme = ax.DARK if dark else ax.LIGHT
        self._paper, self.panels, self._corners = Image.new("RGB", (wide, high), theme.paper), [], []
        parts, cols, top = [picture], 1, 0
        if isinstance(picture, hv.Layout):
            parts, cols = picture.values(), min(picture._max_cols, len(picture))
            top = self._title(_options(picture, "plot").get("title"), theme)
        rows = -(-len(parts) // cols)
        for i, part in enumerate(parts):
            row, col = divmod(i, cols)
            left, right = wide * col // cols, wide * (col + 1) // cols
            upper, lower = top + (high - top) * row // rows, top + (high - top) * (row + 1) // rows
            self.panels.append(Panel(part, (right - left, lower - upper), theme))
            self._corners.append((left, upper))

    def _title(self, title: str | None, theme: ax.Theme) -> int:
        wide, unit = self._paper.width, max(0.8, min(self._paper.width / 960, self._paper.height / 540))
        if title:
            ax.write(self._paper, (wide / 2, 18 * unit), title, 21 * unit, theme.ink)
        return round(32 * unit) if title else 0

    def frame(self, columns: dict[str, dict] | None = None) -> Image.Image:
        """The picture with these columns, by layer, in place of the declared ones.

        Raises:
            ValueError: columns for a layer that the picture has not, or of unequal lengths.
        """
        columns = columns or {}
        known = {layer.label for panel in self.panels for layer in panel.layers if layer.label}
        if not columns.keys() <= known:
            missing = sorted(set(columns) - known)
            raise ValueError(
                f"columns must name layers of the picture, {sorted(known)}, got {missing}; label the element"
            )
        image = self._paper.copy()
        for panel, corner in zip(self.panels, self._corners, strict=True):
            image.paste(panel.frame(columns), corner)
        return image


def paint(
    picture, columns: dict | None = None, *, size: tuple[int, int] = (960, 540), dark: bool = False
) -> Image.Image:
    """One frame of `Painter(picture, size, dark)`."""
    return Painter(picture, size, dark).frame(columns)


# Files ---------------------------------------------------------------------------------------------------------------


def save_png(image: Image.Image, target: str | Path | BufferedIOBase) -> None:
    """Write a PNG to a path, whole or not at all, or to an open binary file."""
    _save(target, ".png", lambda file: image.save(file, format="PNG", optimize=True))


def save_gif(frames: Iterable[Image.Image], target: str | Path | BufferedIOBase, *, fps: Real = 20) -> None:
    """Write an endless GIF to a path, whole or not at all, or to an open binary file.

    All frames share one palette, and a frame holds only what changed. A GIF counts in hundredths of a second: the
    frames' durations are rounded so that they add up. Equal neighbours become one frame that stays longer.

    Raises:
        ValueError: no frame, frames of unequal size, or fps outside 0.1 to 50 (browsers slow down what is faster).
    """
    if not 0.1 <= fps <= 50:
        raise ValueError(f"fps must lie between 0.1 and 50, got {fps}; drop frames to play faster")
    packed = [(image.size, zlib.compress(image.convert("RGB").tobytes(), 1)) for image in frames]
    sizes = sorted({size for size, _ in packed})
    if len(sizes) != 1:
        raise ValueError(f"save_gif needs frames of one size, got {sizes or 'no frame'}; paint them with one Painter")
    durations = np.diff(np.rint(100 * np.arange(len(packed) + 1) / fps)).astype(int) * 10

    def image(i: int) -> Image.Image:
        return Image.frombytes("RGB", sizes[0], zlib.decompress(packed[i][1]))

    few = {round(i) for i in np.linspace(0, len(packed) - 1, 12).tolist()}
    colors = shared_palette([image(i) for i in sorted(few)])
    flat = indexed((image(i) for i in range(len(packed))), colors)
    first, more = next(flat), {"duration": durations.tolist(), "loop": 0, "optimize": False}
    _save(target, ".gif", lambda file: first.save(file, format="GIF", save_all=True, append_images=flat, **more))


def shared_palette(images: list[Image.Image]) -> np.ndarray:
    """Up to 255 colours [k, 3] for all images: the 32 most frequent exactly, the others by median cut.

    The others count by the root of their frequency: a thin line weighs against wide areas.
    """
    codes = np.concatenate([_packed(image)[i % 2 :: 2].ravel() for i, image in enumerate(images)])
    codes, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    codes, counts = codes[order], counts[order]
    if len(codes) <= 255:
        return _unpacked(codes)
    rest = np.repeat(codes[32:], np.ceil(np.sqrt(counts[32:])).astype(int))
    cut = Image.fromarray(_unpacked(rest)[None]).quantize(223, method=Image.Quantize.MEDIANCUT)
    return np.concatenate([_unpacked(codes[:32]), np.array(cut.getpalette(), dtype=np.uint8).reshape(-1, 3)[:223]])


def indexed(images: Iterable[Image.Image], colors: np.ndarray) -> Iterator[Image.Image]:
    """The images in the nearest of the colours (Pillow's own search is off by up to 3 of 255, which shows on paper)."""
    near = np.full(1 << 24, -1, dtype=np.int16)
    target = colors.astype(np.float32)
    for image in images:
        codes = _packed(image)
        new = np.unique(codes[near[codes] < 0])
        for part in np.array_split(new, len(new) // 50_000 + 1):
            near[part] = np.argmin((target**2).sum(1) - 2 * _unpacked(part).astype(np.float32) @ target.T, axis=1)
        flat = Image.fromarray(near[codes].astype(np.uint8))
        flat.putpalette(colors.tobytes())
        yield flat


def _packed(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image).astype(np.uint32)
    return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]


def _unpacked(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)


def _save(target, extension: str, write: Callable[[BufferedIOBase], None]) -> None:
    if hasattr(target, "write"):
        return write(target)
    path = Path(target)
    if path.suffix.lower() != extension:
        raise ValueError(f"the path must end in {extension}, got {path.name!r}; rename it")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(beside, "xb") as file:
            write(file)
        os.replace(beside, path)
    except OSError as error:
        wanted = f"wanted a folder to write into, got {path.parent} ({error.strerror}); make it or choose another"
        raise OSError(error.errno, wanted) from error
    finally:
        beside.unlink(missing_ok=True)
