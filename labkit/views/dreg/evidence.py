"""|bias| with its interval, and the evidence for a bias, of tested estimators, against replicates."""

import math
from collections.abc import Iterator

import holoviews as hv
import numpy as np

from labkit.dreg.sequential import BLOCK
from labkit.experiments import titles
from labkit.experiments.dreg.bias import BiasTest, BiasTests
from labkit.past import Past
from labkit.views.dreg.scaling import BAND
from labkit.views.dreg.styles import style_of
from labkit.views.palette import PAST, TARGET
from labkit.views.stage import ABOVE
from labkit.views.view import NO_CURVE, Columns, View
from labkit.words import listed

EXACT, SUM = ", exact", ", sum over coordinates"
THRESHOLD = "threshold"
HEIGHT = -4.0, 8.0  # range of the evidence, in powers of ten


class BiasInterval(View):
    """|bias| of each estimator as a line with its interval.

    Args:
        budget: the largest number of replicates.
        reveal: whether a dashed line shows the exact value, where it is known.
    """

    leading = True

    def __init__(self, budget: int, reveal: bool = True):
        self.budget, self.reveal = budget, reveal
        self._limits: tuple[float, float] | None = None

    def record(self, state: BiasTests) -> dict[str, float]:
        """Return a row of the run's table."""
        found: dict[str, float] = {}
        for each in state.tests:
            s = each.state
            numbers = {"replicates": s.n, "|bias|": s.norm, "low": s.low, "high": s.high, "log e": s.log_e}
            found |= {f"{name} of {each.name}": float(value) for name, value in numbers.items()}
        return found

    def picture(self, state: BiasTests) -> hv.Overlay:
        self._limits = limits(state, self.budget)
        columns = self.columns(state)
        bands = [
            hv.Area(([1.0], [1.0], [1.0]), "x", ["y", "y2"], label=each.name + BAND).opts(
                color=style_of(each.name).color, alpha=0.22 if len(state.tests) == 1 else 0.1, line_alpha=0
            )
            for each in state.tests
        ]
        lines = [
            hv.Curve(_points(columns[each.name]), "x", "y", label=each.name).opts(
                color=style_of(each.name).color, line_width=2.5
            )
            for each in state.tests
        ]
        exact = [
            hv.Curve(_points(columns[each.name + EXACT]), "x", "y", label=each.name + EXACT).opts(
                color=PAST if len(state.tests) == 1 else style_of(each.name).color, line_dash="dashed", line_width=2
            )
            for each in state.tests
        ]
        return hv.Overlay([*bands, *lines, *exact]).opts(
            title="Bias estimate, 95 % interval", ylabel="|bias|",
            xlabel="replicates   (dashed: exact)" if self.reveal else "replicates",
            logx=True, logy=True, xlim=(BLOCK, self.budget), ylim=self._limits,
            yticks=list(decades(*self._limits)), show_legend=False,
        )  # fmt: skip

    def describe(self, state: BiasTests, past: Past | None = None) -> str:
        found = []
        for each in state.tests:
            s = each.state
            high = f"{s.high:.2g}" if math.isfinite(s.high) else "infinity"
            found.append(f"{titles.estimator(each.name)}: bias {s.norm:.2g}, interval {s.low:.2g} to {high}")
        return f"{'; '.join(found)}, after {state.tests[0].state.n:,} replicates."

    def columns(self, state: BiasTests, past: Past | None = None) -> Columns:
        floor, top = self._limits or limits(state, self.budget)
        found = {}
        for each in state.tests:
            n, norm, low, high, *_ = each.history.numpy().T
            good = np.isfinite(high) & (high > 0)
            x, low, high = n[good], low[good].clip(floor / 10, top * 10), high[good].clip(floor / 10, top * 10)
            around = {"x": np.append(x, x[::-1]), "y": np.append(low, high[::-1])}
            known = (self.reveal and each.exact) or np.nan  # a logarithmic axis cannot show a bias of 0
            found |= {
                each.name: {"x": n, "y": np.where(norm > 0, norm, np.nan)},
                each.name + BAND: around if len(x) else {"x": np.ones(2), "y": np.full(2, np.nan)},
                each.name + EXACT: {"x": np.array([BLOCK, self.budget]) * 1.0, "y": np.full(2, known)},
            }
        return found


