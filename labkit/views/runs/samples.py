"""The sheet of samples at the end of an epoch."""

import holoviews as hv
import numpy as np

from labkit.experiments.runs.state import RunState
from labkit.past import Past
from labkit.views.pixels import packed
from labkit.views.view import Columns, View


class SampleSheet(View):
    """The sheet of the state, pixel by pixel."""

    leading = True

    def __init__(self, state: RunState):
        self.size = state.sheet.shape[:2]

    @property
    def declaration(self) -> tuple:
        return (self.size,)

    @property
    def aspect(self) -> float:
        """Width of the picture divided by its height."""
        return self.size[1] / self.size[0]

    def picture(self, state: RunState) -> hv.Overlay:
        high, wide = self.size
        layer = hv.RGB(rgb(state.sheet), bounds=(0, 0, wide, high), label="sheet").opts(xaxis=None, yaxis=None)
        return hv.Overlay([layer]).opts(title="Images that the network draws", show_legend=False)

    def describe(self, state: RunState, past: Past | None = None) -> str:
        high, wide = self.size
        grey = f"mean grey {rgb(state.sheet).mean():.0f} of 255"
        return f"Samples of epoch {state.shown}, a sheet of {wide} by {high} pixels with {grey}."

    def columns(self, state: RunState, past: Past | None = None) -> Columns:
        return {"sheet": {"image": [packed(rgb(state.sheet))]}}


def rgb(sheet: np.ndarray) -> np.ndarray:
    """Return a sheet as uint8 (H, W, 3). A grey one has white ink in its file; here its ink is black, as in /draw."""
    sheet = 255 - sheet if sheet.ndim == 2 else sheet
    return np.broadcast_to(sheet.reshape(*sheet.shape[:2], -1), (*sheet.shape[:2], 3))
