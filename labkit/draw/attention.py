"""Attention windows: an N x N grid of Gaussian filters laid over an image (Gregor et al. 2015, section 3.2).

    F_X[i, a] = exp(-(a - mu_i)^2 / 2 sigma^2) / Z,    mu_i = g_X + (i - N/2 - 1/2) delta       (19, 20, 25, 26)
    read(x) = gamma F_Y x F_X^T,    write(w) = F_Y^T w F_X / gamma                              (27, 29)

Pixels are counted from 0 here, from 1 in the paper; i counts the filters from 1 in both. The filters are normalised by
a softmax over the pixels: every row sums to 1 wherever its centre lies and however narrow it is.

The network takes `labkit.draw.fast.windows`: the same numbers from fewer operations.
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
    whole = (max(height, width) - 1) / max(n - 1, 1)  # the stride of a grid over the whole image
    return Window(
        _centre(y, height),
        _centre(x, width),
        log_stride.clamp(*LOG_STRIDE).exp() * whole,
        (0.5 * log_variance.clamp(*LOG_VARIANCE)).exp(),
        log_intensity.clamp(*LOG_INTENSITY).exp(),
    )


def _centre(asked: Tensor, pixels: int) -> Tensor:
    """Pixels from 0: (pixels + 1) / 2 (g~ + 1) - 1, which -1 and 1 put one pixel outside the image."""
    return torch.full_like(asked, (pixels - 1) / 2).add(asked, alpha=(pixels + 1) / 2)


def centres(window: Window, n: int) -> tuple[Tensor, Tensor]:
    """Where the n filters stand along y and along x, each [..., n], in pixels from 0."""
    i = torch.arange(n, dtype=window.stride.dtype, device=window.stride.device)
    step = window.stride[..., None] * (i - (n - 1) / 2)
    return window.center_y[..., None] + step, window.center_x[..., None] + step


def filterbank(window: Window, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """F_Y [..., n, height] and F_X [..., n, width]; every row is >= 0 and sums to 1.

    Raises:
        ValueError: n is not 1 or more, or larger than the image.
    """
    check_size(n, height, width)
    y, x = centres(window, n)
    return _filters(y, window.sigma, height), _filters(x, window.sigma, width)


def _filters(mu: Float[Tensor, "*b n"], sigma: Float[Tensor, "*b"], pixels: int) -> Float[Tensor, "*b n pixels"]:
    """The filters along one axis: a softmax of -(a - mu)^2 / 2 sigma^2."""
    a = torch.arange(pixels, dtype=mu.dtype, device=mu.device)
    away = (a - mu[..., None]) * (math.sqrt(0.5) / sigma)[..., None, None]
    return torch.softmax(-away * away, -1)


def read(x: Float[Tensor, "*b c h w"], window: Window, n: int) -> Float[Tensor, "*b c n n"]:
    """gamma F_Y x F_X^T, one grid for all channels."""
    f_y, f_x = filterbank(window, n, *x.shape[-2:])
    return _seen(x, f_y, f_x) * window.intensity[..., None, None, None]


def write(patch: Float[Tensor, "*b c n n"], window: Window, height: int, width: int) -> Float[Tensor, "*b c h w"]:
    """F_Y^T w F_X / gamma, one grid for all channels."""
    f_y, f_x = filterbank(window, patch.shape[-1], height, width)
    return _put(patch / window.intensity[..., None, None, None], f_y, f_x)


def _seen(x: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """F_Y x F_X^T for x (..., c, h, w): (..., c, n, n). All channels in one product, side by side along the rows."""
    c, h, w = x.shape[-3:]
    down = f_y @ x.transpose(-3, -2).reshape(*x.shape[:-3], h, c * w)
    *batch, n, _ = down.shape
    return (down.reshape(*batch, n * c, w) @ f_x.mT).reshape(*batch, n, c, n).transpose(-3, -2)


def _put(patch: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """F_Y^T w F_X for patches w (..., c, n, n): (..., c, h, w)."""
    c, n, _ = patch.shape[-3:]
    across = patch.transpose(-3, -2).reshape(*patch.shape[:-3], n * c, n) @ f_x
    *batch, _, w = across.shape
    found = f_y.mT @ across.reshape(*batch, n, c * w)
    return found.reshape(*found.shape[:-1], c, w).transpose(-3, -2)


def check_size(n: int, height: int, width: int) -> None:
    """Raise ValueError where a grid of n x n filters does not go with an image."""
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= min(height, width):
        raise ValueError(f"a window wants 1 to {min(height, width)} filters on {height}x{width} pixels, got {n!r}")
