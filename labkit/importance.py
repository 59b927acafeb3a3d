"""What importance weights say about log p(x), for the networks of every method (Burda et al. 2016, equation 8)."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor


def estimates(log_weights: Iterable[Tensor], samples: int) -> tuple[Tensor, Tensor]:
    """Return log p(x) of each image [b], and the mean of its log-weights [b], which estimates the ELBO. Both in nats.

    Args:
        log_weights: log p(x, z) / q(z | x) of some samples of each image at a time, [k, b].
        samples: number of samples of each image, over all parts.
    """
    parts, sums = [], []
    for log_w in log_weights:
        parts.append(log_w.logsumexp(0))
        sums.append(log_w.sum(0))
    return torch.stack(parts).logsumexp(0) - math.log(samples), torch.stack(sums).sum(0) / samples
