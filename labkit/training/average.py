"""The exponential moving average of a module's weights.

e  <-  e + (1 - decay) (w - e)
"""

import copy

import torch
from torch import Tensor, nn


class Average:
    """A copy of a module whose parameters follow those of the original; its buffers are the original's.

    Attributes:
        module: the copy, in eval mode.
    """

    def __init__(self, module: nn.Module):
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self._pairs = list(zip(self.module.parameters(), module.parameters(), strict=True))
        self._buffers = list(zip(self.module.buffers(), module.buffers(), strict=True))

    @torch.no_grad()
    def update(self, weight: Tensor) -> None:
        """Move by weight (w - e); weight, 0-d, is 1 - decay, or 0 to stay."""
        for mean, new in self._pairs:
            mean.lerp_(new, weight.to(mean.dtype))
        for mine, theirs in self._buffers:
            mine.copy_(theirs)
