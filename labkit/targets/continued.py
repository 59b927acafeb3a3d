"""The exponential continues as its tangent where float32 would overflow."""

import torch
from jaxtyping import Float
from torch import Tensor

LIMIT = 40.0  # e^40 = 2e17; its product with a squared coordinate of 1e4 is far inside float32


def exp(t: Float[Tensor, "..."]) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """Return (E(t), E'(t)) with E = exp up to LIMIT and its tangent e^LIMIT (1 + t - LIMIT) above.

    E is differentiable once. A density with E in place of exp is still a density, with finite scores at every finite
    point. It differs only where it is less than about e^-800 of its peak.
    """
    slope = t.clamp(max=LIMIT).exp()
    return torch.addcmul(slope, slope, (t - LIMIT).relu()), slope
