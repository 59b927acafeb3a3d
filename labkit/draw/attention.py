"""Attention windows: an N x N grid of Gaussian filters laid over an image (Gregor et al. 2015, section 3.2).

    F_X[i, a] = exp(-(a - mu_i)^2 / 2 sigma^2) / Z,    mu_i = g_X + (i - N/2 - 1/2) delta       (19, 20, 25, 26)
    read(x) = gamma F_Y x F_X^T,    write(w) = F_Y^T w F_X / gamma                              (27, 29)

Pixels are counted from 0 here, from 1 in the paper; i counts the filters from 1 in both. The filters are normalised by
a softmax over the pixels: every row sums to 1 wherever its centre lies and however narrow it is.
"""

import functools
import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.derivatives import ByHand, differentiable

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
    y, x, sigma, stride, intensity = _Asked.of(raw, n, height, width).unbind(-1)
    return Window(y, x, stride, sigma, intensity)


class _Asked(ByHand):
    """A window's numbers [..., 5] from those asked for, all five at once: a network asks at every step of every pass,
    and for numbers so few, what is done to them costs less than that it is done."""

    @staticmethod
    def plain(raw, n, height, width):
        low, high, power, half, shift = _asked(height, width, raw.dtype, raw.device)
        sigma, stride, intensity = (raw.clamp(low, high) * power).exp()[..., 2:].unbind(-1)
        stride = stride * ((max(height, width) - 1) / max(n - 1, 1))
        return torch.cat([shift + raw[..., :2] * half, torch.stack([sigma, stride, intensity], -1)], -1)

    @staticmethod
    def forward(ctx, raw, n, height, width):
        found, slope = numbers(raw, n, height, width)
        ctx.save_for_backward(raw, slope)
        ctx.rest = n, height, width
        return found

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow):
        _, slope = ctx.saved_tensors
        return flow * slope, None, None, None


