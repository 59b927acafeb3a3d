"""A quantity of every estimator against the number of samples K, on logarithmic axes."""

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import holoviews as hv
import numpy as np
import param
from torch import Tensor

from labkit.experiments import titles
from labkit.experiments.dreg.variance import between
from labkit.past import Past
from labkit.views import spans
from labkit.views.dreg.styles import style_of
from labkit.views.palette import PAST
from labkit.views.view import Columns, View
from labkit.words import listed

ROOM = 48  # the axis ends at this multiple of the largest K, to leave space for the names
GAP = 0.06  # minimum distance of two names, as a fraction of the axis
BAR = 1.1  # half the width of a band at a single size, as a factor
HIGHEST, STEP, WIDEST = 2.5, 0.8, 5.5  # widths of the highest line, of what each lower one adds, and of the lowest
BAND, NAME = ", its band", ", its name"  # names of an estimator's other layers
MARKERS = ", measured"


@runtime_checkable
class Measurements(Protocol):
    """The interface of a state with estimators [E] and sizes [S]; `Measured` and `GradientNoise` have it.

    total: has the number of replicates, n.
    """

    total: Any
    estimators: tuple[str, ...]
    sizes: tuple[int, ...]

    def values(self, quantity: str) -> Tensor: ...

    def interval(self, quantity: str) -> tuple[Tensor, Tensor]: ...

    def doubted(self, quantity: str) -> list[list[int]]: ...

    def truths(self, quantity: str) -> Tensor: ...

    def slopes(self, quantity: str) -> list[float]: ...


_drawn: WeakKeyDictionary[Measurements, dict[tuple, Columns]] = WeakKeyDictionary()


class Scaling(View):
    """Measured lines with their bands, exact curves dashed, names with slopes at the ends.

    The limits are whole decades that contain the first batch and the exact curves.
    """

    leading = wide = True

    def __init__(self, settings: param.Parameterized):
        self.settings = settings
        self.quantity = settings.quantity
        self._limits: tuple[float, float] | None = None

    def record(self, state: Measurements) -> dict[str, float]:
        """Return a row of the run's table."""
        values = state.values("variance")
        named = {
            f"variance of {name} at K = {k}": float(values[i, j])
            for i, name in enumerate(state.estimators)
            for j, k in enumerate(state.sizes)
        }
        return {"replicates": float(state.total.n), **named}

    def picture(self, state: Measurements) -> hv.Overlay:
        self._limits = limits(state, self.quantity)
        columns = self.columns(state)
        bands = [spans.band(name + BAND, style_of(name).color) for name in state.estimators]
        n = len(state.estimators)
        # lower lines are wider, so that equal lines are all visible
        widths = np.linspace(min(HIGHEST + STEP * (n - 1), WIDEST), HIGHEST, n).tolist()
        drawn = [_line(name, columns, width) for name, width in zip(state.estimators, widths, strict=True)]
        lines = [layer for layers in zip(*drawn, strict=True) for layer in layers]
        exact = hv.Curve((columns["exact"]["x"], columns["exact"]["y"]), "x", "y", label="exact").opts(
            color=PAST, line_dash="dashed", line_width=1.5
        )
        names = [_name(name, columns[name + NAME]) for name in state.estimators]
        return hv.Overlay([*bands, *lines, exact, *names]).opts(
            title=f"{self.quantity[0].upper()}{self.quantity[1:]} of the gradient",
            xlabel="samples K   (thin dashed: exact)", ylabel=self.quantity,
            logx=True, logy=True, xlim=(0.8, ROOM * state.sizes[-1]), ylim=self._limits,
            xticks=list(state.sizes[:: 2 if len(state.sizes) > 7 else 1]), show_legend=False,
        )  # fmt: skip

    def describe(self, state: Measurements, past: Past | None = None) -> str:
        values = state.values(self.quantity)[:, -1].tolist()
        named = zip(state.estimators, state.slopes(self.quantity), values, noiseless(state), strict=True)
        now = listed(
            f"{titles.estimator(name)} has no noise"
            if quiet and value != 0
            else f"{titles.estimator(name)} {value:.2g}" + (f" (slope {rate:.2f})" if math.isfinite(rate) else "")
            for name, rate, value, quiet in named
        )
        return f"{self.quantity[:1].upper()}{self.quantity[1:]} at K = {state.sizes[-1]}: {now}."

    def columns(self, state: Measurements, past: Past | None = None) -> Columns:
        """Return the columns of a state, computed once: the runs of a class show the same states."""
        low, high = self._limits or limits(state, self.quantity)
        known, look = _drawn.setdefault(state, {}), (self.quantity, low, high)
        if look not in known:
            known[look] = self._columns(state, low, high)
        return known[look]

    def _columns(self, state: Measurements, low: float, high: float) -> Columns:
        values = state.values(self.quantity)
        k, shown = np.array(state.sizes, dtype=float), spans.shown(values.numpy(), log=True)
        ends = [end.numpy().clip(low / 10, high * 10) + 0 * shown for end in state.interval(self.quantity)]
        last, quiet = values[:, -1].tolist(), noiseless(state)
        told = state.slopes(self.quantity), last, state.doubted(self.quantity), quiet
        texts = [words(*each) for each in zip(state.estimators, *told, strict=True)]
        places = apart([low if v == 0 or silent else v for v, silent in zip(last, quiet, strict=True)], (low, high))
        found = {"exact": _broken(k, spans.shown(state.truths(self.quantity).numpy(), log=True))}
        for i, name in enumerate(state.estimators):
            found |= {
                name: {"x": k, "y": shown[i]},
                name + MARKERS: {"x": k, "y": shown[i]},
                name + BAND: spans.outline(k, ends[0][i], ends[1][i], BAR),
                name + NAME: {"x": k[-1:] * 1.2, "y": places[i : i + 1], "text": np.array([texts[i]], dtype=object)},
            }
        return found


