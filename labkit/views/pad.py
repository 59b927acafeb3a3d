"""A square to draw on with the mouse, a pen, a finger or keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import param

FAINT = 0.05  # ink below this counts as none


class Pad(pn.custom.JSComponent):
    """A square to draw on; `drawn(made(ink))` is called during and after each line.

    Args:
        side: pixels along an edge of the image.
        words: what the square is for, read aloud by a screen reader.

    Attributes:
        moving: whether the line is not finished whose ink `drawn` gets.
    """

    side = param.Integer(default=28, bounds=(1, 256))
    words = param.String("Draw a digit here")
    pixels = param.List([], doc="the newest ink, 0 to 255 for each pixel, the upper row first; [] for none")
    _esm = Path(__file__).with_name("pad.js")

    def __init__(self, drawn: Callable[[Any], None], **params):
        super().__init__(**params)
        self._drawn, self.moving = drawn, False

    def made(self, ink: np.ndarray) -> Any:
        """Return what `drawn` gets for ink (side, side) in [0, 1]: the ink itself."""
        return ink

    def show(self, ink: np.ndarray) -> None:
        """Show ink (side, side) in [0, 1] in place of the lines of the visitor; `drawn` is not called."""
        self.pixels = np.rint(255 * ink).astype(int).ravel().tolist()
        self._send_msg({"kind": "show", "pixels": self.pixels})

    def clear(self) -> None:
        """Clear the square."""
        self.pixels = []
        self._send_msg({"kind": "clear"})

    def _handle_msg(self, message: object) -> None:
        pixels = message.get("pixels") if isinstance(message, dict) and message.get("kind") == "drawn" else None
        if not isinstance(pixels, list) or len(pixels) != self.side**2 or not all(map(_is_finite, pixels)):
            return  # this message does not come from this page's script
        ink = np.clip(np.asarray(pixels, dtype=np.float32), 0, 255)
        self.pixels = np.rint(ink).astype(int).tolist()  # for the next time that the square is put on the page
        ink = ink.reshape(self.side, self.side) / 255
        self.moving = isinstance(message, dict) and message.get("moving") is True
        if ink.max() > FAINT:
            self._drawn(self.made(ink))


def _is_finite(pixel: object) -> bool:
    return isinstance(pixel, int | float) and -1e6 < pixel < 1e6
