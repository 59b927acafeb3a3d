"""The images that training takes: a tensor, an array, or several of one length."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from labkit.arrays import Arrayed
from labkit.pixels import conversion
from labkit.training.task import Data

Given = Arrayed | Sequence[Any]  # images, or images and labels; also tensors


def given(data: Given, what: str) -> Data:
    """Return images and what belongs to them as tensors.

    Args:
        what: "train" or "test", for messages.

    Raises:
        TypeError: they are neither tensors nor arrays.
        ValueError: they differ in length, or the images are not uint8 (N, C, H, W).
    """
    parts = data if isinstance(data, tuple | list) else (data,)
    if wrong := [type(part).__name__ for part in parts if not isinstance(part, Arrayed)]:
        raise TypeError(f"{what} must be tensors or arrays, got {wrong[0]}; give images, or (images, labels)")
    found = tuple(part if isinstance(part, Tensor) else torch.as_tensor(part) for part in parts)
    got = [tuple(part.shape) for part in found]
    if not found or any(not part.ndim for part in found) or not len(found[0]) or len({len(p) for p in found}) > 1:
        raise ValueError(f"{what} must be tensors of one length >= 1, got {got}; give (images,) or (images, labels)")
    if found[0].dtype != torch.uint8:
        how = conversion(found[0], torch.uint8)
        raise ValueError(f"{what} images must be uint8, got {found[0].dtype}; use {how}")
    return found
