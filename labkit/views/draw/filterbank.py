"""The filters of an attention window along one axis."""

import holoviews as hv
import numpy as np

from labkit.experiments.draw.attention import Attended, AttentionSettings
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.view import Columns, View
from labkit.words import listed


class Filterbank(View):
    """The filters of one axis as an image: one row per filter, dark where it reads."""

    def __init__(self, settings: AttentionSettings, axis: str):
        self.settings, self.axis = settings, axis

    @property
    def declaration(self) -> tuple:
        return self.axis, self.settings.n, tuple(self.settings.image.shape)

    def picture(self, state: Attended) -> hv.Overlay:
        rgb = self._rows(state)
        n, size = rgb.shape[:2]
        layer = hv.RGB(rgb, bounds=(-0.5, 0.5, size - 0.5, n + 0.5), label=self.axis)
        return hv.Overlay([layer]).opts(
            title=f"Filters along {self.axis.lower()}, F_{self.axis}", xlabel=f"pixel along {self.axis.lower()}",
            ylabel="filter j" if self.axis == "X" else "filter i",
            xlim=(-0.5, size - 0.5), ylim=(0.5, n + 0.5), invert_yaxis=True, show_legend=False,
        )  # fmt: skip

    def describe(self, state: Attended, past: Past | None = None) -> str:
        rows = state.f_x if self.axis == "X" else state.f_y
        ends = listed(str(int(row.argmax())) for row in (rows[0], rows[-1]))
        return f"{len(rows)} filters along {self.axis.lower()}; the first and the last are strongest at pixels {ends}."

    def columns(self, state: Attended, past: Past | None = None) -> Columns:
        return {self.axis: {"image": [mosaic.packed(self._rows(state))]}}

    def _rows(self, state: Attended) -> np.ndarray:
        rows = (state.f_x if self.axis == "X" else state.f_y).numpy(force=True)
        return mosaic.tiles((rows / rows.max())[None, None, ::-1], 1)
