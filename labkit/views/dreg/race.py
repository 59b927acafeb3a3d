"""The tab *Race*: bounds and variances of lanes with different estimators, against steps or seconds."""

from collections.abc import Callable

import holoviews as hv
import numpy as np
import panel as pn
from torch import Tensor

from labkit.course import Span, drawn_of
from labkit.dreg import ESTIMATORS
from labkit.dreg.racing import EVERY, HELD, HELD_SAMPLES, IMAGES, Lane, State
from labkit.experiments import titles
from labkit.experiments.dreg.race import CLOCKS, RaceSettings
from labkit.past import Past
from labkit.views import fields
from labkit.views.dreg.styles import style_of
from labkit.views.scenes import Scene
from labkit.views.spans import FAINT, RANGE, band, curve
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import listed

DASHES = "solid", "dashed", "dotted", "dotdash"  # dashes of the first, second, ... lane of the same colour
TRAINING = ", minibatches"
NEWEST = "newest"  # the layer of the last measurements
MOST = 6  # lanes in the legend of a small picture; more would leave no space for the curves


class LaneCurves(View):
    """Numbers of every lane, in its estimator's colour: means with bands from minimum to maximum, the newest as dots.

    Args:
        title, unit: title of the picture, and label of its vertical axis.
        numbers: (lane, first lane) -> a table of `labkit.course` whose first columns are step and seconds, and the
            numbers to show.
        against: a name in `CLOCKS`.
        log: whether the vertical axis is logarithmic; values that are not positive are then left out.
        training: whether to show each lane's smoothed bound of its minibatches as a thin line.
        leading: whether the picture is a large one.
    """

    automatic = True

    def __init__(
        self,
        title: str,
        unit: str,
        numbers: Callable[[Lane, Lane], tuple[Tensor, Span]],
        against: str = CLOCKS[0],
        *,
        log: bool = False,
        training: bool = False,
        leading: bool = True,
    ):
        self.title, self.unit, self.numbers, self.against = title, unit, numbers, against
        self.log, self.training, self.leading = log, training, leading

    def picture(self, state: State) -> hv.Overlay:
        columns, seen, bands, thin, thick = self.columns(state), [], [], [], []
        for lane in state.lanes:
            color, label = style_of(lane.entry.estimator).color, lane.entry.label
            style = {"color": color, "line_dash": DASHES[min(seen.count(color), len(DASHES) - 1)]}
            seen.append(color)
            bands.append(band(label + RANGE, color))
            thick.append(_line(columns[label], label).opts(line_width=2.5, **style))
            if self.training:
                bands.append(band(label + TRAINING + RANGE, color, FAINT / 2))
                thin.append(_line(columns[label + TRAINING], label + TRAINING).opts(alpha=0.5, line_width=1, **style))
        thin = [line.opts(show_legend=False) for line in thin]
        dots = columns[NEWEST]
        newest = hv.Scatter(tuple(dots.values()), "x", ["y", "color"], label=NEWEST).opts(
            color="color", size=7, show_legend=False
        )
        clock = "step" if self.against == CLOCKS[0] else "processor seconds"
        return hv.Overlay([*bands, *thin, *thick, newest]).opts(
            title=self.title, xlabel=clock, ylabel=self.unit, logy=self.log, xlim=(0, 1),
            ylim=(1e-6, 1) if self.log else (-1, 1), show_legend=self.leading or len(state.lanes) <= MOST,
            legend_labels={lane.entry.label: called(lane) for lane in state.lanes}, **ABOVE,
        )  # fmt: skip

    def missing(self, state: State, earlier: int) -> str:
        means = (self.numbers(lane, state.lanes[0])[1].mean for lane in state.lanes)  # mostly only the first is found
        shown = any((mean > 0 if self.log else np.isfinite(mean)).any() for mean in means)
        return "" if shown else f"<i>{self.title}</i>: no number that the axis can show yet. Let the race run."

    def describe(self, state: State, past: Past | None = None) -> str:
        found = ((called(lane), self.numbers(lane, state.lanes[0])[1].mean) for lane in state.lanes)
        now = listed(f"{name} {float(values[-1]):.3g}" for name, values in found if len(values))
        return f"{self.title} at step {state.t}: {now}."

    def columns(self, state: State, past: Past | None = None) -> Columns:
        found, ends = {}, []
        for lane in state.lanes:
            found |= self._curve(lane.entry.label, *self.numbers(lane, state.lanes[0]))
            ends.append([found[lane.entry.label][axis][-1] for axis in "xy"])
            if self.training:
                batches = (lane.batches, 3) if state.t else (lane.looks, 2)  # the axis would reach to 0 without numbers
                found |= self._curve(lane.entry.label + TRAINING, batches[0], drawn_of(*batches))
        x, y = np.array(ends).T
        colors = [style_of(lane.entry.estimator).color for lane in state.lanes]
        return found | {NEWEST: {"x": x, "y": y, "color": colors}}

    def _curve(self, label: str, table: Tensor, numbers: Span) -> dict[str, dict]:
        return curve(label, table[:, CLOCKS.index(self.against)].numpy(), numbers, self.log)


