"""DRAW as something to train and to test: batches with their binarisation, the loss, the test bound, a sample sheet.

Binarisation decides what the nats mean, so every result names it:
    stochastic  each pixel is ink with the probability of its grey, drawn anew at every look
    fixed       drawn once for all by `fixed`, or a data set that came as black and white
    grey        pixels stay grey and are read as probabilities: no likelihood of images, and lower by their entropy
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from labkit.draw.network import DRAW

BINARISATIONS = ("stochastic", "fixed", "grey")
SHEET = 10  # samples along a side of the sheet
GREY = 128  # between them
FIXED_SEED = 20150213  # of the one draw of `fixed`: the same images in every run


class Task:
    """The side of DRAW in `labkit.training.fit`.

    Args:
        module: the network, trained in place.
        binarize: one of `BINARISATIONS`; for "fixed" the images come from `fixed`, or black and white.
        data: the name of the data set, for the card.

    Raises:
        ValueError: a binarisation of another name.
    """

    kind = "draw"

    def __init__(self, module: DRAW, binarize: str = "stochastic", data: str = ""):
        if binarize not in BINARISATIONS:
            raise ValueError(f"binarize must be one of {', '.join(BINARISATIONS)}, got {binarize!r}")
        self.module, self.binarize = module, binarize
        self.config = asdict(module.config)
        self.facts = {"data": data, "binarisation": binarize}

    def batch(
        self, data: tuple[Tensor, ...], index: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Images (B, C, H, W) in [0, 1], and their labels for a network with classes."""
        x = data[0][index].to(self.module.posterior.weight.dtype) / 255
        if self.binarize == "stochastic":
            x = torch.bernoulli(x, generator=generator)
        return x, data[1][index] if self.module.config.classes else None

    def loss(self, module: DRAW, batch: Any, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Means over the batch in nats: loss = lx + beta lz is what descends, bound = lx + lz what is told."""
        x, labels = batch
        found = module.losses(x, labels=labels, generator=generator)
        lx, lz = found.nll.mean(), found.kl.sum(0).mean()
        return {"loss": lx + beta * lz, "bound": lx + lz, "lx": lx, "lz": lz}

    def evaluate(self, module: DRAW, batches: Iterable[Any], generator: torch.Generator) -> dict[str, Any]:
        """Means over all images in nats: "bound", "lx", "lz", and "kl" by glimpse."""
        nll, kl, n = 0.0, 0.0, 0
        with torch.no_grad():
            for x, labels in batches:
                found = module.losses(x, labels=labels, generator=generator)
                nll, kl, n = nll + found.nll.double().sum(), kl + found.kl.double().sum(1), n + len(x)
        lx, by_glimpse = float(nll / n), (kl / n).tolist()
        lz = sum(by_glimpse)
        return {"bound": lx + lz, "lx": lx, "lz": lz, "kl": by_glimpse}

    def sheet(self, module: DRAW, generator: torch.Generator) -> np.ndarray:
        """SHEET x SHEET samples of the prior, uint8 (H, W) or (H, W, 3); a column a class where there are classes."""
        c, n = module.config, SHEET * SHEET
        labels = torch.arange(n, device=module.posterior.weight.device) % c.classes if c.classes else None
        with torch.no_grad():
            images = module.generate(n, labels=labels, generator=generator).canvas[-1].sigmoid()
        images = pad((255 * images).round().to(torch.uint8).cpu(), (0, 1, 0, 1), value=GREY)  # a line between images
        rows = images.unflatten(0, (SHEET, SHEET)).permute(0, 3, 1, 4, 2)
        picture = rows.reshape(SHEET * (c.height + 1), SHEET * (c.width + 1), c.channels)[:-1, :-1].numpy()
        return picture[..., 0] if c.channels == 1 else picture


def fixed(images: Tensor) -> Tensor:
    """One stochastic binarisation of uint8 images for all runs: 0 or 255, the same at every call.

    Images that are black and white already stay as they are.
    """
    generator = torch.Generator().manual_seed(FIXED_SEED)
    parts = [torch.bernoulli(part.float() / 255, generator=generator) for part in images.split(1000)]
    return (255 * torch.cat(parts)).to(torch.uint8)
