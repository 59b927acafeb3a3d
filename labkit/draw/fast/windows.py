"""The window operations of each step, `operations.look` and `operations.lay`, each have a gradient written by hand.

Windows and patches are so small that the number of operations takes the time, not their size.
"""

import functools
import math
from typing import Any

import torch
from torch import Tensor

from labkit.derivatives import ByHand, differentiable
from labkit.draw import attention


def look(x: Tensor, canvas: Tensor, asked: Tensor, n: int) -> Tensor:
    """Return `operations.look`: images and canvases (b, c, h, w), raw windows (b, 5) -> glimpses (b, 2 c, n, n)."""
    return _Look.of(x, canvas.sigmoid(), asked, n).unflatten(1, (-1, n, n))


def lay(canvas: Tensor, patch: Tensor, asked: Tensor) -> Tensor:
    """Return `operations.lay`: canvases (b, c, h, w), patches (b, c, n, n), raw windows (b, 5) -> canvases."""
    return canvas + _Lay.of(patch, asked, *canvas.shape[-2:])


class _Look(ByHand):
    """The glimpse of x and of x - drawn; the rows of x - drawn are computed as a difference of rows."""

    @staticmethod
    def plain(x: Tensor, drawn: Tensor, asked: Tensor, n: int) -> Tensor:
        window = attention.window(asked, n, *x.shape[-2:])
        return attention.read(torch.cat([x, x - drawn], 1), window, n).flatten(1)

    @staticmethod
    def forward(ctx: Any, x: Tensor, drawn: Tensor, asked: Tensor, n: int) -> Tensor:
        b, c, h, w = x.shape
        found, slope = _numbers(asked, n, h, w)
        away, filters, scale = _laid(found, n, h, w)
        f_y, f_x = filters[:, 0, :, :h], filters[:, 1, :, :w]
        rows = f_y @ _beside(x)  # one product for all channels
        down = torch.cat([rows, rows - f_y @ _beside(drawn)], 2).view(b, n * 2 * c, w)
        seen = down @ f_x.mT
        ctx.save_for_backward(x, drawn, asked, found, slope, away, filters, scale, down, seen)
        ctx.rest = (n,)
        return (seen * found[:, 4, None, None]).view(b, n, 2 * c, n).transpose(1, 2).reshape(b, -1)

    @staticmethod
    @differentiable(plain)
    def backward(ctx: Any, flow: Tensor) -> tuple[Tensor | None, ...]:
        x, drawn, _, found, slope, away, filters, scale, down, seen = ctx.saved_tensors
        (b, c, h, w), n = drawn.shape, filters.shape[2]
        f_y, f_x = filters[:, 0, :, :h], filters[:, 1, :, :w]
        flow = flow.view(b, 2 * c, n, n).transpose(1, 2).reshape(b, n * 2 * c, n)
        intensity = (flow * seen).sum((1, 2))
        flow = flow * found[:, 4, None, None]
        to_x = flow.mT @ down
        of_images, of_lacking = (flow @ f_x).view(b, n, 2, c * w).unbind(2)
        of_both, of_drawn = of_images + of_lacking, -of_lacking
        to_y = torch.baddbmm(of_both @ _beside(x).mT, of_drawn, _beside(drawn).mT)
        images = _apart(f_y.mT @ of_both, c) if ctx.needs_input_grad[0] else None
        to_drawn = _apart(f_y.mT @ of_drawn, c)
        return images, to_drawn, _to_asked(away, filters, scale, to_y, to_x, intensity, slope), None


class _Lay(ByHand):
    """The image that a patch adds to the canvas."""

    @staticmethod
    def plain(patch: Tensor, asked: Tensor, h: int, w: int) -> Tensor:
        return attention.write(patch, attention.window(asked, patch.shape[-1], h, w), h, w)

    @staticmethod
    def forward(ctx: Any, patch: Tensor, asked: Tensor, h: int, w: int) -> Tensor:
        b, c, n, _ = patch.shape
        found, slope = _numbers(asked, n, h, w)
        away, filters, scale = _laid(found, n, h, w)
        f_y, f_x = filters[:, 0, :, :h], filters[:, 1, :, :w]
        given = _beside(patch * found[:, 4, None, None, None].reciprocal()).view(b, n * c, n)
        across = given @ f_x
        put = f_y.mT @ across.view(b, n, c * w)
        ctx.save_for_backward(patch, asked, found, slope, away, filters, scale, given, across)
        ctx.rest = h, w
        return _apart(put, c)

    @staticmethod
    @differentiable(plain)
    def backward(ctx: Any, flow: Tensor) -> tuple[Tensor | None, ...]:
        patch, _, found, slope, away, filters, scale, given, across = ctx.saved_tensors
        (b, c, n, _), (h, w) = patch.shape, ctx.rest
        f_y, f_x, beside = filters[:, 0, :, :h], filters[:, 1, :, :w], _beside(flow)
        to_y = across.view(b, n, c * w) @ beside.mT
        to_across = (f_y @ beside).view(b, n * c, w)
        to_x = given.mT @ to_across
        to_given = to_across @ f_x.mT
        less = found[:, 4, None, None].reciprocal()
        intensity = -(to_given * given).sum((1, 2)) * less[:, 0, 0]
        to_patch = (to_given * less).view(b, n, c, n).transpose(1, 2)
        return to_patch, _to_asked(away, filters, scale, to_y, to_x, intensity, slope), None, None


