"""x W^T + b by oneDNN, which on a CPU is a tenth to a third quicker than the BLAS that torch takes by itself."""

import torch
from torch import Tensor
from torch.nn import functional

from labkit.private.torch import has_onednn_linear, onednn_linear

DTYPES = (torch.float32, torch.bfloat16)


def has(weight: Tensor) -> bool:
    """Whether oneDNN is there for products with this weight."""
    return weight.dtype in DTYPES and weight.device.type == "cpu" and has_onednn_linear()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b, without gradients; by oneDNN where it is there."""
    if has(weight):
        return onednn_linear(x, weight, bias)
    return functional.linear(x, weight, bias)
