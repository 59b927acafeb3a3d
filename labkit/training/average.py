"""The exponential moving average of a module's weights.

e  <-  e + (1 - decay) (w - e)
"""

import copy

import torch
from torch import Tensor, nn


class Average:
    """A copy of a module with averaged parameters; its buffers are copies of the original's.

    Attributes:
        module: the copy, in eval mode.
    """

    def __init__(self, module: nn.Module):
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self._pairs = list(zip(self.module.parameters(), module.parameters(), strict=True))
        self._buffers = list(zip(self.module.buffers(), module.buffers(), strict=True))

    @torch.no_grad()
    def update(self, weight: Tensor) -> None:
        """Move the average by weight (w - e).

        Args:
            weight: a 0-d tensor, 1 - decay, or 0 to leave the average unchanged.
        """
        for mean, new in self._pairs:
            mean.lerp_(new, weight.to(mean.dtype))
        for mine, theirs in self._buffers:
            mine.copy_(theirs)
