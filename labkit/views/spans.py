"""Bands in a picture: an outline there and back, and a curve against steps with the range of every interval.

A curve is the mean of each interval between kept steps; its band goes from the least to the greatest (`labkit.course`).
"""

import holoviews as hv
import numpy as np

from labkit.course import Span

RANGE = ", its range"  # the layer of a band, beside its line
FAINT = 0.22  # alpha of a band


def band(label: str, color: str, alpha: float = FAINT) -> hv.Area:
    """A layer whose columns are `outline`'s, below the lines and in no legend."""
    return hv.Area(([1.0], [1.0], [1.0]), "x", ["y", "y2"], label=label).opts(
        color=color, alpha=alpha, line_alpha=0, show_legend=False
    )


def outline(x: np.ndarray, low: np.ndarray, high: np.ndarray, bar: float = 1.0) -> dict[str, np.ndarray]:
    """From place to place there along one edge and back along the other, with gaps where an edge is not finite.

    Args:
        bar: half the width that a place between two gaps gets, as a factor.
    """
    good = np.isfinite(low) & np.isfinite(high)
    runs = [run for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(good)) + 1) if len(run) and good[run[0]]]
    if not runs:
        return {"x": np.ones(2), "y": np.full(2, np.nan)}
    gap = np.full((2, 1), np.nan)
    parts = [part for run in runs for part in (gap, _around(x[run], low[run], high[run], bar))]
    across, up = np.concatenate(parts[1:], 1)
    return {"x": across, "y": up}


def curve(label: str, x: np.ndarray, span: Span, log: bool = False) -> dict[str, dict[str, np.ndarray]]:
    """The columns of a line and of its band.

    Args:
        log: whether the axis is logarithmic; what is not positive is then left out.
    """
    mean, low, high = (shown(part, log) for part in span)
    last = len(x) * bool((high > low).any())  # where every interval is one step the band is the line: none is sent
    return {label: {"x": x, "y": mean}, label + RANGE: outline(x[:last], low[:last], high[:last])}


def shown(values: np.ndarray, log: bool = False) -> np.ndarray:
    """What an axis can show; NaN for the rest."""
    return np.where(np.isfinite(values) & ((values > 0) | (not log)), values, np.nan)


def _around(x: np.ndarray, low: np.ndarray, high: np.ndarray, bar: float) -> np.ndarray:
    """There and back, [2, .]."""
    if len(x) == 1:
        x, low, high = x * np.array([1 / bar, bar]), low.repeat(2), high.repeat(2)
    return np.array([[*x, *x[::-1]], [*low, *high[::-1]]])
