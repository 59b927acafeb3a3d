"""Numbers of one image against glimpses, the glimpse that is shown marked: what each look costs, how the pen moves."""

from collections.abc import Callable

import holoviews as hv
import numpy as np
from torch import Tensor

from labkit.past import Past
from labkit.views.draw.drawing import Drawing
from labkit.views.palette import DRIVE, EDGE, PAST, WRITE
from labkit.views.view import Columns, View

Series = Callable[[Drawing], dict[str, np.ndarray]]


class Course(View):
    """Curves over t = 1 .. T; the axes follow the numbers.

    Args:
        title, unit: above the picture, and of its numbers.
        colors: of the curves by name, in the order in which `series` gives them.
        series: drawing -> name -> T numbers.
    """

    automatic = True

    def __init__(self, title: str, unit: str, colors: dict[str, str], series: Series):
        self.title, self.unit, self.colors, self.series = title, unit, colors, series

    @property
    def declaration(self) -> tuple:
        return self.title, self.unit, tuple(self.colors)

    def picture(self, state: Drawing) -> hv.Overlay:
        none = (np.zeros(0), np.zeros(0))
        layers = [
            hv.Curve(none, "t", "y", label=name).opts(color=color, line_width=2.5, line_dash=dash)
            for (name, color), dash in zip(self.colors.items(), ("solid", "dashed"), strict=False)
        ]
        layers.append(hv.Scatter(none, "t", "y", label="now").opts(color=EDGE, size=10, show_legend=False))
        return hv.Overlay(layers).opts(
            title=self.title, xlabel="glimpse t", ylabel=self.unit, legend_position="top_right"
        )  # fmt: skip

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        found = self.series(state)
        t, first = np.arange(1.0, state.steps + 1), next(iter(found.values()))
        now = slice(max(state.shown - 1, 0), max(state.shown, 1))
        return {name: {"t": t, "y": values} for name, values in found.items()} | {"now": {"t": t[now], "y": first[now]}}


def stopped() -> Course:
    """The bound if the drawing had been stopped at each step: nll of that canvas, and all KL until then."""

    def series(state: Drawing) -> dict[str, np.ndarray]:
        nll, kl = _of_first(state.trace.nll), _of_first(state.trace.kl)
        return {"bound": nll + kl.cumsum(), "nll alone": nll}

    return Course("Bound if stopped at t", "nats", {"bound": DRIVE, "nll alone": PAST}, series)


def pen() -> Course:
    """Stride and width of the write window of the first image."""

    def series(state: Drawing) -> dict[str, np.ndarray]:
        return {"stride δ": _of_first(state.trace.write.stride), "width σ": _of_first(state.trace.write.sigma)}

    return Course("The pen on the first image", "pixels", {"stride δ": WRITE, "width σ": PAST}, series)


def _of_first(field: Tensor) -> np.ndarray:
    return field[:, 0].numpy(force=True).astype(float)


class Divergence(View):
    """KL of every glimpse as bars; those still to come are pale."""

    def picture(self, state: Drawing) -> hv.Overlay:
        kl = _of_first(state.trace.kl)
        t, zero = np.arange(1, len(kl) + 1), np.zeros_like(kl)
        bars = [
            hv.Segments((t, zero, t, kl), ["x0", "y0", "x1", "y1"], label=label).opts(
                color=color, line_width=max(2, 160 / len(kl)), alpha=alpha, show_legend=False
            )
            for label, color, alpha in (("to come", PAST, 0.35), ("so far", DRIVE, 1.0))
        ]
        return hv.Overlay(bars).opts(
            title="KL of each glimpse", xlabel="glimpse t", ylabel="nats", xlim=(0.3, len(kl) + 0.7),
            ylim=(0, 1.1 * float(kl.max()) + 1e-3),
        )  # fmt: skip

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        kl = _of_first(state.trace.kl)
        t = np.arange(1.0, len(kl) + 1)
        zero = np.zeros_like(t)
        return {
            "to come": {"x0": t, "y0": zero, "x1": t, "y1": kl},
            "so far": {"x0": t, "y0": zero, "x1": t, "y1": np.where(t <= state.shown, kl, 0)},
        }