class Evidence(View):
    """Evidence of Hotelling's T^2 as a line; evidence of the sum over coordinates dotted; the threshold dashed."""

    leading = True

    def __init__(self, budget: int, level: float):
        self.budget, self.level = budget, level

    def picture(self, state: BiasTests) -> hv.Overlay:
        columns = self.columns(state)
        lines = [
            hv.Curve(
                _points(columns[each.name + ", all coordinates"]), "x", "y", label=each.name + ", all coordinates"
            ).opts(color=style_of(each.name).color, line_width=2.5)
            for each in state.tests
        ]
        sums = [
            hv.Curve(_points(columns[each.name + SUM]), "x", "y", label=each.name + SUM).opts(
                color=PAST if len(state.tests) == 1 else style_of(each.name).color,
                line_dash="dotted",
                line_width=2.5,
                show_legend=len(state.tests) == 1,
            )
            for each in state.tests
        ]
        at = -math.log10(self.level)
        threshold = hv.Curve(([BLOCK, self.budget], [at, at]), "x", "y", label=THRESHOLD).opts(
            color=TARGET, line_dash="dashed", line_width=2
        )
        return hv.Overlay([*lines, *sums, threshold]).opts(
            title="Evidence for a bias", xlabel="replicates   (dotted: sum over coordinates)",
            ylabel="evidence e (log₁₀)", logx=True, xlim=(BLOCK, self.budget), ylim=HEIGHT,
            legend_labels={
                each.name + part: titles.estimator(each.name) + part
                for each in state.tests
                for part in (", all coordinates", SUM)
            },
            **ABOVE | {"legend_cols": 1},
        )  # fmt: skip

    def missing(self, state: BiasTests, earlier: int) -> str:
        return "" if len(state.tests[0].history) > 1 else NO_CURVE

    def describe(self, state: BiasTests, past: Past | None = None) -> str:
        now = listed(f"{titles.estimator(each.name)} {each.state.log_e / math.log(10):.2f}" for each in state.tests)
        return f"Evidence for a bias as a power of ten: {now}; the threshold is {-math.log10(self.level):.2f}."

    def columns(self, state: BiasTests, past: Past | None = None) -> Columns:
        found = {}
        for each in state.tests:
            n, *_, whole, total = each.history.numpy().T
            found |= {
                each.name + ", all coordinates": {"x": n, "y": whole.clip(*HEIGHT)},
                each.name + SUM: {"x": n, "y": total.clip(*HEIGHT)},
            }
        return found


def limits(state: BiasTests, budget: int) -> tuple[float, float]:
    """Return the limits in whole decades: from the expected |bias| without a bias, or the exact one, to above the first
    block."""
    tops, floors = zip(*(_reach(each, budget) for each in state.tests), strict=True)
    top, floor = max(tops), min((f for f in floors if f > 0), default=0.0)
    if not top:
        return 1e-3, 1.0
    return 10.0 ** math.floor(math.log10(floor)), 10.0 ** math.ceil(math.log10(1.5 * top))


def decades(low: float, high: float) -> Iterator[float]:
    """Yield the powers of ten in a range."""
    return (10.0**i for i in range(round(math.log10(low)), round(math.log10(high)) + 1))


def _reach(test: BiasTest, budget: int) -> tuple[float, float]:
    first = test.history[0, 1].item()
    last = first * (BLOCK / budget) ** 0.5
    return max(first, test.exact or 0.0), min(last, test.exact / 2) if test.exact else last


def _points(columns: dict) -> tuple:
    return columns["x"], columns["y"]
