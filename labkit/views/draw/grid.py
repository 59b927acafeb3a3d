"""Grids of images during drawing."""

import holoviews as hv
import numpy as np

from labkit.draw import Config, Window
from labkit.experiments.draw.drawing import Drawing
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.palette import WRITE
from labkit.views.view import Columns, View
from labkit.words import counted


def window_at(window: Window | None, stroke: int) -> Window | None:
    """Return the windows (B,) of one stroke, counted from 1; None before the first stroke or without a window."""
    if window is None or not stroke:
        return None
    return Window(*(field[stroke - 1] for field in window))


class SampleGrid(View):
    """All images of a drawing after the current stroke, with the write window of this stroke on each."""

    leading = True

    def __init__(self, config: Config, n: int):
        self.config, self.n = config, n
        self.across = int(np.ceil(np.sqrt(n)))

    @property
    def declaration(self) -> tuple:
        return self.config, self.n

    @property
    def aspect(self) -> float:
        """Width of the picture divided by its height."""
        rows = -(-self.n // self.across)
        return mosaic.aspect(rows, self.across, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        """Return the mosaic and the outlines."""
        layers = [mosaic.picture(self._tiles(state), "images"), mosaic.outline("write", WRITE)]
        return hv.Overlay(layers).opts(show_legend=False)

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        ink, window = float(state.canvas(state.shown).mean()), window_at(state.trace.write, state.shown)
        where = "" if window is None else f"; its windows are centred {mosaic.centre(window)}"
        return f"{counted(self.n, 'image')} after glimpse {state.shown} of {state.steps}: mean ink {ink:.2f}{where}."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        """Return the current images."""
        c, window = self.config, window_at(state.trace.write, state.shown)
        place = mosaic.corner(np.arange(self.n), self.across, c.height, c.width)
        done = state.stroke > state.steps
        outlines = (
            mosaic.no_boxes() if window is None or done else mosaic.boxes(window, c.write, place, c.height, c.width)
        )
        return {"images": {"image": [mosaic.packed(self._tiles(state))]}, "write": outlines}

    def _tiles(self, state: Drawing) -> np.ndarray:
        return mosaic.tiles(state.canvas(state.shown).numpy(force=True), self.across, ground=mosaic.BETWEEN)


class MarkedGrid(SampleGrid):
    """A grid of samples; one of them has a frame if the state marks it."""

    def picture(self, state: Drawing) -> hv.Overlay:
        return hv.Overlay([*super().picture(state), mosaic.mark("meant")]).opts(show_legend=False)

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        size = self.config.height, self.config.width
        if state.marked is None:
            return super().columns(state) | {"meant": mosaic.no_boxes()}
        left, top = mosaic.corner(state.marked, self.across, *size)
        return super().columns(state) | {"meant": mosaic.framed(left, top, *size)}


class LabelledRow(MarkedGrid):
    """The same in one row, with a label above each image."""

    leading, wide = False, True

    def __init__(self, config: Config, words: tuple[str, ...]):
        super().__init__(config, len(words))
        self.across, self.words = self.n, words

    @property
    def declaration(self) -> tuple:
        return self.config, self.words

    @property
    def aspect(self) -> float:
        return mosaic.aspect_in_words(self.n, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        size = self.config.height, self.config.width
        return mosaic.in_words([*super().picture(state), mosaic.words(self.words, *size)], self.n, *size)
