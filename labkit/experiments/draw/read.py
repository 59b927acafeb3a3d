"""The tab *Read*: an image that DRAW reads and draws again, glimpse by glimpse."""

from dataclasses import replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.experiments.devices import kept, noise
from labkit.experiments.draw.drawing import Drawing, device_of, onwards
from labkit.experiments.draw.images import printed
from labkit.experiments.settings import ExperimentSettings


class ReadSettings(ExperimentSettings[Drawing]):
    """Settings for reading an image.

    Args:
        model: the network; its device computes.
        image: the image to read, (C, H, W) in [0, 1]; by default a printed 3. It may be replaced between two runs.
    """

    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="Random seed of the noise in z.")
    label = param.Integer(default=0, bounds=(0, 999), doc="Class given to the network, if it has classes.")

    def __init__(self, model: draw.DRAW, image: Tensor | None = None, **params: Any):
        self.model = model
        self.image = printed(model.config)[3] if image is None else image
        super().__init__(**params)

    def start(self) -> Drawing:
        """Return the state before the first glimpse."""
        device, classes = device_of(self.model), self.model.config.classes
        labels = torch.tensor([min(self.label, classes - 1)], device=device) if classes else None
        with torch.no_grad():
            trace = self.model(self.image[None].to(device), labels=labels, generator=noise(self.seed, device))
        return Drawing(kept(trace), image=self.image[None])

    def step(self, state: Drawing) -> Drawing:
        """Return the state after the next glimpse and stroke; after the last one, the same reading starts again."""
        return onwards(state, lambda sheet: replace(state, stroke=0, sheet=sheet))
