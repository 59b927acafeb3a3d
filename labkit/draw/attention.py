"""An attention window is an N x N grid of Gaussian filters on an image (Gregor et al. 2015, section 3.2).

    F_X[i, a] = exp(-(a - mu_i)^2 / 2 sigma^2) / Z,    mu_i = g_X + (i - N/2 - 1/2) delta       (19, 20, 25, 26)
    read(x) = gamma F_Y x F_X^T,    write(w) = F_Y^T w F_X / gamma                              (27, 29)

Pixels count from 0 here and from 1 in the paper; filters i count from 1 in both. A softmax over the pixels normalises
the filters. So every row sums to 1, for any centre and any width.

The network uses `labkit.draw.fast.windows`, which gives the same numbers with fewer operations.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

LOG_VARIANCE = (-6.0, 6.0)  # range of a network's output; outside it, filters lose their gradients
LOG_STRIDE = (-6.0, 3.0)
LOG_INTENSITY = (-6.0, 6.0)


class Window(NamedTuple):
    """The parameters of a window, all [...]: centre, stride and sigma in pixels, and intensity > 0.

    sigma is the standard deviation of each filter.
    """

    center_y: Tensor
    center_x: Tensor
    stride: Tensor
    sigma: Tensor
    intensity: Tensor


def window(raw: Float[Tensor, "*b 5"], n: int, height: int, width: int) -> Window:
    """Return the window for five raw outputs of a network (equations 21 to 24).

    Args:
        raw: (g~_Y, g~_X, log sigma^2, log delta~, log gamma) [..., 5]; zeros give a centred window over the whole
            image.
        n: filters along each axis. One filter needs no stride; then stride is (max(height, width) - 1) times delta~.
        height, width: size of the image in pixels.
    """
    y, x, log_variance, log_stride, log_intensity = raw.unbind(-1)
    whole = (max(height, width) - 1) / max(n - 1, 1)  # the stride for a grid over the whole image
    return Window(
        _centre(y, height),
        _centre(x, width),
        log_stride.clamp(*LOG_STRIDE).exp() * whole,
        (0.5 * log_variance.clamp(*LOG_VARIANCE)).exp(),
        log_intensity.clamp(*LOG_INTENSITY).exp(),
    )


def _centre(asked: Tensor, pixels: int) -> Tensor:
    """Return (pixels + 1) / 2 (g~ + 1) - 1, in pixels from 0; g~ = -1 and 1 are one pixel outside the image."""
    return torch.full_like(asked, (pixels - 1) / 2).add(asked, alpha=(pixels + 1) / 2)


def centres(window: Window, n: int) -> tuple[Tensor, Tensor]:
    """Return the centres of the n filters along y and along x, each [..., n], in pixels from 0."""
    i = torch.arange(n, dtype=window.stride.dtype, device=window.stride.device)
    step = window.stride[..., None] * (i - (n - 1) / 2)
    return window.center_y[..., None] + step, window.center_x[..., None] + step


def filterbank(window: Window, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return F_Y [..., n, height] and F_X [..., n, width]; every row is >= 0 and sums to 1.

    Raises:
        ValueError: n is less than 1, or larger than the image.
    """
    check_size(n, height, width)
    y, x = centres(window, n)
    return _filters(y, window.sigma, height), _filters(x, window.sigma, width)


def _filters(mu: Float[Tensor, "*b n"], sigma: Float[Tensor, "*b"], pixels: int) -> Float[Tensor, "*b n pixels"]:
    """Return the filters along one axis: a softmax of -(a - mu)^2 / 2 sigma^2."""
    a = torch.arange(pixels, dtype=mu.dtype, device=mu.device)
    away = (a - mu[..., None]) * (math.sqrt(0.5) / sigma)[..., None, None]
    return torch.softmax(-away * away, -1)


def read(x: Float[Tensor, "*b c h w"], window: Window, n: int) -> Float[Tensor, "*b c n n"]:
    """Return gamma F_Y x F_X^T, the patch that the window reads from x; all channels use one grid.

    Raises:
        ValueError: n is less than 1, or larger than the image.
    """
    f_y, f_x = filterbank(window, n, *x.shape[-2:])
    return _seen(x, f_y, f_x) * window.intensity[..., None, None, None]


def write(patch: Float[Tensor, "*b c n n"], window: Window, height: int, width: int) -> Float[Tensor, "*b c h w"]:
    """Return F_Y^T w F_X / gamma, the image that the window writes from a patch w; all channels use one grid.

    Raises:
        ValueError: the patch is larger than the image.
    """
    f_y, f_x = filterbank(window, patch.shape[-1], height, width)
    return _put(patch / window.intensity[..., None, None, None], f_y, f_x)


def _seen(x: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """Return F_Y x F_X^T for x (..., c, h, w), shape (..., c, n, n); one product handles all channels side by side."""
    c, h, w = x.shape[-3:]
    down = f_y @ x.transpose(-3, -2).reshape(*x.shape[:-3], h, c * w)
    *batch, n, _ = down.shape
    return (down.reshape(*batch, n * c, w) @ f_x.mT).reshape(*batch, n, c, n).transpose(-3, -2)


def _put(patch: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """Return F_Y^T w F_X for patches w (..., c, n, n), shape (..., c, h, w)."""
    c, n, _ = patch.shape[-3:]
    across = patch.transpose(-3, -2).reshape(*patch.shape[:-3], n * c, n) @ f_x
    *batch, _, w = across.shape
    found = f_y.mT @ across.reshape(*batch, n, c * w)
    return found.reshape(*found.shape[:-1], c, w).transpose(-3, -2)


def check_size(n: int, height: int, width: int) -> None:
    """Raise ValueError if a grid of n x n filters does not fit an image of height x width pixels."""
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= min(height, width):
        raise ValueError(f"a window on {height}x{width} pixels needs 1 to {min(height, width)} filters, got {n!r}")
