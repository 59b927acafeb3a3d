"""Bars: the KL of every glimpse, and the effect of every number of z on the image."""

import holoviews as hv
import numpy as np

from labkit.experiments.draw.drawing import Drawing
from labkit.experiments.draw.latents import Traversed
from labkit.past import Past
from labkit.views.draw.curves import of_first
from labkit.views.palette import CHOSEN, DRIVE, PAST
from labkit.views.view import NO_GLIMPSE, Columns, View


class KLBars(View):
    """KL of every glimpse as bars; later glimpses are pale.

    Args:
        ahead: whether later glimpses are shown.
    """

    def __init__(self, ahead: bool = True):
        self.ahead = ahead

    def picture(self, state: Drawing) -> hv.Overlay:
        kl = of_first(state.trace.kl)
        t, zero = np.arange(1, len(kl) + 1), np.zeros_like(kl)
        bars = [
            hv.Segments((t, zero, t, kl), ["x0", "y0", "x1", "y1"], label=label).opts(
                color=color, line_width=max(2, 160 / len(kl)), alpha=alpha, show_legend=False
            )
            for label, color, alpha in (("to come", PAST, 0.5), ("so far", DRIVE, 1.0))
        ]
        return hv.Overlay(bars).opts(
            title="KL of each glimpse", xlabel="glimpse t", ylabel="nats", xlim=(0.3, len(kl) + 0.7),
            ylim=(0, 1.1 * float(kl.max()) + 1e-3),
        )  # fmt: skip

    def describe(self, state: Drawing, past: Past | None = None) -> str:
        kl = of_first(state.trace.kl)
        so_far = kl[: state.shown]
        known = kl if self.ahead else so_far
        if not len(known):
            return "KL of each glimpse: none so far."
        most = int(known.argmax())
        top = f"the largest is {known[most]:.2f} at glimpse {most + 1}"
        return f"KL of each glimpse: {top}; {so_far.sum():.1f}{f' of {kl.sum():.1f}' * self.ahead} nats so far."

    def missing(self, state: Drawing, earlier: int) -> str:
        return "" if self.ahead or state.shown else NO_GLIMPSE

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        kl = of_first(state.trace.kl)
        t = np.arange(1.0, len(kl) + 1)
        zero, so_far = np.zeros_like(t), np.where(t <= state.shown, kl, 0)
        return {
            "to come": {"x0": t, "y0": zero, "x1": t, "y1": kl if self.ahead else zero},
            "so far": {"x0": t, "y0": zero, "x1": t, "y1": so_far},
        }


class SensitivityBars(View):
    """Effect of each number of one z on the image, as bars; the chosen one is coloured."""

    automatic = True
    declaration = ()

    def picture(self, state: Traversed) -> hv.Overlay:
        none, width = np.zeros(0), max(2, 160 / len(state.slopes))
        bars = [
            hv.Segments((none, none, none, none), ["x0", "y0", "x1", "y1"], label=label).opts(
                color=color, line_width=width, show_legend=False
            )
            for label, color in (("others", PAST), ("chosen", CHOSEN))
        ]
        return hv.Overlay(bars).opts(
            title="Effect of each number of z", xlabel="number i of z", ylabel="change of a pixel"
        )  # fmt: skip

    def describe(self, state: Traversed, past: Past | None = None) -> str:
        effect = state.effects
        most, i = int(effect.argmax()), state.coordinate - 1
        strongest = f"number {most + 1} has the largest, {float(effect[most]):.2g}"
        return f"Effect of {len(effect)} numbers of z: {strongest}; number {i + 1} has {float(effect[i]):.2g}."

    def columns(self, state: Traversed, past: Past | None = None) -> Columns:
        effect = state.effects.numpy(force=True).astype(float)
        i, zero, chosen = np.arange(1.0, len(effect) + 1), np.zeros_like(effect), np.zeros(len(effect), bool)
        chosen[state.coordinate - 1] = True
        return {
            label: {"x0": i[which], "y0": zero[which], "x1": i[which], "y1": effect[which]}
            for label, which in (("others", ~chosen), ("chosen", chosen))
        }
