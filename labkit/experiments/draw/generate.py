"""The tab *Generate*: images that DRAW samples from its prior, stroke by stroke."""

from typing import Any

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.experiments import defaults
from labkit.experiments.devices import kept, noise
from labkit.experiments.draw.drawing import Drawing, device_of, onwards
from labkit.experiments.settings import ExperimentSettings
from labkit.experiments.shared import once


class GenerateSettings(ExperimentSettings[Drawing]):
    """Settings for images from the prior.

    Args:
        model: the network; its device computes the images.
    """

    n = param.Integer(default=defaults.IMAGES, bounds=(1, 64), label="Images, n", doc="Number n of images.")
    temperature = param.Number(
        default=defaults.TEMPERATURE, bounds=(0.0, 2.0), step=0.05, label="Temperature of z",
        doc="Standard deviation of z. 1: z ~ N(0, 1), as usual. Less: more typical images. 0: always the same image.",
    )  # fmt: skip
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed. The same seed gives the same images."
    )
    label = param.Integer(default=-1, bounds=(-1, 999), doc="Class to draw; -1 draws all classes in turn.")

    def __init__(self, model: draw.DRAW, **params: Any):
        self.model = model
        super().__init__(**params)

    def start(self) -> Drawing:
        """Return the first sheet before its first stroke."""
        return self.sheet(0)

    def step(self, state: Drawing) -> Drawing:
        """Return the state after the next stroke."""
        return onwards(state, self.sheet)

    def sheet(self, number: int) -> Drawing:
        """Return the images of one sheet. The seed and the number of the sheet define its noise."""
        key = "generate", self.n, self.temperature, self.seed, self.label, number
        return once(self.model, key, lambda: self._sheet(number))

    def _sheet(self, number: int) -> Drawing:
        source = noise(10_000 * self.seed + number, device_of(self.model))
        with torch.no_grad():
            trace = self.model.generate(self.n, labels=self.labels(), temperature=self.temperature, generator=source)
        return Drawing(kept(trace), sheet=number)

    def labels(self) -> Tensor | None:
        """Return the class of each image, (n,); None for a network without classes."""
        classes, device = self.model.config.classes, device_of(self.model)
        if not classes:
            return None
        if 0 <= self.label < classes:
            return torch.full((self.n,), self.label, device=device)
        return torch.arange(self.n, device=device) % classes
