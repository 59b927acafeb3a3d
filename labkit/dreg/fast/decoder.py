"""log p(x | z) of a VAE with Bernoulli pixels is one operation, with its gradient written by hand.

It equals `VAE.log_pixels`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from labkit.derivatives import ByHand, differentiable
from labkit.dreg.networks import VAE
from labkit.private.torch import tanh_backward


def log_pixels(model: VAE, z: Tensor, given: Tensor | None, x: Tensor) -> Tensor:
    """Return `VAE.log_pixels` as [K, B].

    Args:
        z: [K, B, latent].
        given: the given part of each image [B, G], or None.
        x: pixels [B, P].
    """
    first, second, last = (layer for layer in model.pixels if isinstance(layer, nn.Linear))
    bias = last.bias + model.logit_mean()
    if given is not None:
        z = torch.cat([z, given.expand(*z.shape[:-1], -1)], -1)
    weights = (first.weight, first.bias, second.weight, second.bias, last.weight, bias)
    return Decoded.of(z, x, *weights)


class Decoded(ByHand):
    """Three layers and the pixels as one operation; only logits and x - p have the size K x B x P.

    The sum of x logit = (x W) h + x b needs no tensor of that size; log(1 + e^logit) remains. tanh(x) is computed as
    2 sigmoid(2 x) - 1, which is as exact and faster on a CPU.
    """

    @staticmethod
    def plain(z: Tensor, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, w3: Tensor, b3: Tensor) -> Tensor:
        h2 = linear(linear(z, w1, b1).tanh(), w2, b2).tanh()
        logits = linear(h2, w3, b3)
        return (x * logits - softplus(logits)).sum(-1)

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, w3: Tensor, b3: Tensor
    ) -> Tensor:
        k, batch, _ = z.shape
        h1 = _tanh_(linear(z.flatten(0, 1), w1, b1))
        h2 = _tanh_(linear(h1, w2, b2))
        logits = linear(h2, w3, b3)
        on = (h2.view(k, batch, -1) * (x @ w3)).sum(-1) + x @ b3
        ctx.save_for_backward(z, x, w1, b1, w2, b2, w3, b3, h1, h2, logits)
        return on - softplus(logits).sum(-1).view(k, batch)

    @staticmethod
    @differentiable(plain)
    def backward(ctx: Any, flow: Tensor) -> tuple[Tensor | None, ...]:
        z, x, w1, _, w2, _, w3, _, h1, h2, logits = ctx.saved_tensors
        (k, batch), wanted = flow.shape, ctx.needs_input_grad
        pixels = (flow[..., None] * logits.view(k, batch, -1)).sum(0) if wanted[1] else None
        more, flow = logits.sigmoid().view(k, batch, -1), flow.reshape(-1, 1)
        more = torch.sub(x, more, out=more).flatten(0, 1)
        to_2 = linear(more, w3.mT).mul_(flow)
        grads: list[Tensor | None] = [None] * 6
        if wanted[6] or wanted[7]:
            grads[4:] = more.mT @ (h2 * flow), (more.mT @ flow)[:, 0]
        to_2 = tanh_backward(to_2, h2)
        if wanted[4] or wanted[5]:
            grads[2:4] = to_2.mT @ h1, to_2.sum(0)
        to_1 = tanh_backward(linear(to_2, w2.mT), h1)
        if wanted[2] or wanted[3]:
            grads[:2] = to_1.mT @ z.flatten(0, 1), to_1.sum(0)
        return (to_1 @ w1).view(k, batch, -1), pixels, *grads


def _tanh_(x: Tensor) -> Tensor:
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)
