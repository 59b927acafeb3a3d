"""DRAW as something to train and to test: batches with their binarisation, the loss, the test bound, a sample sheet."""

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
    """The side of DRAW in `labkit.training.fit`.

    Args:
        module: the network, trained in place.
        binarize: one of `labkit.data.binarisation`; for "fixed" the images come from its `fixed`, or black and white.
        data: the name of the data set, for the card.

    Raises:
        ValueError: a binarisation of another name.
    """

    kind = "draw"

    def __init__(self, module: DRAW, binarize: str = "stochastic", data: str = ""):
        binarisation.check(binarize)
        self.module, self.binarize = module, binarize
        self.config = asdict(module.config)
        self.facts = {"data": data, "binarisation": binarize}

    def batch(self, data: tuple[Tensor, ...], index: Tensor, generator: torch.Generator) -> Batch:
        """Images (B, C, H, W) in [0, 1], and their labels for a network with classes.

        Raises:
            ValueError: the network has classes, and the data have no labels.
        """
        if self.module.config.classes and len(data) < 2:
            raise ValueError(
                f"{self.facts['data'] or 'the data set'} has no labels, and this network draws by class; "
                "take data with labels, or a network without classes"
            )
        x = binarisation.drawn(data[0][index], self.binarize, self.module.posterior.weight.dtype, generator)
        return x, data[1][index] if self.module.config.classes else None

    def loss(self, module: DRAW, batch: Batch, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Means over the batch in nats: loss = lx + beta lz is what descends, bound = lx + lz what is told."""
        x, labels = batch
        found = module.losses(x, labels=labels, generator=generator)
        lx, lz = found.nll.mean(), found.kl.sum(0).mean()
        return {"loss": lx + beta * lz, "bound": lx + lz, "lx": lx, "lz": lz}

    def evaluate(self, module: DRAW, batches: Iterable[Batch], generator: torch.Generator) -> dict[str, Any]:
        """Means over all images in nats: "bound", "lx", "lz", and "kl" by glimpse.

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
        """Samples of the prior, uint8 (H, W) or (H, W, 3); a column a class where there are classes."""
        c, n = module.config, sheet.SIDE**2
        labels = torch.arange(n, device=module.posterior.weight.device) % c.classes if c.classes else None
        with torch.no_grad():
            return sheet.tiled(module.generate(n, labels=labels, generator=generator).canvas[-1].sigmoid())
