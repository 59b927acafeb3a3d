"""Frames of a picture: one pair of axes, or a layout of several."""

from dataclasses import replace

import holoviews as hv
from PIL import Image

from labkit.paint.axes import DARK, LIGHT, Theme, unit_of
from labkit.paint.drawing import Drawing, Sheet
from labkit.paint.panel import Panel
from labkit.paint.source import options
from labkit.paint.words import write

MOST, FINEST = 4096, 8192  # pixels in width and height, without and with a scale
PRECISION = 16  # positions in a drawing are multiples of a pixel divided by this, or finer

Columns = dict[str, dict]  # by layer


class Painter:
    """Draws frames of one picture. `frame(columns)` redraws only the first changing layer and the layers above it.

    It reuses one canvas, so only one thread at a time may use it.

    Args:
        picture: an element, an Overlay, or a Layout of these (painted in its `cols` columns), with Bokeh options.
        size: width and height in pixels. At 960 x 540 lines, points and text are as in Bokeh; they grow with the size.
        dark: dark background and light axes; the elements keep their colours.
        scale: factor for the number of pixels in width and in height of the same picture.
        vector: frames are drawings of shapes and text, see `labkit.paint.drawing`, instead of images of pixels.

    Raises:
        TypeError: paint cannot draw one of the elements.
        ValueError: the size is out of range, or the axes are swapped.
    """

    def __init__(
        self, picture, size: tuple[int, int] = (960, 540), dark: bool = False, *, scale: int = 1, vector: bool = False
    ):
        wide, high = (int(side) * scale for side in size)
        most = MOST if scale == 1 else FINEST // scale
        if not (80 <= wide / scale and 60 <= high / scale and max(wide, high) <= most * scale):
            raise ValueError(
                f"size must lie between (80, 60) and {(most, most)}, got {tuple(size)}; give (width, height)"
            )
        theme = replace(DARK if dark else LIGHT, vector=vector)
        self._scale = PRECISION if vector else scale
        wide, high = (int(side) * self._scale for side in size)
        self._paper, self.panels, self._corners = theme.blank((wide, high)), [], []
        parts, cols, top = [picture], 1, 0
        if isinstance(picture, hv.Layout):
            parts, cols = picture.values(), picture.shape[1]
            top = self._title(options(picture, "plot").get("title"), theme)
        rows = -(-len(parts) // cols)
        for i, part in enumerate(parts):
            row, col = divmod(i, cols)
            left, right = wide * col // cols, wide * (col + 1) // cols
            upper, lower = top + (high - top) * row // rows, top + (high - top) * (row + 1) // rows
            self.panels.append(Panel(part, (right - left, lower - upper), theme, self._scale))
            self._corners.append((left, upper))

    def _title(self, title: str | None, theme: Theme) -> int:
        unit = unit_of(self._paper.size, self._scale)
        if title:
            write(self._paper, (self._paper.width / 2, 18 * unit), title, 21 * unit, theme.ink)
        return round(32 * unit) if title else 0

    def fit(self, *shown: Columns | list[Columns]) -> None:
        """Choose the limits that the options leave open so that all these columns fit. Default: the first frame."""
        parts = [self._shared(columns) for columns in shown]
        for i, panel in enumerate(self.panels):
            panel.fit([columns[i] for columns in parts])

    def frame(self, columns: Columns | list[Columns] | None = None) -> Sheet:
        """Return the picture with these columns, by layer, in place of the declared ones.

        Args:
            columns: the same for every panel of a layout, or a list with the columns of each panel.

        Raises:
            ValueError: columns for a layer that does not exist, or columns of unequal lengths.
        """
        image = self._paper.copy()
        for panel, corner, own in zip(self.panels, self._corners, self._shared(columns or {}), strict=True):
            image.paste(panel.frame(own), corner)
        return image.reduce(PRECISION) if isinstance(image, Drawing) else image

    def _shared(self, columns: Columns | list[Columns]) -> list[Columns]:
        """Return the columns of each panel, after a check that each belongs to a layer."""
        labels = [{layer.label for layer in panel.layers if layer.label} for panel in self.panels]
        if isinstance(columns, dict):
            columns, labels = [columns] * len(self.panels), [set().union(*labels)] * len(self.panels)
        for own, known in zip(columns, labels, strict=True):
            if not own.keys() <= known:
                missing = sorted(set(own) - known)
                raise ValueError(
                    f"columns must name layers of the picture, {sorted(known)}, got {missing}; label the element"
                )
        return columns


def paint(
    picture, columns: Columns | None = None, *, size: tuple[int, int] = (960, 540), dark: bool = False
) -> Image.Image:
    """Return one frame of `Painter(picture, size, dark)`."""
    return Painter(picture, size, dark).frame(columns)
