"""Under autocast, only the large products of a pass are rounded."""

from typing import Any

import torch
from torch import Tensor


class Exact:
    """This context turns autocast off, so that attention, canvas, KL and loss keep the network's precision.

    It returns the dtype in which autocast would compute large products, or None if autocast is off.
    """

    def __init__(self, like: Tensor):
        self.kind, on = like.device.type, torch.is_autocast_enabled(like.device.type)
        self.dtype = torch.get_autocast_dtype(self.kind) if on else None
        self.context = torch.autocast(self.kind, enabled=False) if on else None

    def __enter__(self) -> torch.dtype | None:
        if self.context is not None:
            self.context.__enter__()
        return self.dtype

    def __exit__(self, *error: Any) -> None:
        if self.context is not None:
            self.context.__exit__(*error)