def numbers(raw: Tensor, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """(g_Y, g_X, sigma, delta, gamma) [..., 5] from those asked for, in the same order, and how each grows with its."""
    low, high, power, half, shift = _asked(height, width, raw.dtype, raw.device)
    found = (raw.clamp(low, high) * power).exp_()
    found[..., 3].mul_((max(height, width) - 1) / max(n - 1, 1))
    slope = found * power * ((raw >= low) & (raw <= high))  # as clamp has it: at its ends it still gives way
    found[..., :2] = torch.addcmul(shift, raw[..., :2], half)
    slope[..., :2] = half
    return found, slope


@functools.cache
@torch.inference_mode(False)  # a constant made in inference mode could never meet autograd
def _asked(height: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
    """Bounds of the five and the half of each that goes into the exponential; factor and shift of the first two."""
    bounds = [(-math.inf, math.inf)] * 2 + [LOG_VARIANCE, LOG_STRIDE, LOG_INTENSITY]
    low, high = torch.tensor(bounds, dtype=dtype, device=device).T.contiguous()
    power = torch.tensor([0, 0, 0.5, 1, 1], dtype=dtype, device=device)
    half = torch.tensor([(height + 1) / 2, (width + 1) / 2], dtype=dtype, device=device)
    return low, high, power, half, half - 1


def centres(window: Window, n: int) -> tuple[Tensor, Tensor]:
    """Where the n filters stand along y and along x, each [..., n], in pixels from 0."""
    step = window.stride[..., None] * _places(n, window.stride.dtype, window.stride.device)
    return window.center_y[..., None] + step, window.center_x[..., None] + step


@functools.cache
@torch.inference_mode(False)
def _places(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Of the filters in strides from the centre."""
    return torch.arange(n, dtype=dtype, device=device) - (n - 1) / 2


def filterbank(window: Window, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """F_Y [..., n, height] and F_X [..., n, width]; every row is >= 0 and sums to 1.

    Raises:
        ValueError: n is not 1 or more, or larger than the image.
    """
    check_size(n, height, width)
    return _Filters.of(window.center_y, window.center_x, window.stride, window.sigma, n, height, width)


class _Filters(ByHand):
    """The filters of both axes as one tensor [..., 2, n, pixels], with the gradient by hand: few operations, again."""

    @staticmethod
    def plain(center_y, center_x, stride, sigma, n, height, width):
        _, found, _ = laid(Window(center_y, center_x, stride, sigma, sigma), n, height, width)
        return found[..., 0, :, :height], found[..., 1, :, :width]

    @staticmethod
    def forward(ctx, center_y, center_x, stride, sigma, n, height, width):
        away, found, scale = laid(Window(center_y, center_x, stride, sigma, sigma), n, height, width)
        ctx.save_for_backward(center_y, center_x, stride, sigma, away, found, scale)
        ctx.rest = n, height, width
        return found[..., 0, :, :height], found[..., 1, :, :width]

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow_y, flow_x):
        center, stride, sigma = flows_to_window(*ctx.saved_tensors[4:], flow_y, flow_x)
        return *center.unbind(-1), stride, sigma, None, None, None


def laid(window: Window, n: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """How far each pixel is from each filter's centre in units of sqrt(2) sigma, and the filters, both of
    [..., 2, n, pixels]; one over that unit."""
    scale = math.sqrt(0.5) / window.sigma
    pixel, outside = _pixels(height, width, scale.dtype, scale.device)
    away = (pixel - torch.stack(centres(window, n), -2)[..., None]) * scale[..., None, None, None]
    return away, _rows(away, outside), scale


def flows_to_window(
    away: Tensor, found: Tensor, scale: Tensor, flow_y: Tensor, flow_x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """From the gradients by F_Y and F_X to those by the centre [..., 2], delta and sigma [...]."""
    flow = found.new_zeros(found.shape) if flow_y.shape != flow_x.shape else torch.empty_like(found)
    flow[..., 0, :, : flow_y.shape[-1]], flow[..., 1, :, : flow_x.shape[-1]] = flow_y, flow_x
    flow.mul_(found)
    flow.addcmul_(found, flow.sum(-1, keepdim=True), value=-1)  # of the softmax; below, of -away^2
    flow.mul_(away)
    center = 2 * scale[..., None, None] * flow.sum(-1)
    stride = (center * _places(center.shape[-1], center.dtype, center.device)).sum((-2, -1))
    sigma = 2 * math.sqrt(2) * scale * flow.mul_(away).sum((-3, -2, -1))
    return center.sum(-1), stride, sigma


@functools.cache
@torch.inference_mode(False)
def _pixels(height: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The pixels along the longer axis, and for both axes 0 where they are in the image, -inf beyond [2, 1, pixels]."""
    pixel = torch.arange(max(height, width), dtype=dtype, device=device)
    outside = pixel.new_zeros(2, 1, len(pixel))
    outside[0, :, height:] = outside[1, :, width:] = -math.inf
    return pixel, outside


def _rows(away: Tensor, outside: Tensor) -> Tensor:
    """exp(-away^2) / Z, over the last axis."""
    return torch.softmax(torch.addcmul(outside, away, away, value=-1), -1)


def read(x: Float[Tensor, "*b c h w"], window: Window, n: int) -> Float[Tensor, "*b c n n"]:
    """gamma F_Y x F_X^T, one grid for all channels."""
    f_y, f_x = filterbank(window, n, *x.shape[-2:])
    return look(x, f_y, f_x) * window.intensity[..., None, None, None]


def write(patch: Float[Tensor, "*b c n n"], window: Window, height: int, width: int) -> Float[Tensor, "*b c h w"]:
    """F_Y^T w F_X / gamma, one grid for all channels."""
    f_y, f_x = filterbank(window, patch.shape[-1], height, width)
    return put(patch / window.intensity[..., None, None, None], f_y, f_x)


def look(x: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
    """F_Y x F_X^T for x (..., c, h, w): (..., c, n, n). All channels in one product, side by side along the rows."""
    c, h, w = x.shape[-3:]
    down = f_y @ x.transpose(-3, -2).reshape(*x.shape[:-3], h, c * w)
    *batch, n, _ = down.shape
    return (down.reshape(*batch, n * c, w) @ f_x.mT).reshape(*batch, n, c, n).transpose(-3, -2)


def put(patch: Tensor, f_y: Tensor, f_x: Tensor) -> Tensor:
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
