"""Draws each glyph: glyph(canvas, layer, columns)."""

from numbers import Real

import numpy as np
from PIL import Image, ImageOps

from labkit.paint.drawing import Drawing
from labkit.paint.layers import Layer
from labkit.paint.strokes import Canvas, unbroken

CORNERS = {  # markers: number of corners, turn as a share of one corner, and distance from the centre
    "square": (4, 0.5, 1.25),
    "diamond": (4, 0, 1.25),
    "triangle": (3, 0, 1.3),
    "inverted_triangle": (3, 0.5, 1.3),
}
ARMS = {"dash": (0,), "cross": (0, np.pi / 2), "x": (np.pi / 4, -np.pi / 4)}  # the angles of a marker's lines


def each(shades: list, n: int) -> list:
    """Return a shade for each of n items, or None for each if there are no shades."""
    return shades * n if len(shades) == 1 else shades or [None] * n


def _line(canvas: Canvas, layer: Layer, c: dict) -> None:
    for shade in layer.shades(c, "line")[:1]:
        canvas.stroke([canvas.place(c["x"], c["y"])], shade, **layer.pen())


def _patch(canvas: Canvas, layer: Layer, c: dict) -> None:
    x, y = np.asarray(c["x"], dtype=float), np.asarray(c["y"], dtype=float)
    if len(x) > 1 and (np.diff(x) > 0).all():  # only the upper edge is given; the lower edge is zero
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
    radius, edge = size / 2 * canvas.unit, canvas.thick(layer.pen()["width"])
    shape, angle = layer.style.get("marker", "circle"), np.deg2rad(layer.style.get("angle", 0))
    fills, lines = each(layer.shades(c, "fill"), n), each(layer.shades(c, "line"), n)
    seen = np.isfinite(at).all(1) & (at > -radius[:, None]).all(1) & (at < canvas.image.size + radius[:, None]).all(1)
    for i in np.flatnonzero(seen):
        line = None if lines[i] == fills[i] and shape not in ARMS else lines[i]
        _mark(canvas.draw, shape, at[i], radius[i], angle, fills[i], line, edge)


def _mark(draw, shape: str, at, radius: Real, angle: Real, fill, line, edge: int) -> None:
    """Draw one marker, turned anticlockwise by the angle (y grows downwards)."""
    x, y = at.tolist()
    if shape in ARMS:
        for arm in ARMS[shape] if line else ():
            dx, dy = radius * np.cos(arm + angle), -radius * np.sin(arm + angle)
            draw.line([round(v) for v in (x - dx, y - dy, x + dx, y + dy)], fill=line, width=edge)
    elif shape in CORNERS:
        corners, turn, stretch = CORNERS[shape]
        around = 2 * np.pi * (np.arange(corners) + turn) / corners + np.pi / 2 + angle
        corner = np.stack([x + stretch * radius * np.cos(around), y - stretch * radius * np.sin(around)], 1)
        draw.polygon(np.rint(corner).ravel().tolist(), fill=fill, outline=line, width=edge)
    else:
        box = (round(x - radius), round(y - radius), round(x + radius), round(y + radius))
        draw.ellipse(box, fill=fill, outline=line, width=edge)


def _segment(canvas: Canvas, layer: Layer, c: dict) -> None:
    start, end = canvas.place(c.get("x0", c.get("x")), c["y0"]), canvas.place(c.get("x1", c.get("x")), c["y1"])
    pen, ends = layer.pen(), np.stack([start, end], 1)
    widths = np.broadcast_to(np.asarray(c.get("line_width", pen["width"]), dtype=float), len(ends))
    shades = each(layer.shades(c, "line"), len(ends))
    for i in np.flatnonzero(np.isfinite(ends).all((1, 2))):
        if shades[i] and pen["dash"]:
            canvas.stroke([ends[i]], shades[i], **pen | {"width": widths[i]})
        elif shades[i]:
            canvas.draw.line(np.rint(ends[i]).ravel().tolist(), fill=shades[i], width=canvas.thick(widths[i]))


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
    fills, lines = each(layer.shades(c, "fill"), len(low)), each(layer.shades(c, "line"), len(low))
    edge = canvas.thick(layer.pen()["width"])
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
    sides = [min(left, right), min(top, bottom), max(left, right), max(top, bottom)]
    if isinstance(canvas.image, Drawing):
        image = ImageOps.flip(image) if top < bottom else image  # the first row of the columns is the lowest
        canvas.image.embed(ImageOps.mirror(image) if right < left else image, sides)
        return
    box = np.clip(np.rint(sides), 0, canvas.image.size * 2).astype(int).tolist()
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    across, down = image.width / (right - left), image.height / (top - bottom)
    affine = (across, 0, (box[0] - left) * across, 0, down, (box[1] - bottom) * down)
    part = image.transform((box[2] - box[0], box[3] - box[1]), Image.Transform.AFFINE, affine, Image.Resampling.NEAREST)
    canvas.image.paste(part, box[:2], part)


def _colours(layer: Layer, pixels: np.ndarray) -> np.ndarray:
    """Return uint8 [h, w, 4], lowest row first, from values, RGB in bytes, RGB in [0, 1] or Bokeh's packed uint32."""
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