def limits(state: Measurements, quantity: str) -> tuple[float, float]:
    """Return limits in whole decades for measured and exact values; (0.1, 1) if none is positive."""
    every = np.concatenate([f(quantity).numpy().ravel() for f in (state.values, state.truths)])
    every = every[np.isfinite(every) & (every > 0)]
    if not len(every):
        return 0.1, 1.0
    low, high = np.log10([every.min(), every.max()])
    return 10.0 ** math.floor(low - 0.2), 10.0 ** math.ceil(high + 0.1)


def noiseless(state: Measurements) -> list[bool]:
    """Return whether all gradients of each estimator are equal at the largest K, so that its SNR is not defined."""
    return (state.values("variance")[:, -1] == 0).tolist()


def words(name: str, rate: float, last: float, doubted: Sequence[int] = (), quiet: bool = False) -> str:
    """Return what an estimator is called with its slope, "= 0" or "no noise", and the sizes that have no band."""
    name = titles.estimator(name)
    if last == 0:
        return f"{name} = 0"
    if quiet:
        return f"{name}: no noise"
    slope = f" {'−' if rate < 0 else '+'}{abs(rate):.2f}" if math.isfinite(rate) else ""
    return name + slope + (f", no band at {between(doubted)}" if doubted else "")


def apart(values: list[float], axis: tuple[float, float]) -> np.ndarray:
    """Return heights near these values inside a logarithmic axis, at least `GAP` of the axis apart; NaN stays."""
    low, high = np.log10(axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (np.log10(np.array(values, dtype=float)) - low) / (high - low)
    order = [i for i in np.argsort(at) if np.isfinite(at[i])]
    gap = min(GAP, 0.92 / max(len(order) - 1, 1))
    below = 0.04 - gap
    for i in order:
        below = at[i] = max(at[i], below + gap)
    above = 0.96 + gap
    for i in reversed(order):
        above = at[i] = min(at[i], above - gap)
    return 10 ** (low + at * (high - low))


def _line(name: str, columns: dict[str, dict], width: float) -> tuple[hv.Curve, hv.Scatter]:
    """Return the line of an estimator and its markers, which are larger on a wider line."""
    points, style, size = (columns[name]["x"], columns[name]["y"]), style_of(name), 8 + 1.5 * (width - HIGHEST)
    return (
        hv.Curve(points, "x", "y", label=name).opts(color=style.color, line_width=width),
        hv.Scatter(points, "x", "y", label=name + MARKERS).opts(color=style.color, marker=style.marker, size=size),
    )


def _name(name: str, columns: dict) -> hv.Labels:
    points = columns["x"], columns["y"], columns["text"]
    return hv.Labels(points, ["x", "y"], "text", label=name + NAME).opts(
        text_color=style_of(name).color, text_font_size="13px", text_align="left", text_baseline="middle"
    )


def _broken(k: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return several lines as a single line with gaps."""
    gaps = np.full((len(rows), 1), np.nan)
    return {"x": np.tile(np.append(k, np.nan), len(rows)), "y": np.concatenate([rows, gaps], 1).ravel()}
