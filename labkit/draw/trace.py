"""What one pass of DRAW leaves behind, and what it costs."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from labkit.draw.attention import Window


@dataclass(frozen=True, eq=False)
class Trace:
    """One pass over a batch, step by step; None where a field has no meaning (attention off, or generated).

    canvas: logits after each step [T, B, C, H, W]. z, mu, sigma: [T, B, latent]. glimpse: what was read of the image
    and, in the channels after them, of what was not drawn yet [T, B, 2C, n, n]. patch: what the write window lays down
    [T, B, C, n, n]. nll: of the image under the canvas of each step; kl: of each step, both [T, B], in nats.
    bound: nll at the last step plus all kl, [B]. read, write: windows of [T, B] each. start: the canvas before the
    first step [C, H, W].
    """

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
        """Probabilities of ink after each step [T, B, C, H, W]."""
        return self.canvas.sigmoid()


class Losses(NamedTuple):
    """What training minimises: nll of the last canvas [B], kl [T, B], both in nats."""

    nll: Tensor
    kl: Tensor

    @property
    def bound(self) -> Tensor:
        return self.nll + self.kl.sum(0)


class Drawn(NamedTuple):
    """The decoder's half of a step: its state, what it wrote and where, the five numbers of its next look.

    h is None before the first step, where it is zero.
    """

    h: Tensor | None
    c: Tensor
    canvas: Tensor
    patch: Tensor | None
    write: Tensor | None
    look: Tensor | None


class Looked(NamedTuple):
    """The encoder's half of a step; the window of its look by the five numbers that asked for it."""

    glimpse: Tensor
    read: Tensor | None
    mu: Tensor
    log_sigma: Tensor
    z: Tensor


def negative_log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) of independent pixels, summed over (C, H, W): logits (..., b, c, h, w), x (b, c, h, w) in [0, 1]."""
    return binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum((-3, -2, -1))


def divergence(mu: Tensor, log_sigma: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) | N(0, I)) summed over the last axis, in nats: 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2)."""
    return 0.5 * (torch.addcmul((2 * log_sigma).exp() - 1, mu, mu) - 2 * log_sigma).sum(-1)
