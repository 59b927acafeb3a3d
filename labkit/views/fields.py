"""Controls of one parameter each, all with its label; the page gives them their tooltips."""

import math
from typing import Any

import numpy as np
import panel as pn

WIDE = {"sizing_mode": "stretch_width", "margin": (4, 8)}


def choice(owner: Any, name: str) -> pn.widgets.Select:
    """A list of names."""
    return pn.widgets.Select.from_param(owner.param[name], label=owner.param[name].label, description=None, **WIDE)


def box(owner: Any, name: str) -> pn.widgets.Checkbox:
    """Yes or no."""
    return pn.widgets.Checkbox.from_param(owner.param[name], label=owner.param[name].label, margin=(4, 8))


def number(owner: Any, name: str) -> pn.widgets.Widget:
    """A slider that acts when it is let go, or a box for a seed."""
    p = owner.param[name]
    if name in ("seed", "n"):
        return pn.widgets.IntInput.from_param(
            p, label=p.label, description=None, start=p.bounds[0], end=p.bounds[1], **WIDE
        )
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, throttled=True, **WIDE)


def dial(owner: Any, name: str) -> pn.widgets.Widget:
    """A slider that acts while it is moved, for what costs little."""
    p = owner.param[name]
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, **WIDE)


def log_slider(owner: Any, name: str, low: float, high: float) -> pn.widgets.DiscreteSlider:
    """A slider whose steps multiply, 20 a decade; it shows the nearest where the setting lies between."""
    count = round(20 * math.log10(high / low)) + 1
    options = [float(f"{v:.3g}") for v in np.geomspace(low, high, count)]
    nearest = lambda v: min(options, key=lambda o: abs(math.log(o / v)))  # noqa: E731
    slider = pn.widgets.DiscreteSlider(
        label=owner.param[name].label, options=options, value=nearest(getattr(owner, name)), **WIDE
    )

    def moved(event):
        if event.new != nearest(getattr(owner, name)):
            setattr(owner, name, event.new)

    slider.param.watch(moved, "value")
    owner.param.watch(lambda event: setattr(slider, "value", nearest(event.new)), name)
    return slider
