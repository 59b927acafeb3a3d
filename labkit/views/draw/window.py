"""An attention window over an image, and the images that it reads and writes."""

import holoviews as hv
import numpy as np

from labkit.experiments.draw.attention import Attended, AttentionSettings
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.palette import READ
from labkit.views.view import Columns, View


class AttentionWindow(View):
    """The image with the window, what the window reads, and what it writes; each with its own grey scale."""

    wide = True
    words = ("image", "what is read", "written back")

    def __init__(self, settings: AttentionSettings):
        self.settings = settings
        self.size = tuple(settings.image.shape[-2:])

    @property
    def declaration(self) -> tuple:
        return self.size

    @property
    def aspect(self) -> float:
        """Width of the picture divided by its height."""
        return mosaic.aspect_in_words(3, *self.size)

    def picture(self, state: Attended) -> hv.Overlay:
        layers = [
            mosaic.picture(self._tiles(state), "three"), mosaic.outline("read", READ),
            mosaic.words(self.words, *self.size),
        ]  # fmt: skip
        return mosaic.in_words(layers, 3, *self.size)

    def describe(self, state: Attended, past: Past | None = None) -> str:
        window, n = state.window, len(state.f_x)
        size = f"stride {float(window.stride[0]):.2f} and width {float(window.sigma[0]):.2f} pixels"
        return f"A window of {n} by {n} filters, centred {mosaic.centre(window)}, with {size}."

    def columns(self, state: Attended, past: Past | None = None) -> Columns:
        return {
            "three": {"image": [mosaic.packed(self._tiles(state))]},
            "read": mosaic.boxes(state.window, len(state.f_x), (np.zeros(1), np.zeros(1)), *self.size),
        }

    def _tiles(self, state: Attended) -> np.ndarray:
        image, patch, back = (field.numpy(force=True) for field in (state.image, state.patch, state.back))
        return mosaic.tiles(
            np.stack([image, mosaic.enlarged(mosaic.shaded(patch), *self.size), mosaic.shaded(back)]), 3, ground=128
        )
