"""Importance sampling estimates log p(x) of images, a few samples at a time (Burda et al. 2016, equation 8).

    log p(x) ~ log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x)

With K = 1 its expectation is a lower bound of log p(x); more samples bring it closer.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from labkit import importance
from labkit.draw.network import DRAW, check_pixels
from labkit.draw.trace import negative_log_likelihood

ROWS = 2_000  # images x samples in memory at a time


def log_weights(
    model: DRAW, x: Tensor, samples: int, *, labels: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Return log p(x, z_k) / q(z_k | x) in nats for `samples` samples z_k of each image, (samples, b)."""
    many = x.repeat(samples, 1, 1, 1)
    ratio, canvas = x.new_zeros(()), model.canvas
    for looked, drawn in model.steps(many, None if labels is None else labels.repeat(samples), generator):
        away = (looked.z - looked.mu) * (-looked.log_sigma).exp()
        # log N(z; 0, 1) - log N(z; mu, sigma); the terms with log 2 pi cancel
        ratio = ratio + (0.5 * (away * away - looked.z * looked.z) + looked.log_sigma).sum(-1)
        canvas = drawn.canvas
    return (ratio - negative_log_likelihood(canvas, many)).view(samples, -1)


def log_likelihood(
    model: DRAW,
    x: Tensor,
    samples: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    rows: int = ROWS,
) -> Tensor:
    """Return log p(x) of each image [b], in nats, from `samples` importance samples; see `estimates`."""
    return estimates(model, x, samples, labels=labels, generator=generator, rows=rows)[0]


@torch.no_grad()
def estimates(
    model: DRAW,
    x: Tensor,
    samples: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    rows: int = ROWS,
) -> tuple[Tensor, Tensor]:
    """Return log p(x) of each image [b] from `samples` importance samples, and the mean of their log-weights [b].

    That mean estimates the ELBO, which is -1 times the bound of `DRAW`. Both are in nats. Their difference varies much
    less between images than each of them.

    Args:
        x: images [b, C, H, W] in [0, 1].
        samples: K, the number of importance samples per image.
        labels: the class of each image [b], for a network with classes.
        generator: the source of the samples.
        rows: images x samples in memory at a time.

    Raises:
        TypeError, ValueError: samples < 1, images of another size, or pixels outside [0, 1].
    """
    if samples < 1:
        raise ValueError(f"samples must be >= 1, got {samples}; more samples give a tighter estimate")
    model._check(x, labels)
    check_pixels(x)
    sizes = _chunks(samples, max(1, rows // max(1, len(x))))
    parts = (log_weights(model, x, size, labels=labels, generator=generator) for size in sizes)
    return importance.estimates(parts, samples)


def _chunks(total: int, size: int) -> Iterator[int]:
    for begin in range(0, total, size):
        yield min(size, total - begin)


def bits_per_dimension(nats: Tensor | float, pixels: int) -> Tensor | float:
    """Return nats per image as bits per value, nats / (C H W log 2), the usual unit for colour images.

    It is comparable with published figures only if the likelihood is one of 8-bit values. DRAW reads intensities as
    probabilities, so it can only compare runs on the same data.
    """
    return nats / (pixels * math.log(2))
