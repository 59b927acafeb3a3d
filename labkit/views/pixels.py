"""Images in Bokeh's format."""

import numpy as np


def packed(rgb: np.ndarray) -> np.ndarray:
    """Return an image uint8 (H, W, 3) in Bokeh's format: uint32 (H, W), lowest row first."""
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(rgba[::-1]).view(np.uint32)[..., 0]
