"""A drawing as SVG: shapes stay shapes, text stays text, images are embedded."""

import base64
import io
from collections.abc import Iterator, Mapping
from itertools import count, groupby
from numbers import Real
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from labkit.paint.drawing import Drawing
from labkit.paint.marks import Disc, Group, Look, Mark, Pixels, Shape, Words
from labkit.paint.shades import Shade, rgba

FONTS = "Aileron, Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"  # the first one is Pillow's
ANCHORS = {"l": "start", "m": "middle", "r": "end"}


def svg(drawing: Drawing, about: Mapping[str, str]) -> str:
    """Return an SVG document.

    Args:
        about: what the file says about itself: "Title", "Description", "Software" and other texts by name.
    """
    wide, high = _number(drawing.width), _number(drawing.height)
    said = "".join(f"<lk:{name.lower()}>{escape(text)}</lk:{name.lower()}>" for name, text in about.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family={quoteattr(FONTS)}>\n'
        f"<title>{escape(about.get('Title', ''))}</title>\n<desc>{escape(about.get('Description', ''))}</desc>\n"
        f'<metadata xmlns:lk="urn:labkit">{said}</metadata>\n'
        f'<rect width="100%" height="100%"{_paint("fill", rgba(drawing.paper))}/>\n'
        + "\n".join(_all(drawing.marks, count(1)))
        + "\n</svg>\n"
    )


def _all(marks: list[Mark], boxes: Iterator[int]) -> Iterator[str]:
    """Yield marks as lines of SVG. Neighbours of one kind that look the same share their attributes."""
    for look, alike in groupby(marks, _style):
        lines = [_one(mark, boxes) for mark in alike]
        yield from [f"<g{look}>", *lines, "</g>"] if look else lines


def _style(mark: Mark) -> str:
    if not isinstance(mark, Shape | Disc):
        return ""
    look: Look = mark.look
    line = f'{_paint("stroke", look.line)} stroke-width="{_number(look.width)}" stroke-linejoin="round"'
    return _paint("fill", look.fill) + (line if look.line else "")


def _one(mark: Mark, boxes: Iterator[int]) -> str:
    if isinstance(mark, Group):
        return _group(mark, boxes)
    if isinstance(mark, Shape):
        return f'<path d="{"".join(_way(part, mark.closed) for part in mark.parts)}"/>'
    if isinstance(mark, Disc):
        (x, y), (across, down) = map(_number, mark.at), map(_number, mark.radii)
        radii = f'r="{across}"' if across == down else f'rx="{across}" ry="{down}"'
        return f'<{"circle" if across == down else "ellipse"} cx="{x}" cy="{y}" {radii}/>'
    return _text(mark) if isinstance(mark, Words) else _image(mark)


def _group(group: Group, boxes: Iterator[int]) -> str:
    inside = "\n".join(_all(group.marks, boxes))
    if group.box is None:
        return f"<g class={quoteattr(group.name)}>\n{inside}\n</g>"
    name, (left, top), (wide, high) = f"box{next(boxes)}", group.box[0], np.ptp(group.box, axis=0)
    place = f'x="{_number(left)}" y="{_number(top)}" width="{_number(wide)}" height="{_number(high)}"'
    rectangle = f"<rect {place}/>"
    return f'<clipPath id="{name}">{rectangle}</clipPath>\n<g clip-path="url(#{name})">\n{inside}\n</g>'


def _way(points: np.ndarray, closed: bool) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points.tolist()) + ("Z" if closed else "")


def _text(words: Words) -> str:
    x, y = words.at.tolist()
    place = f'x="{_number(x)}" y="{_number(y + words.drop)}"'
    if words.angle:
        turned = f"translate({_number(x)} {_number(y)}) rotate({_number(-words.angle)})"
        place = f'transform="{turned}" y="{_number(words.drop)}"'
    anchor, size = ANCHORS[words.anchor], _number(words.size)
    look = f'font-size="{size}" text-anchor="{anchor}"{_paint("fill", words.color)}'
    return f'<text {place} {look} xml:space="preserve">{escape(words.text)}</text>'


def _image(pixels: Pixels) -> str:
    file = io.BytesIO()
    pixels.image.save(file, format="PNG", optimize=True)
    data = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    (x, y), (wide, high) = map(_number, pixels.low), map(_number, pixels.high - pixels.low)
    place = f'x="{x}" y="{y}" width="{wide}" height="{high}" preserveAspectRatio="none"'
    return f'<image {place} style="image-rendering: pixelated" href="{data}" xlink:href="{data}"/>'


def _paint(what: str, shade: Shade | None) -> str:
    if shade is None or shade[3] == 0:
        return f' {what}="none"'
    red, green, blue, alpha = shade
    opacity = "" if alpha == 255 else f' {what}-opacity="{_number(alpha / 255)}"'
    return f' {what}="#{red:02x}{green:02x}{blue:02x}"{opacity}'


def _number(value: Real) -> str:
    """Return a number with at most three digits after the point."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
