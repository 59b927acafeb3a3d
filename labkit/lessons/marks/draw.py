"""Marks for runs of DRAW: where the windows are, what each glimpse adds, and how far the images differ.

Glimpses t count from 1, as in the pictures.
"""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from labkit.lessons.marks.registry import mark

READ, GENERATE, LATENTS = ("draw", "Read"), ("draw", "Generate"), ("draw", "Latents")
WINDOWS = {"read": "glimpse", "write": "patch"}  # a window, and the field of a trace with what goes through it


@mark(READ)
def window_place(states: Sequence[Any], glimpse: int, window: str = "read", image: int = 1) -> tuple[float, float]:
    """Return the centre of a window, as a place in the picture: pixels to the right, and downwards as a negative
    number.

    Pixel 0 has its middle at 0.5. `window` is "read" or "write".
    """
    return window_x(states, glimpse, window, image), -window_y(states, glimpse, window, image)


@mark(READ, GENERATE)
def window_x(states: Sequence[Any], glimpse: int, window: str = "read", image: int = 1) -> float:
    """Return how far the centre of a window is from the left edge, in pixels."""
    return _of_window(states, "center_x", glimpse, window, image) + 0.5


@mark(READ, GENERATE)
def window_y(states: Sequence[Any], glimpse: int, window: str = "read", image: int = 1) -> float:
    """Return how far the centre of a window is below the top edge, in pixels."""
    return _of_window(states, "center_y", glimpse, window, image) + 0.5


@mark(READ, GENERATE)
def window_width(states: Sequence[Any], glimpse: int, window: str = "read", image: int = 1) -> float:
    """Return the width of a window as its frame shows it, in pixels; the part outside the image counts too."""
    stride = _of_window(states, "stride", glimpse, window, image)
    return getattr(states[-1].trace, WINDOWS[window]).shape[-1] * stride


@mark(READ)
def information(states: Sequence[Any], first: int = 1, last: int = 0, image: int = 1) -> float:
    """Return the KL of the glimpses first to last, summed, in nats; last = 0 is the last glimpse."""
    kl = _of_image(_read(states).kl, image)
    return float(kl[_index(kl, first) : _index(kl, last or len(kl)) + 1].sum())


@mark(READ)
def most_informative(states: Sequence[Any], image: int = 1) -> float:
    """Return the glimpse with the largest KL."""
    return 1.0 + int(_of_image(_read(states).kl, image).argmax())


@mark(READ)
def reconstruction_cost(states: Sequence[Any], glimpse: int = 0, image: int = 1) -> float:
    """Return the cost of what the canvas gets wrong after a glimpse, in nats; glimpse = 0 is the last one."""
    nll = _of_image(_read(states).nll, image)
    return float(nll[_index(nll, glimpse or len(nll))])


@mark(READ)
def largest_gain(states: Sequence[Any], image: int = 1) -> float:
    """Return the glimpse after which the reconstruction cost has fallen most; the first glimpse does not count."""
    nll = _of_image(_read(states).nll, image)
    return 2.0 + int((nll[:-1] - nll[1:]).argmax())


@mark(READ)
def bound(states: Sequence[Any], image: int = 1) -> float:
    """Return the bound after the last glimpse, in nats."""
    return float(_of_image(_read(states).bound[None], image))


@mark(READ)
def cost_ratio(states: Sequence[Any], image: int = 1) -> float:
    """Return the last reconstruction cost divided by the sum of all KL."""
    return reconstruction_cost(states, image=image) / information(states, image=image)


@mark(READ)
def wrong_pixels(states: Sequence[Any], glimpse: int = 0, image: int = 1) -> float:
    """Return the number of pixels that differ between the image and the canvas after a glimpse, both rounded to ink
    or no ink; glimpse = 0 is the last one.
    """
    last = states[-1]
    drawn = _of_image(last.trace.images, image)
    differ = (drawn[_index(drawn, glimpse or len(drawn))] > 0.5) != (last.image[image - 1] > 0.5)
    return float(differ.sum())


@mark(LATENTS)
def spread(states: Sequence[Any], glimpse: int) -> float:
    """Return the value of the curve "Spread of the final images" at a glimpse."""
    values = _field(states, "spread")
    return float(values[_index(values, glimpse)])


@mark(LATENTS)
def spread_falls_below(states: Sequence[Any], share: float) -> float:
    """Return the first glimpse at which the spread is below this share of the spread at glimpse 1; NaN if none is."""
    values = _field(states, "spread")
    below = (values < share * values[0]).nonzero()
    return 1.0 + int(below[0]) if len(below) else math.nan


@mark(LATENTS)
def alike(states: Sequence[Any], pixels: int) -> float:
    """Return how many images differ from the framed one in fewer pixels than this when they are finished.

    Pixels are rounded to ink or no ink. The framed image does not count.
    """
    return float((differing_pixels(states) < pixels).sum()) - 1


@mark(LATENTS)
def mean_difference(states: Sequence[Any]) -> float:
    """Return in how many pixels a finished image differs from the framed one, averaged over the other images."""
    differ = differing_pixels(states)
    return float(differ.sum()) / (len(differ) - 1)


def differing_pixels(states: Sequence[Any]) -> Tensor:
    """Return the number of pixels in which each finished image differs from the framed one, (n,)."""
    ink = states[-1].trace.images[-1].flatten(1) > 0.5
    return (ink != ink[_field(states, "marked")]).double().sum(1)


def _read(states: Sequence[Any]) -> Any:
    """Return the trace of an image that was read."""
    trace = states[-1].trace
    if trace.kl is None:
        raise ValueError("these images were not read, so they have no KL and no bound; use the tab Read")
    return trace


def _of_window(states: Sequence[Any], field: str, glimpse: int, window: str, image: int) -> float:
    if window not in WINDOWS:
        raise ValueError(f"window must be one of {', '.join(WINDOWS)}, got {window!r}")
    found = getattr(states[-1].trace, window)
    if found is None:
        raise ValueError(f"this network has no {window} window; choose draw-small")
    values = _of_image(getattr(found, field), image)
    return float(values[_index(values, glimpse)])


def _field(states: Sequence[Any], name: str) -> Any:
    if not hasattr(states[-1], name):
        raise ValueError(f"these states have no {name}; choose the experiment that resamples z")
    return getattr(states[-1], name)


def _of_image(values: Tensor, image: int) -> Tensor:
    """Return the values [T, ...] of one image, counted from 1, of values [T, B, ...]."""
    if not 1 <= image <= values.shape[1]:
        raise ValueError(f"image must be from 1 to {values.shape[1]}, got {image}; images count from 1")
    return values[:, image - 1]


def _index(values: Sequence[Any] | Tensor, glimpse: int) -> int:
    if not 1 <= glimpse <= len(values):
        raise ValueError(f"glimpse must be from 1 to {len(values)}, got {glimpse}; glimpses count from 1")
    return glimpse - 1
