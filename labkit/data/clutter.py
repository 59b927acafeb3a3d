"""Harder pictures made of MNIST's: a digit somewhere among scraps of others, and two digits on one canvas."""

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

PIECE = 8  # side of a scrap, in pixels


def cluttered(
    images: UInt8[Tensor, "n 1 h w"],
    labels: Int64[Tensor, " n"] | None,
    *,
    size: int = 100,
    pieces: int = 8,
    generator: torch.Generator,
) -> tuple[UInt8[Tensor, " n 1 s s"], Int64[Tensor, " n"] | None]:
    """Translated, cluttered MNIST (Mnih et al. 2014): each digit at a random place of a black canvas, and over it
    `pieces` scraps of 8x8 pixels, cut at random from others of these images and laid at random; the brighter pixel
    shows, so that the digit stays whole. Make it a batch at a time: a canvas takes size² bytes.

    Raises:
        ValueError: a canvas smaller than the images, images smaller than a scrap, fewer than two of them.
    """
    _check(images, size)
    n, _, h, w = images.shape
    if min(h, w) < PIECE:
        raise ValueError(f"images must be at least {PIECE}x{PIECE}, for scraps are cut from them, got {h}x{w}")
    canvas = _place(images, size, generator)
    for _ in range(pieces):  # one after another, for two scraps of one canvas may overlap
        others = _others(n, images.device, generator)
        top, left = _corners(n, h - PIECE, w - PIECE, images.device, generator)
        rows, columns = _window(top, left, PIECE, PIECE)
        scraps = images[others[:, None, None], 0, rows, columns]
        canvas = torch.maximum(canvas, _place(scraps[:, None], size, generator))
    return canvas, labels


def two_digits(
    images: UInt8[Tensor, "n 1 h w"], *, size: int = 60, generator: torch.Generator
) -> UInt8[Tensor, "n 1 s s"]:
    """Each digit and a random other one, each whole and at a random place of a black canvas; where they overlap the
    intensities add up, to 255 at most (DRAW, section 4.3).

    Raises:
        ValueError: a canvas smaller than the images, fewer than two of them.
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
        raise ValueError(f"at least two images are wanted, to mix each with others, got {n}")


def _place(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Each image [n, 1, h, w], whole, at a random place of a black canvas."""
    n, _, h, w = images.shape
    top, left = _corners(n, size - h, size - w, images.device, generator)
    rows, columns = _window(top, left, h, w)
    canvas = images.new_zeros(n, 1, size, size)
    canvas[torch.arange(n, device=images.device)[:, None, None], 0, rows, columns] = images[:, 0]
    return canvas


def _corners(n: int, high: int, wide: int, device: torch.device, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n corners, uniform on 0..high and 0..wide, both ends included."""
    top = torch.randint(high + 1, (n,), generator=generator, device=device)
    return top, torch.randint(wide + 1, (n,), generator=generator, device=device)


def _window(top: Tensor, left: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    """The indices of rows [n, h, 1] and columns [n, 1, w] below and right of the corners."""
    down, right = torch.arange(h, device=top.device), torch.arange(w, device=top.device)
    return (top[:, None] + down)[:, :, None], (left[:, None] + right)[:, None, :]


def _others(n: int, device: torch.device, generator: torch.Generator) -> Tensor:
    """For each of n indices a random one of the n - 1 others."""
    return (torch.arange(n, device=device) + torch.randint(1, n, (n,), generator=generator, device=device)) % n
