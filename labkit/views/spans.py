"""Bands in a picture, and a curve against steps with the range of each interval.

A curve is the mean of each interval between kept steps; its band runs from minimum to maximum (`labkit.course`).
"""

import holoviews as hv
import numpy as np

from labkit.course import Span

RANGE = ", its range"  # the layer of a band, added to the name of its line
FAINT = 0.22  # alpha of a band


def band(label: str, color: str, alpha: float = FAINT) -> hv.Area:
    """Return a layer for the columns of `outline`, below the lines and without a legend entry."""
    return hv.Area(([1.0], [1.0], [1.0]), "x", ["y", "y2"], label=label).opts(
        color=color, alpha=alpha, line_alpha=0, show_legend=False
    )


def outline(x: np.ndarray, low: np.ndarray, high: np.ndarray, bar: float = 1.0) -> dict[str, np.ndarray]:
    """Return the outline of a band: forwards along one edge and back along the other, with gaps where it is not finite.

    Args:
        bar: half the width of a single point between two gaps, as a factor.
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
    """Return the columns of a line and of its band.

    Args:
        log: whether the axis is logarithmic; values that are not positive are then left out.
    """
    mean, low, high = (shown(part, log) for part in span)
    if not np.isfinite(mean).any():  # a band without area, because the browser warns of axes without numbers
        return {label: {"x": x, "y": mean}, label + RANGE: {"x": np.zeros(2), "y": np.ones(2)}}
    last = len(x) * bool((high > low).any())  # if every interval is one step, the band equals the line and is not sent
    return {label: {"x": x, "y": mean}, label + RANGE: outline(x[:last], low[:last], high[:last])}


def shown(values: np.ndarray, log: bool = False) -> np.ndarray:
    """Return the values that an axis can show, and NaN for the others."""
    return np.where(np.isfinite(values) & ((values > 0) | (not log)), values, np.nan)


def _around(x: np.ndarray, low: np.ndarray, high: np.ndarray, bar: float) -> np.ndarray:
    """Return the points forwards and back, [2, .]."""
    if len(x) == 1:
        x, low, high = x * np.array([1 / bar, bar]), low.repeat(2), high.repeat(2)
    return np.array([np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])])
