"""What the network reads at a glimpse."""

import holoviews as hv
import numpy as np

from labkit.draw import Config
from labkit.experiments.draw.drawing import Drawing
from labkit.past import Past
from labkit.views.draw import mosaic
from labkit.views.draw.grid import window_at
from labkit.views.palette import READ, WRITE
from labkit.views.view import Columns, View


class Glimpse(View):
    """The image with the read window, what that window reads, and the canvas with the write window."""

    wide = True

    def __init__(self, config: Config):
        self.config = config

    @property
    def declaration(self) -> tuple:
        return (self.config,)

    @property
    def aspect(self) -> float:
        """Width of the picture divided by its height."""
        return mosaic.aspect_in_words(3, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        """Return three images in a row, and outlines."""
        size = self.config.height, self.config.width
        layers = [
            mosaic.picture(self._tiles(state), "three"), mosaic.outline("read", READ), mosaic.outline("write", WRITE),
            mosaic.words(("image", "what it reads", "what it has drawn"), *size),
        ]  # fmt: skip
        return mosaic.in_words(layers, 3, *size)

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        found = []
        for name, windows in (("read", state.trace.read), ("write", state.trace.write)):
            window = window_at(windows, state.shown)
            if window is not None:
                found.append(
                    f"the {name} window is centred {mosaic.centre(window)}, with stride {float(window.stride[0]):.2g}"
                )
        off = float((state.image - state.canvas(state.shown)).abs().mean())
        told = "".join(f"{words}; " for words in found)
        return f"Glimpse {state.shown} of {state.steps}: {told}a pixel of the canvas is {off:.2f} off on average."

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        c, found = self.config, {}
        for name, window, n, column in (
            ("read", window_at(state.trace.read, state.shown), c.read, 0),
            ("write", window_at(state.trace.write, state.shown), c.write, 2),
        ):
            place = (np.array([column * (c.width + mosaic.GAP)]), np.array([0]))
            found[name] = mosaic.no_boxes() if window is None else mosaic.boxes(window, n, place, c.height, c.width)
        return {"three": {"image": [mosaic.packed(self._tiles(state))]}, **found}

    def _tiles(self, state: Drawing) -> np.ndarray:
        image, canvas = (x.numpy(force=True)[0] for x in (state.image, state.canvas(state.shown)))
        return mosaic.tiles(np.stack([image, self._seen(state, image), canvas]), 3, ground=mosaic.BETWEEN)

    def _seen(self, state: Drawing, image: np.ndarray) -> np.ndarray:
        """Return the glimpse, enlarged to the image's size; without a read window the image itself."""
        if not state.shown:
            return np.zeros_like(image)
        if state.trace.glimpse is None:
            return image
        c = self.config
        patch = state.trace.glimpse[state.shown - 1, 0, : c.channels].numpy(force=True)
        return mosaic.enlarged(mosaic.shaded(patch), c.height, c.width)
