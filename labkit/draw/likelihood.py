"""log p(x) of images by importance sampling (Burda et al. 2016, equation 8), a few samples at a time.

    log p(x) ~ log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x)

K = 1 is a bound in expectation; more samples raise it to log p(x).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.draw.network import DRAW, check_pixels
from labkit.draw.trace import negative_log_likelihood

ROWS = 2_000  # images x samples that are held at once


def log_weights(
    model: DRAW, x: Tensor, samples: int, *, labels: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """log p(x, z_k) / q(z_k | x) for so many z_k of each image: (samples, b), in nats."""
    many = x.repeat(samples, 1, 1, 1)
    ratio, canvas = x.new_zeros(()), model.canvas
    for looked, drawn in model.steps(many, None if labels is None else labels.repeat(samples), generator):
        away = (looked.z - looked.mu) * (-looked.log_sigma).exp()
        # log N(z; 0, 1) - log N(z; mu, sigma), the halves of log 2 pi gone
        ratio = ratio + (0.5 * (away * away - looked.z * looked.z) + looked.log_sigma).sum(-1)
        canvas = drawn.canvas
    return (ratio - negative_log_likelihood(canvas, many)).view(samples, -1)


@torch.no_grad()
def log_likelihood(
    model: DRAW,
    x: Tensor,
    samples: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    rows: int = ROWS,
) -> Tensor:
    """log p(x) of each image [b], in nats, from `samples` importance samples; memory does not grow with them.

    Raises:
        TypeError, ValueError: samples < 1; images that the network was not made for, or with pixels out of [0, 1].
    """
    if samples < 1:
        raise ValueError(f"samples must be >= 1, got {samples}")
    model._check(x, labels)
    check_pixels(x)
    parts = [
        log_weights(model, x, size, labels=labels, generator=generator).logsumexp(0)
        for size in _chunks(samples, max(1, rows // max(1, len(x))))
    ]
    return torch.stack(parts).logsumexp(0) - math.log(samples)


def _chunks(total: int, size: int) -> Iterator[int]:
    for begin in range(0, total, size):
        yield min(size, total - begin)


def bits_per_dimension(nats: Tensor | float, pixels: int) -> Tensor | float:
    """Nats of an image as bits for each of its numbers (C x H x W), the unit for colour images.

    Only where the likelihood is one of 8-bit values is this the field's figure; for probabilities read as intensities,
    as DRAW's are, it compares runs of the same data alone.
    """
    return nats / (pixels * math.log(2))
