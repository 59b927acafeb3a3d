"""A trace holds all that one pass of DRAW computes; the losses are what it costs."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from labkit.draw.attention import Window
from labkit.summary import Summary


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Summary):
    """One pass over a batch, step by step; fields without meaning are `None` (no attention, or generated images).

    canvas: logits after each step [T, B, C, H, W].
    z, mu, sigma: [T, B, latent].
    glimpse: what the read window sees [T, B, 2C, n, n]: the image, then what is not painted yet.
    patch: what the write window paints [T, B, C, n, n].
    nll: negative log-likelihood of the image under the canvas of each step, [T, B], in nats.
    kl: KL divergence of each step, [T, B], in nats.
    bound: nll at the last step plus the sum of kl, [B], in nats.
    read, write: windows, each field [T, B].
    start: the canvas before the first step [C, H, W].
    """

    line: ClassVar[dict[str, str]] = {"canvas": "canvas", "z": "z", "bound": "bound"}

    canvas: Tensor
    z: Tensor
    start: Tensor
    mu: Tensor | None = None
    sigma: Tensor | None = None
    glimpse: Tensor | None = None
    patch: Tensor | None = None
    nll: Tensor | None = None
    kl: Tensor | None = None
    bound: Tensor | None = None
    read: Window | None = None
    write: Window | None = None

    @property
    def images(self) -> Tensor:
        """The pixel probabilities after each step [T, B, C, H, W]."""
        return self.canvas.sigmoid()


class Losses(NamedTuple):
    """The losses of training: nll of the last canvas [B] and kl [T, B], both in nats."""

    nll: Tensor
    kl: Tensor

    @property
    def bound(self) -> Tensor:
        """The bound of each image [B], in nats."""
        return self.nll + self.kl.sum(0)


class Drawn(NamedTuple):
    """The decoder's half of a step: its state, its patch and window, and the raw window of the next glimpse.

    h is `None` before the first step, where it is zero.
    """

    h: Tensor | None
    c: Tensor
    canvas: Tensor
    patch: Tensor | None
    write: Tensor | None
    look: Tensor | None


class Looked(NamedTuple):
    """The encoder's half of a step; `read` holds the five raw numbers of its window."""

    glimpse: Tensor
    read: Tensor | None
    mu: Tensor
    log_sigma: Tensor
    z: Tensor


def negative_log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    """Return -log p(x) of independent pixels in nats, summed over (C, H, W).

    Args:
        logits: (..., b, c, h, w).
        x: (b, c, h, w) in [0, 1].
    """
    return binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum((-3, -2, -1))


def divergence(mu: Tensor, log_sigma: Tensor) -> Tensor:
    """Return KL(N(mu, sigma^2) | N(0, I)) over the last axis, in nats.

    It is 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2).
    """
    return 0.5 * (torch.addcmul((2 * log_sigma).exp() - 1, mu, mu) - 2 * log_sigma).sum(-1)
