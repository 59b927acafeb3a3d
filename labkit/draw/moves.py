"""What the network does with its windows at every step, each as one operation with its gradient by hand.

They are `attention.window` with `attention.read` or `attention.write`; what is done to windows and patches costs less
than that it is done, so that an operation fewer is time saved.
"""

import torch
from torch import Tensor

from labkit.derivatives import ByHand, differentiable
from labkit.draw import attention
from labkit.draw.attention import Window


def look(x: Tensor, canvas: Tensor, asked: Tensor, n: int) -> Tensor:
    """What is read of images and of what their canvases (logits) still lack, both (b, c, h, w): (b, 2 c, n, n)."""
    return _Look.of(x, canvas.sigmoid(), asked, n).unflatten(1, (-1, n, n))


def lay(canvas: Tensor, patch: Tensor, asked: Tensor) -> Tensor:
    """The canvases (b, c, h, w) after patches (b, c, n, n) are laid down through the windows asked for (b, 5)."""
    return canvas + _Lay.of(patch, asked, *canvas.shape[-2:])


class _Look(ByHand):
    """What is lacking, x - drawn, is never made: its rows are the difference of theirs."""

    @staticmethod
    def plain(x, drawn, asked, n):
        seen = attention.read(torch.cat([x, x - drawn], 1), attention.window(asked, n, *x.shape[-2:]), n)
        return seen.flatten(1)

    @staticmethod
    def forward(ctx, x, drawn, asked, n):
        b, c, h, w = x.shape
        found, slope = attention.numbers(asked, n, h, w)
        away, filters, scale = attention.laid(_window(found), n, h, w)
        f_y, f_x = filters[:, 0, :, :h], filters[:, 1, :, :w]
        rows = f_y @ _beside(x)  # all channels in one product
        down = torch.cat([rows, rows - f_y @ _beside(drawn)], 2).view(b, n * 2 * c, w)
        seen = down @ f_x.mT
        ctx.save_for_backward(x, drawn, asked, found, slope, away, filters, scale, down, seen)
        ctx.rest = (n,)
        return (seen * found[:, 4, None, None]).view(b, n, 2 * c, n).transpose(1, 2).reshape(b, -1)

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow):
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
    """What a patch adds to the canvas."""

    @staticmethod
    def plain(patch, asked, h, w):
        return attention.write(patch, attention.window(asked, patch.shape[-1], h, w), h, w)

    @staticmethod
    def forward(ctx, patch, asked, h, w):
        b, c, n, _ = patch.shape
        found, slope = attention.numbers(asked, n, h, w)
        away, filters, scale = attention.laid(_window(found), n, h, w)
        f_y, f_x = filters[:, 0, :, :h], filters[:, 1, :, :w]
        given = _beside(patch * found[:, 4, None, None, None].reciprocal()).view(b, n * c, n)
        across = given @ f_x
        put = f_y.mT @ across.view(b, n, c * w)
        ctx.save_for_backward(patch, asked, found, slope, away, filters, scale, given, across)
        ctx.rest = h, w
        return _apart(put, c)

    @staticmethod
    @differentiable(plain)
    def backward(ctx, flow):
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
    """(b, c, h, w) with the channels side by side: (b, h, c w)."""
    return images.transpose(1, 2).flatten(2)


def _apart(rows: Tensor, channels: int) -> Tensor:
    """(b, h, c w) with the channels one after another: (b, c, h, w)."""
    return rows.unflatten(2, (channels, -1)).transpose(1, 2)


def _window(found: Tensor) -> Window:
    y, x, sigma, stride, intensity = found.unbind(1)
    return Window(y, x, stride, sigma, intensity)


def _to_asked(
    away: Tensor, filters: Tensor, scale: Tensor, to_y: Tensor, to_x: Tensor, intensity: Tensor, slope: Tensor
) -> Tensor:
    """The gradient by the five numbers asked for (b, 5)."""
    center, stride, sigma = attention.flows_to_window(away, filters, scale, to_y, to_x)
    return slope * torch.cat([center, torch.stack([sigma, stride, intensity], 1)], 1)
