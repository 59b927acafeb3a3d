"""Attention windows: an N x N grid of Gaussian filters laid over an image (Gregor et al. 2015, section 3.2).

    F_X[i, a] = exp(-(a - mu_i)^2 / 2 sigma^2) / Z,    mu_i = g_X + (i - N/2 - 1/2) delta       (19, 20, 25, 26)
    read(x) = gamma F_Y x F_X^T,    write(w) = F_Y^T w F_X / gamma                              (27, 29)

Pixels are counted from 0 here, from 1 in the paper; i counts the filters from 1 in both. The filters are normalised by
a softmax over the pixels: every row sums to 1 wherever its centre lies and however narrow it is.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

LOG_VARIANCE = (-6.0, 6.0)  # what a network may ask for; beyond, filters lose their gradients
LOG_STRIDE = (-6.0, 3.0)
LOG_INTENSITY = (-6.0, 6.0)


class Window(NamedTuple):
    """Where a window stands, all [...]: centre, stride and sigma (a standard deviation) in pixels, intensity > 0."""

    center_y: Tensor
    center_x: Tensor
    stride: Tensor
    sigma: Tensor
    intensity: Tensor


def window(raw: Float[Tensor, "*b 5"], n: int, height: int, width: int) -> Window:
    """The window that five numbers of a network ask for (equations 21 to 24).

    Args:
        raw: (g~_Y, g~_X, log sigma^2, log delta~, log gamma); zeros are a centred window over the whole image.
        n: filters along an axis; a single one has no stride, which is given as max(height, width) - 1 times delta~.
    """
    y, x, log_variance, log_stride, log_intensity = raw.unbind(-1)
    stride = (max(height, width) - 1) / max(n - 1, 1)
    return Window(
        (height + 1) / 2 * (y + 1) - 1,
        (width + 1) / 2 * (x + 1) - 1,
        stride * log_stride.clamp(*LOG_STRIDE).exp(),
        (log_variance.clamp(*LOG_VARIANCE) / 2).exp(),
        log_intensity.clamp(*LOG_INTENSITY).exp(),
    )


def centres(window: Window, n: int) -> tuple[Tensor, Tensor]:
    """Where the n filters stand along y and along x, each [..., n], in pixels from 0."""
    place = torch.arange(n, dtype=window.stride.dtype, device=window.stride.device) - (n - 1) / 2
    step = window.stride[..., None] * place
    return window.center_y[..., None] + step, window.center_x[..., None] + step


def filterbank(window: Window, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """F_Y [..., n, height] and F_X [..., n, width]; every row is >= 0 and sums to 1.

    Raises:
        ValueError: n is not 1 or more, or larger than the image.
    """
    check_size(n, height, width)
    y, x = centres(window, n)
    scale = math.sqrt(0.5) / window.sigma[..., None, None]
    return _rows(y, height, scale), _rows(x, width, scale)


def _rows(centre: Tensor, size: int, scale: Tensor) -> Tensor:
    pixel = torch.arange(size, dtype=centre.dtype, device=centre.device)
    away = (pixel - centre[..., None]) * scale
    return torch.softmax(-away * away, -1)


def read(x: Float[Tensor, "*b c h w"], window: Window, n: int) -> Float[Tensor, "*b c n n"]:
    """gamma F_Y x F_X^T, one grid for all channels."""
    f_y, f_x = filterbank(window, n, *x.shape[-2:])
    return look(x, f_y, f_x) * window.intensity[..., None, None, None]


def write(patch: Float[Tensor, "*b c n n"], window: Window, height: int, width: int) -> Float[Tensor, "*b c h w"]:
    """F_Y^T w F_X / gamma, one grid for all channels."""
    f_y, f_x = filterbank(window, patch.shape[-1], height, width)
    return put(patch / window.intensity[..., None, None, None], f_y, f_x)


def look(x: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """F_Y x F_X^T for x (..., c, h, w): (..., c, n, n)."""
    c, (h, w), n = x.shape[-3], x.shape[-2:], f_x.shape[-2]
    across = x.reshape(*x.shape[:-3], c * h, w) @ f_x.mT  # all channels in one product; the second is a small one
    return f_y.unsqueeze(-3) @ across.reshape(*x.shape[:-3], c, h, n)


def put(patch: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """F_Y^T w F_X for patches w (..., c, n, n): (..., c, h, w)."""
    c, n, h = patch.shape[-3], patch.shape[-1], f_y.shape[-1]
    down = f_y.unsqueeze(-3).mT @ patch
    return (down.reshape(*patch.shape[:-3], c * h, n) @ f_x).reshape(*patch.shape[:-3], c, h, f_x.shape[-1])


def check_size(n: int, height: int, width: int) -> None:
    """Raise ValueError where a grid of n x n filters does not go with an image."""
    if not 1 <= n <= min(height, width):
        raise ValueError(f"a window wants 1 to {min(height, width)} filters on {height}x{width} pixels, got {n}")
