"""A drawing as PDF, by reportlab: shapes stay shapes, text stays text with its fonts embedded, images are embedded."""

import io
from collections.abc import Mapping
from numbers import Real

import numpy as np
from PIL import ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from labkit.paint.drawing import Drawing
from labkit.paint.marks import Disc, Group, Look, Mark, Pixels, Shape, Words
from labkit.paint.shades import Shade, rgba

POINTS = 0.75  # a PDF has 72 points per inch, the page of a browser 96 pixels
SHARP = 600  # viewers smooth images, so these are enlarged to at least this width before


def pdf(drawing: Drawing, about: Mapping[str, str]) -> bytes:
    """Return a PDF of one page in the size of the drawing.

    Args:
        about: what the file says about itself: "Title", "Description", "Software" and other texts by name.
    """
    file = io.BytesIO()
    size = drawing.width * POINTS, drawing.height * POINTS
    canvas = Canvas(file, pagesize=size, pageCompression=1, initialFontName=_font(ImageFont.load_default(12)))
    canvas.setTitle(about.get("Title", ""))
    canvas.setSubject(about.get("Description", ""))
    canvas.setAuthor("")
    canvas.setCreator(about.get("Software", "labkit"))
    canvas.setKeywords("; ".join(f"{name}: {text}" for name, text in about.items()))
    canvas.translate(0, size[1])
    canvas.scale(POINTS, -POINTS)  # y down, in pixels, as in a drawing
    _set(canvas, Look(rgba(drawing.paper)))
    canvas.rect(0, 0, drawing.width, drawing.height, stroke=0, fill=1)
    for mark in drawing.marks:
        _one(canvas, mark)
    canvas.save()
    return file.getvalue()


def _one(canvas: Canvas, mark: Mark) -> None:
    canvas.saveState()
    if isinstance(mark, Group):
        _group(canvas, mark)
    elif isinstance(mark, Words):
        _text(canvas, mark)
    elif isinstance(mark, Pixels):
        _image(canvas, mark)
    else:
        _area(canvas, mark)
    canvas.restoreState()


def _area(canvas: Canvas, mark: Shape | Disc) -> None:
    _set(canvas, mark.look)
    path = canvas.beginPath()
    if isinstance(mark, Disc):
        path.ellipse(*(mark.at - mark.radii), *(2 * mark.radii))
    else:
        for part in mark.parts:
            path.moveTo(*part[0])
            for point in part[1:]:
                path.lineTo(*point)
            if mark.closed:
                path.close()
    canvas.drawPath(path, stroke=_seen(mark.look.line), fill=_seen(mark.look.fill))


def _set(canvas: Canvas, look: Look) -> None:
    """Choose colours and the line. A line of width zero would be as thin as the printer can."""
    if look.fill:
        canvas.setFillColorRGB(*_color(look.fill))
    if look.line:
        canvas.setStrokeColorRGB(*_color(look.line))
        canvas.setLineWidth(look.width)
        canvas.setLineJoin(1)


def _group(canvas: Canvas, group: Group) -> None:
    if group.box is not None:
        box = canvas.beginPath()
        box.rect(*group.box[0], *np.ptp(group.box, axis=0))
        canvas.clipPath(box, stroke=0, fill=0)
    for mark in group.marks:
        _one(canvas, mark)


def _text(canvas: Canvas, words: Words) -> None:
    canvas.translate(*words.at)
    canvas.scale(1, -1)
    canvas.rotate(words.angle)
    canvas.setFillColorRGB(*_color(words.color))
    canvas.setFont(_font(words.face), words.size)
    draw = {"l": canvas.drawString, "m": canvas.drawCentredString, "r": canvas.drawRightString}[words.anchor]
    draw(0, -words.drop, words.text)


def _font(face: ImageFont.FreeTypeFont) -> str:
    """Return the name under which PDF files know a font of Pillow, with which the picture was laid out."""
    name = " ".join(filter(None, face.getname()))
    if name not in pdfmetrics.getRegisteredFontNames():
        file = io.BytesIO(face.path.getvalue()) if isinstance(face.path, io.BytesIO) else face.path
        pdfmetrics.registerFont(TTFont(name, file))
    return name


def _image(canvas: Canvas, pixels: Pixels) -> None:
    image, (wide, high) = pixels.image, (pixels.high - pixels.low).tolist()
    times = max(1, round(SHARP / image.width))
    image = image.resize((times * image.width, times * image.height), 0)
    canvas.translate(pixels.low[0], pixels.high[1])
    canvas.scale(1, -1)
    canvas.drawImage(ImageReader(image), 0, 0, wide, high, mask="auto")


def _seen(shade: Shade | None) -> int:
    return int(bool(shade and shade[3]))


def _color(shade: Shade) -> tuple[Real, ...]:
    return tuple(part / 255 for part in shade)
