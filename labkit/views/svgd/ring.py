"""A ring around a chosen point."""

import numpy as np

from labkit.views.palette import OTHER

RING = {"fill_alpha": 0.0, "line_color": OTHER, "size": 18, "line_width": 4, "show_legend": False}


def ringed(x: np.ndarray, y: np.ndarray, chosen: int | None) -> dict[str, np.ndarray]:
    """Return the place of the chosen point; none for None, or if there are fewer points."""
    some = [chosen] if chosen is not None and -len(x) <= chosen < len(x) else []
    return {"x": x[some], "y": y[some]}
