"""The canvas of one image after every stroke, in rows."""

import holoviews as hv
import numpy as np

from labkit.draw import Config, Window
from labkit.experiments.draw.drawing import Drawing
from labkit.experiments.shared import Latest
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.palette import WRITE
from labkit.views.view import Columns, View

ROW, LONG_ROW = 11, 13  # pictures per row: large enough on a phone, and 64 glimpses fill five rows
MANY = 33  # pictures from which the rows are long


class CanvasStrip(View):
    """One image after every stroke, with the window of the stroke; it starts with the empty canvas. The current one is
    marked.

    Args:
        config: configuration of the network.
        which: index of the image in the sheet.
        across: pictures per row, 0 for a number that suits the network.
        ahead: whether the glimpses to come are shown.
    """

    wide = True

    def __init__(self, config: Config, which: int = 0, across: int = 0, ahead: bool = True):
        self.config, self.which, self.ahead = config, which, ahead
        pictures = config.steps + 1
        self.across = min(across or (LONG_ROW if pictures > MANY else ROW), pictures)
        self._drawn = Latest[Columns]()  # only the mark moves during a drawing

    @property
    def declaration(self) -> tuple:
        return self.config, self.across

    @property
    def aspect(self) -> float:
        rows = -(-(self.config.steps + 1) // self.across)
        return mosaic.aspect(rows, self.across, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        """Return the strip, the outlines and the mark."""
        layers = [
            mosaic.picture(self._tiles(state), "strip"), mosaic.outline("written", WRITE), mosaic.mark("now")
        ]  # fmt: skip
        return hv.Overlay(layers).opts(show_legend=False)

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        some = "each" if self.ahead else f"{state.shown}"
        return f"The first image after {some} of {state.steps} glimpses; glimpse {state.shown} is marked."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        size = self.config.height, self.config.width
        left, top = mosaic.corner(state.shown, self.across, *size)
        drawn = self._drawn.take(state.trace, lambda: self._all(state)) if self.ahead else self._all(state)
        return drawn | {"now": mosaic.framed(left, top, *size)}

    def _all(self, state: Drawing) -> Columns:
        """Return all columns but the mark. With the glimpses to come they are the same at every stroke."""
        c, trace = self.config, state.trace
        outlines = mosaic.no_boxes()
        known = self._known(state)
        if trace.write is not None and known:
            one = Window(*(field[:known, self._one(state)] for field in trace.write))
            place = mosaic.corner(np.arange(1, known + 1), self.across, c.height, c.width)
            outlines = mosaic.boxes(one, c.write, place, c.height, c.width)
        return {"strip": {"image": [mosaic.packed(self._tiles(state))]}, "written": outlines}

    def _known(self, state: Drawing) -> int:
        """Return how many strokes are shown."""
        return state.steps if self.ahead else state.shown

    def _one(self, state: Drawing) -> int:
        return min(self.which, state.trace.canvas.shape[1] - 1)

    def _tiles(self, state: Drawing) -> np.ndarray:
        i = self._one(state)
        all_of_it = np.stack([state.canvas(t)[i].numpy(force=True) for t in range(state.steps + 1)])
        all_of_it[self._known(state) + 1 :] = 0
        return mosaic.tiles(all_of_it, self.across, ground=mosaic.BETWEEN)


class UnmarkedStrip(CanvasStrip):
    """The same without a mark, for a finished drawing."""

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        return f"The first image after each of {state.steps} glimpses."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return super().columns(state) | {"now": mosaic.no_boxes()}
