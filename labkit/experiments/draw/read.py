"""The tab *Read*: an image that DRAW reads and draws again, glimpse by glimpse."""

from dataclasses import replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.experiments.devices import kept, noise
from labkit.experiments.draw.drawing import Drawing, device_of, onwards
from labkit.experiments.draw.images import decoded, encoded, printed, rounded
from labkit.experiments.settings import ExperimentSettings
from labkit.experiments.shared import once

OWN = -1  # replaces a printed digit: the image that was drawn or chosen last


class ReadSettings(ExperimentSettings[Drawing]):
    """Settings for reading an image.

    Args:
        model: the network; its device computes.
        image: the image to read, (C, H, W) in [0, 1]; by default a printed 3. It is rounded to 256 levels, as a link
            keeps it, and may be replaced between two runs.
    """

    digit = param.Integer(
        default=3, bounds=(OWN, 9), label="Printed digit",
        doc="Printed digit to read; -1: the image that was drawn or chosen last.",
    )  # fmt: skip
    own = param.String(
        default="",
        doc="Code of the image that was drawn or chosen last, up to 28 x 28 pixels, so that a link reads it again.",
    )
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="Random seed of the noise in z.")
    ahead = param.Boolean(
        default=True, label="Show glimpses to come",
        doc="Bars, curves and the row of canvases also show the glimpses to come. Off: only those so far.",
    )  # fmt: skip
    label = param.Integer(default=0, bounds=(0, 999), doc="Class given to the network, if it has classes.")

    def __init__(self, model: draw.DRAW, image: Tensor | None = None, **params: Any):
        self.model = model
        self._printed = tuple(printed(model.config))
        self._last, self._code = self._printed[type(self).digit], ""
        super().__init__(**params)
        if image is not None:
            self.image = image
            self.digit = params.get("digit", OWN)

    @property
    def image(self) -> Tensor:
        """The image to read, (C, H, W)."""
        if self.own and self.own != self._code:  # from a link
            self._last, self._code = decoded(self.own, self.model.config), self.own
        return self._last if self.digit == OWN else self._printed[self.digit]

    @image.setter
    def image(self, image: Tensor) -> None:
        self._last, self._code = rounded(image), encoded(image)
        self.param.update(digit=OWN, own=self._code)

    def sketch(self, image: Tensor) -> None:
        """Read a drawing that is not finished; a link still has the last finished image."""
        self._last, self.digit = image, OWN

    def choose(self, digit: int) -> None:
        """Read a printed digit; it also becomes the image that was chosen last."""
        self._last, self._code = self._printed[digit], ""
        self.param.update(digit=digit, own="")

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this: its image may belong to another network."""
        try:
            if name == "own" and value:
                decoded(value, self.model.config)
        except ValueError as error:
            return str(error)
        return ""

    def start(self) -> Drawing:
        """Return the state before the first glimpse."""
        if self.digit == OWN:
            return self._read()
        return once(self.model, ("read", self.digit, self.seed, self.label), self._read)

    def _read(self) -> Drawing:
        device, classes = device_of(self.model), self.model.config.classes
        labels = torch.tensor([min(self.label, classes - 1)], device=device) if classes else None
        with torch.no_grad():
            trace = self.model(self.image[None].to(device), labels=labels, generator=noise(self.seed, device))
        return Drawing(kept(trace), image=self.image[None])

    def step(self, state: Drawing) -> Drawing:
        """Return the state after the next glimpse and stroke; after the last one, the same reading starts again."""
        return onwards(state, lambda sheet: replace(state, stroke=0, sheet=sheet))
