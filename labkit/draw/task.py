"""The training task of DRAW: batches with their binarisation, the loss, the test bound and a sheet of samples."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labkit.data import binarisation
from labkit.draw.network import DRAW
from labkit.training import sheet

Batch = tuple[Tensor, Tensor | None]  # images, and their labels for a network with classes


class Task:
    """The part of DRAW that `labkit.training.fit` uses.

    Args:
        module: the network, trained in place.
        binarize: a name of `labkit.data.binarisation`. For "fixed", give images from its `fixed`, or black and white
            ones.
        data: the name of the data set, for the model card.

    Raises:
        ValueError: the name of the binarisation is unknown.
    """

    kind = "draw"

    def __init__(self, module: DRAW, binarize: str = "stochastic", data: str = ""):
        binarisation.check(binarize)
        self.module, self.binarize = module, binarize
        self.config = asdict(module.config)
        self.facts = {"data": data, "binarisation": binarize}

    def batch(self, data: tuple[Tensor, ...], index: Tensor, generator: torch.Generator) -> Batch:
        """Return images (B, C, H, W) in [0, 1], and their labels for a network with classes.

        Raises:
            ValueError: the network has classes, and the data have no labels.
        """
        if self.module.config.classes and len(data) < 2:
            raise ValueError(
                f"{self.facts['data'] or 'the data set'} has no labels, but this network has classes; "
                "use data with labels, or a network without classes"
            )
        x = binarisation.drawn(data[0][index], self.binarize, self.module.posterior.weight.dtype, generator)
        return x, data[1][index] if self.module.config.classes else None

    def loss(self, module: DRAW, batch: Batch, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Return means over the batch in nats: training minimises loss = lx + beta lz and reports bound = lx + lz."""
        x, labels = batch
        found = module.losses(x, labels=labels, generator=generator)
        lx, lz = found.nll.mean(), found.kl.sum(0).mean()
        return {"loss": lx + beta * lz, "bound": lx + lz, "lx": lx, "lz": lz}

    def evaluate(self, module: DRAW, batches: Iterable[Batch], generator: torch.Generator) -> dict[str, Any]:
        """Return means over all images in nats: "bound", "lx", "lz", and "kl" of each glimpse.

        Raises:
            ValueError: the bound of an image is not finite.
        """
        nll = kl = torch.zeros((), dtype=torch.float64)
        n, bad = 0, torch.zeros((), dtype=torch.long)
        with torch.no_grad():
            for x, labels in batches:
                found = module.losses(x, labels=labels, generator=generator)
                nll, kl, n = nll + found.nll.double().sum(), kl + found.kl.double().sum(1), n + len(x)
                bad = bad + (~found.bound.isfinite()).sum()
        if bad:
            raise ValueError(
                f"the bound must be finite, got {int(bad)} of {n} images where it is not; "
                "look for NaN in the images and in the network's weights"
            )
        lx, by_glimpse = float(nll / n), (kl / n).tolist()
        lz = sum(by_glimpse)
        return {"bound": lx + lz, "lx": lx, "lz": lz, "kl": by_glimpse}

    def sheet(self, module: DRAW, generator: torch.Generator) -> np.ndarray:
        """Return samples from the prior as one image, uint8 (H, W) or (H, W, 3); each class has its own column."""
        c, n = module.config, sheet.SIDE**2
        labels = torch.arange(n, device=module.posterior.weight.device) % c.classes if c.classes else None
        with torch.no_grad():
            return sheet.tiled(module.generate(n, labels=labels, generator=generator).canvas[-1].sigmoid())
