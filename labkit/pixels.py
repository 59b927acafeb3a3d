"""Images as networks and training take them: what to advise where they come in another dtype."""

import torch
from torch import Tensor


def conversion(x: Tensor, dtype: torch.dtype) -> str:
    """How to make the images x of this dtype: numbers in [0, 1], or 0 to 255 as uint8. Values that are right stay."""
    bright = bool((x > 1).any())
    if dtype == torch.uint8:
        return "x.round().to(torch.uint8)" if bright else "(255 * x).round().to(torch.uint8)"
    return f"x.to({dtype}) / 255" if bright else f"x.to({dtype})"
