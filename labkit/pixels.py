"""Advice on how to convert images to the dtype that a network or the training needs."""

import torch
from torch import Tensor


def conversion(x: Tensor, dtype: torch.dtype) -> str:
    """Return code that converts images x to a dtype: numbers in [0, 1], or uint8 from 0 to 255."""
    bright = bool((x > 1).any())
    if dtype == torch.uint8:
        return "x.round().to(torch.uint8)" if bright else "(255 * x).round().to(torch.uint8)"
    return f"x.to({dtype}) / 255" if bright else f"x.to({dtype})"
