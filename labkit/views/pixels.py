"""Images as Bokeh holds them."""

import numpy as np


def packed(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) as Bokeh takes an image in place: uint32 (H, W), lowest row first."""
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(rgba[::-1]).view(np.uint32)[..., 0]
