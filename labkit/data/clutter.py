"""Harder images from MNIST: a digit among pieces of other digits, and two digits on one canvas."""

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

PIECE = 8  # side of a piece, in pixels


def cluttered(
    images: UInt8[Tensor, "n 1 h w"],
    labels: Int64[Tensor, " n"] | None,
    *,
    size: int = 100,
    pieces: int = 8,
    generator: torch.Generator,
) -> tuple[UInt8[Tensor, " n 1 s s"], Int64[Tensor, " n"] | None]:
    """Return translated, cluttered MNIST (Mnih et al. 2014): each digit at a random position of a black canvas.

    `pieces` pieces of 8x8 pixels, cut at random from other images, are put at random positions. The brighter pixel is
    kept, so that the digit stays complete. Make one batch at a time, because each canvas takes size² bytes.

    Args:
        size: side of the canvas in pixels.
        pieces: number of pieces per canvas.

    Raises:
        ValueError: the canvas is smaller than the images, or there are fewer than two images or too small ones.
    """
    _check(images, size)
    n, _, h, w = images.shape
    if min(h, w) < PIECE:
        raise ValueError(f"images must be at least {PIECE}x{PIECE}, got {h}x{w}; pieces of this size are cut from them")
    canvas = _place(images, size, generator)
    for _ in range(pieces):  # one after another, because two pieces of one canvas may overlap
        others = _others(n, images.device, generator)
        top, left = _corners(n, h - PIECE, w - PIECE, images.device, generator)
        rows, columns = _window(top, left, PIECE, PIECE)
        scraps = images[others[:, None, None], 0, rows, columns]
        canvas = torch.maximum(canvas, _place(scraps[:, None], size, generator))
    return canvas, labels


def two_digits(
    images: UInt8[Tensor, "n 1 h w"], *, size: int = 60, generator: torch.Generator
) -> UInt8[Tensor, "n 1 s s"]:
    """Return each digit and a random other digit, both complete, at random positions of a black canvas.

    Where they overlap, the intensities add up, to 255 at most (DRAW, section 4.3).

    Args:
        size: side of the canvas in pixels.

    Raises:
        ValueError: the canvas is smaller than the images, or there are fewer than two images.
    """
    _check(images, size)
    first = _place(images, size, generator)
    second = _place(images[_others(len(images), images.device, generator)], size, generator)
    return torch.where(second > 255 - first, 255, first + second)


def _check(images: Tensor, size: int) -> None:
    n, _, h, w = images.shape
    if size < max(h, w):
        raise ValueError(f"size must be at least {max(h, w)}, the side of the images, got {size}")
    if n < 2:
        raise ValueError(f"there must be at least two images, to mix each with others, got {n}")


def _place(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Return each image [n, 1, h, w], complete, at a random position of a black canvas."""
    n, _, h, w = images.shape
    top, left = _corners(n, size - h, size - w, images.device, generator)
    rows, columns = _window(top, left, h, w)
    canvas = images.new_zeros(n, 1, size, size)
    canvas[torch.arange(n, device=images.device)[:, None, None], 0, rows, columns] = images[:, 0]
    return canvas


def _corners(n: int, high: int, wide: int, device: torch.device, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n corners, uniform on 0..high and 0..wide, with both ends."""
    top = torch.randint(high + 1, (n,), generator=generator, device=device)
    return top, torch.randint(wide + 1, (n,), generator=generator, device=device)


def _window(top: Tensor, left: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    """Return the indices of rows [n, h, 1] and columns [n, 1, w] below and right of the corners."""
    down, right = torch.arange(h, device=top.device), torch.arange(w, device=top.device)
    return (top[:, None] + down)[:, :, None], (left[:, None] + right)[:, None, :]


def _others(n: int, device: torch.device, generator: torch.Generator) -> Tensor:
    """Return for each of n indices a random one of the n - 1 others."""
    return (torch.arange(n, device=device) + torch.randint(1, n, (n,), generator=generator, device=device)) % n