def bound(against: str = CLOCKS[0]) -> LaneCurves:
    """Return the bounds of held-out images and of minibatches."""
    title = "Held-out bound (thin: minibatches)"
    return LaneCurves(
        title, "nats, higher is better", lambda lane, _: (lane.looks, drawn_of(lane.looks, 2)), against, training=True
    )


def variance(against: str = CLOCKS[0]) -> LaneCurves:
    """Return the variance of the gradient that comes from the samples alone."""
    title, unit = "Variance of the encoder's gradient", f"variance for {IMAGES} images"
    return LaneCurves(title, unit, lambda lane, _: (lane.looks, drawn_of(lane.looks, 3)), against, log=True)


def lead(first: str) -> LaneCurves:
    """Return the held-out bound minus that of the first lane at the same steps, as a mean without a band.

    The difference cancels the noise that both share."""

    def numbers(lane: Lane, of: Lane) -> tuple[Tensor, Span]:
        gap = drawn_of(lane.looks, 2).mean - drawn_of(of.looks, 2).mean
        return lane.looks, Span(gap, gap, gap)

    return LaneCurves(f"Bound minus that of {titles.estimator(first)}", "nats", numbers, leading=False)


def snr(against: str = CLOCKS[0]) -> LaneCurves:
    """Return the signal-to-noise ratio of the gradient."""
    title = "SNR of the encoder's gradient"
    return LaneCurves(
        title, "SNR", lambda lane, _: (lane.looks, drawn_of(lane.looks, 5)), against, log=True, leading=False
    )


def called(lane: Lane) -> str:
    """Return what legends and sentences call a lane: its estimator, then its own K or alpha."""
    name = lane.entry.estimator
    return titles.estimator(name) + lane.entry.label.removeprefix(name)


def _line(columns: dict, label: str) -> hv.Curve:
    return hv.Curve((columns["x"], columns["y"]), "x", "y", label=label)


class RaceScene(Scene):
    """Networks with different estimators in training."""

    basic = ("against", "k", "lr")
    saves, looks, running = ("png",), ("against",), ("k", "batch", "lr", "alpha")
    guide = "dreg-tabs#race"
    words = (
        "Each lane is one network in training on 8 &times; 8 digits. Lanes differ only in the estimator of the "
        "encoder's gradient.<br>First plot: the bound on log p(x), where p(x) is the probability that the network "
        f"gives to an image; higher is better. Thick: {HELD} images that are not used in training, with K = "
        f"{HELD_SAMPLES}, measured every {EVERY} steps. Thin: the training images, with the K that you set, so compare "
        "thick lines only with thick ones. Second plot: the variance of the gradient; compare DReG with IWAE. Small "
        "plots: how far each thick line is above that of the first lane, and the SNR (size of the mean gradient, "
        "divided by its noise). The SNR is measured with few gradients: below about 0.4 it is uncertain. Also, a lane "
        "nearer to its best has a smaller gradient, and so a smaller SNR.<br>In a short race the bounds differ "
        "little, and a lead of STL or RWS-DReG does not show that they are better in the end. Both may have a high "
        "SNR although their mean is not the gradient of the bound. <b>Try:</b> raise K to 64 during the race. In the "
        "second plot the line of DReG falls much more than the others."
    )

    def __init__(self, settings: RaceSettings | None = None, **params):
        super().__init__(settings or RaceSettings(), **params)

    def views(self) -> list:
        s = self.settings
        first = next((name for name in ESTIMATORS if name in s.estimators), "none")
        return [bound(s.against), variance(s.against), lead(first), snr(s.against)]

    def status(self, state: State) -> str:
        bounds = [lane.looks[-1, 2].item() for lane in state.lanes]
        low, high = (f"{end:.2f}".replace("-", "\N{MINUS SIGN}") for end in (min(bounds), max(bounds)))
        found = f"{low} nats in all lanes" if low == high else f"{low} to {high} nats"
        return f"held-out bounds at step {state.lanes[0].looks[-1, 0]:.0f}: {found}"

    def controls(self) -> list:
        s = self.settings
        names = pn.widgets.CheckBoxGroup.from_param(s.param.estimators, margin=(0, 12))
        heading = pn.pane.HTML("Estimators", margin=(4, 10, 0, 10))
        rate = fields.log_slider(s, "lr")
        dials = [fields.number(s, "k"), fields.number(s, "batch"), rate, fields.number(s, "alpha")]
        return [fields.choice(s, "against"), *dials, fields.number(s, "seed"), heading, names]
