"""Limits of an axis, and the round values along it."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

Ticks = list[tuple[Real, str]]
Numbers = np.ndarray | Real


@dataclass(frozen=True)
class Scale:
    """Limits of one axis. If low > high, the axis is inverted."""

    low: Real
    high: Real
    log: bool = False

    def __call__(self, values) -> Numbers:
        """Return the positions of values between low (0) and high (1)."""
        values = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values, low, high = np.log10(values), np.log10(low), np.log10(high)
        return (values - low) / (high - low)

    def ticks(self, count: int) -> Ticks:
        """Return about `count` round values with their labels."""
        low, high = sorted((self.low, self.high))
        return log_ticks(low, high, count) if self.log else linear_ticks(low, high, count)


def linear_ticks(low: Real, high: Real, count: int) -> Ticks:
    """Return multiples of 1, 2 or 5 times a power of ten, at most `count` + 1 of them."""
    raw = (high - low) / max(count, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    values = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    largest = max(abs(low), abs(high))
    exponent = int(np.floor(np.log10(step)))
    if largest >= 1e6 or step < 1e-4:
        digits = max(0, int(np.floor(np.log10(largest))) - exponent)
        return [(float(v), _scientific(v, digits)) for v in values]
    return [(float(v), f"{v + 0.0:.{max(0, -exponent)}f}") for v in values]


def _scientific(value: Real, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return "0" if float(value) == 0 else f"{mantissa}e{int(exponent)}"


def log_ticks(low: Real, high: Real, count: int) -> Ticks:
    """Return powers of ten, thinned to about `count`; 1, 2, 5 within two decades, even steps within one."""
    if high / low < 10:
        return linear_ticks(low, high, count)
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    if high / low < 100:
        values = [m * 10.0**k for k in range(first - 1, last + 1) for m in (1, 2, 5)]
    else:
        stride = max(1, -(-(last - first) // max(count, 1)))
        values = [10.0**k for k in range(-(-first // stride) * stride, last + 1, stride)]
    inside = [v for v in values if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
    return [(v, f"{v:g}" if 1e-4 < v < 1e5 else _scientific(v, 0)) for v in inside]


def scale(limits: tuple | None, values: np.ndarray, log: bool = False, pad: Real = 0.05) -> Scale:
    """Return a scale with the given limits. An end that is None comes from the finite values, with padding.

    Constant values also get padding.

    Raises:
        ValueError: a limit of a logarithmic axis is not positive.
    """
    low, high = limits or (None, None)
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if log and any(end is not None and end <= 0 for end in (low, high)):
        raise ValueError(
            f"limits of a logarithmic axis must be > 0, got {(low, high)}; give positive limits or drop log"
        )
    values = np.log10(values) if log else values
    ends = [np.log10(end) if log and end is not None else end for end in (low, high)]
    known = [end for end in ends if end is not None] if values.size == 0 else values
    least, most = (float(np.min(known)), float(np.max(known))) if len(known) else (0.0, 1.0)
    room = pad * (most - least)
    low = float(ends[0]) if ends[0] is not None else least - room
    high = float(ends[1]) if ends[1] is not None else most + room
    if high == low:
        low, high = low - max(0.5, 0.05 * abs(low)), high + max(0.5, 0.05 * abs(high))
    return Scale(10**low, 10**high, True) if log else Scale(low, high)
