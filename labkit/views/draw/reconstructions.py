"""Images that the network read, above their reconstructions."""

import holoviews as hv
import numpy as np

from labkit.draw import Config
from labkit.experiments.draw.drawing import Drawing
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.view import Columns, View


class Reconstructions(View):
    """Images that the network read, and below each its reconstruction."""

    wide = True

    def __init__(self, config: Config, n: int):
        self.config, self.n = config, n

    @property
    def declaration(self) -> tuple:
        return self.config, self.n

    @property
    def aspect(self) -> float:
        """Width of the picture divided by its height."""
        return mosaic.aspect(2, self.n, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        return hv.Overlay([mosaic.picture(self._tiles(state), "rebuilt")]).opts(show_legend=False, title="")

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        off = float((state.image - state.canvas(state.shown)).abs().mean())
        return f"{self.n} test images above their reconstructions; a pixel is {off:.2f} off on average."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return {"rebuilt": {"image": [mosaic.packed(self._tiles(state))]}}

    def _tiles(self, state: Drawing) -> np.ndarray:
        both = [x.numpy(force=True) for x in (state.image, state.canvas(state.shown))]
        return mosaic.tiles(np.concatenate(both), self.n, ground=mosaic.BETWEEN)