def _beside(images: Tensor) -> Tensor:
    """Return (b, c, h, w) with the channels side by side, (b, h, c w)."""
    return images.transpose(1, 2).flatten(2)


def _apart(rows: Tensor, channels: int) -> Tensor:
    """Return (b, h, c w) with the channels one after another, (b, c, h, w)."""
    return rows.unflatten(2, (channels, -1)).transpose(1, 2)


def _to_asked(
    away: Tensor, filters: Tensor, scale: Tensor, to_y: Tensor, to_x: Tensor, intensity: Tensor, slope: Tensor
) -> Tensor:
    """Return the gradient with respect to the five raw numbers (b, 5)."""
    center, stride, sigma = _flows_to_window(away, filters, scale, to_y, to_x)
    return slope * torch.cat([center, torch.stack([sigma, stride, intensity], 1)], 1)


def _numbers(raw: Tensor, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return (g_Y, g_X, sigma, delta, gamma) (b, 5) of the raw numbers, and the derivative of each (b, 5)."""
    low, high, power, half, shift = _asked(height, width, raw.dtype, raw.device)
    found = (raw.clamp(low, high) * power).exp_()
    found[..., 3].mul_((max(height, width) - 1) / max(n - 1, 1))
    slope = found * power * ((raw >= low) & (raw <= high))  # as the gradient of clamp, which is 1 at the ends too
    found[..., :2] = torch.addcmul(shift, raw[..., :2], half)
    slope[..., :2] = half
    return found, slope


@functools.cache
@torch.inference_mode(False)  # a constant made in inference mode could never meet autograd
def _asked(height: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
    """Return bounds and exponents of the five raw numbers, and factor and shift of the first two."""
    bounds = [(-math.inf, math.inf)] * 2 + [attention.LOG_VARIANCE, attention.LOG_STRIDE, attention.LOG_INTENSITY]
    low, high = torch.tensor(bounds, dtype=dtype, device=device).T.contiguous()
    power = torch.tensor([0, 0, 0.5, 1, 1], dtype=dtype, device=device)
    half = torch.tensor([(height + 1) / 2, (width + 1) / 2], dtype=dtype, device=device)
    return low, high, power, half, half - 1


def _laid(found: Tensor, n: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distances of pixels from filter centres, the filters, and the inverse unit of distance.

    Distances, in units of sqrt(2) sigma, and filters are (b, 2, n, pixels); the inverse unit is (b).
    """
    scale = math.sqrt(0.5) / found[:, 2]
    pixel, outside = _pixels(height, width, scale.dtype, scale.device)
    away = (pixel - _centres(found, n)[..., None]) * scale[:, None, None, None]
    return away, _rows(away, outside), scale


def _centres(found: Tensor, n: int) -> Tensor:
    """Return the centres of the filters along y and along x (b, 2, n)."""
    return found[:, :2, None] + (found[:, 3, None] * _places(n, found.dtype, found.device))[:, None]


def _rows(away: Tensor, outside: Tensor) -> Tensor:
    """Return exp(-away^2) / Z, normalised over the last axis."""
    return torch.softmax(torch.addcmul(outside, away, away, value=-1), -1)


def _flows_to_window(
    away: Tensor, found: Tensor, scale: Tensor, flow_y: Tensor, flow_x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients by the centre (b, 2), delta and sigma (b), from those by F_Y and F_X."""
    flow = found.new_zeros(found.shape) if flow_y.shape != flow_x.shape else torch.empty_like(found)
    flow[..., 0, :, : flow_y.shape[-1]], flow[..., 1, :, : flow_x.shape[-1]] = flow_y, flow_x
    flow.mul_(found)
    flow.addcmul_(found, flow.sum(-1, keepdim=True), value=-1)  # the softmax; next comes -away^2
    flow.mul_(away)
    center = 2 * scale[..., None, None] * flow.sum(-1)
    stride = (center * _places(center.shape[-1], center.dtype, center.device)).sum((-2, -1))
    sigma = 2 * math.sqrt(2) * scale * flow.mul_(away).sum((-3, -2, -1))
    return center.sum(-1), stride, sigma


@functools.cache
@torch.inference_mode(False)
def _places(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the positions of the n filters in strides from the centre (n)."""
    return torch.arange(n, dtype=dtype, device=device) - (n - 1) / 2


@functools.cache
@torch.inference_mode(False)
def _pixels(height: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pixels of the longer axis, and per axis 0 inside the image and -inf outside [2, 1, pixels]."""
    pixel = torch.arange(max(height, width), dtype=dtype, device=device)
    outside = pixel.new_zeros(2, 1, len(pixel))
    outside[0, :, height:] = outside[1, :, width:] = -math.inf
    return pixel, outside
