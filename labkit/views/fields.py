"""Controls of one parameter each, all with its label; the page gives them their tooltips."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn

from labkit.private.panel import Corrected

WIDE = {"sizing_mode": "stretch_width", "margin": (4, 8)}


def choice(owner: Any, name: str) -> pn.widgets.Select:
    """A list of names."""
    return pn.widgets.Select.from_param(owner.param[name], label=owner.param[name].label, description=None, **WIDE)


def box(owner: Any, name: str) -> pn.widgets.Checkbox:
    """Yes or no."""
    return pn.widgets.Checkbox.from_param(owner.param[name], label=owner.param[name].label, margin=(4, 8))


class Whole(Corrected, pn.widgets.IntInput):
    """A box for a whole number, which always shows the number that is used.

    Beyond a limit it takes the limit; what is no number, or nothing, leaves the number as it was. The browser is given
    no limits: Bokeh's own box would show a refused number until it loses the focus, and tell nobody.

    Args:
        limits: the least and the largest number.
        said: called with a sentence on the limit that was taken, or with "".
    """

    def __init__(self, limits: tuple[int, int], said: Callable[[str], None], **params):
        super().__init__(**params)
        self._limits, self._said = limits, said

    def corrected(self, props: dict[str, Any]) -> dict[str, Any]:
        """Hear what the browser says, and correct it there at the next tick: Panel sends nothing back before."""
        heard = {name: self._usable(props[name]) for name in ("value", "value_throttled") if name in props}
        if any(props[name] != number for name, number in heard.items()):
            pn.state.execute(lambda: self.param.trigger("value"), schedule=True)
        if "value" in props:
            self._said(self._words(props["value"]))
        return props | heard

    def _usable(self, typed: Any) -> int:
        low, high = self._limits
        return round(min(max(typed, low), high)) if is_number(typed) else self.value

    def _words(self, typed: Any) -> str:
        low, high = self._limits
        outside = is_number(typed) and not low <= typed <= high
        return f"Allowed: {low:,} to {high:,}. Using {self._usable(typed):,}." if outside else ""


def is_number(typed: Any) -> bool:
    """Whether what came from a browser is a number."""
    return isinstance(typed, int | float) and not isinstance(typed, bool) and not math.isnan(typed)


def whole(owner: Any, name: str) -> pn.Column:
    """A box for a whole number, and below it a line that says which limit was taken."""
    p = owner.param[name]
    line = pn.pane.HTML("", visible=False, margin=(0, 8), styles={"font-size": "14px"})
    field = Whole(
        p.get_soft_bounds(), lambda words: line.param.update(object=words, visible=bool(words)),
        label=p.label, value=getattr(owner, name), **WIDE,
    )  # fmt: skip
    field.param.watch(lambda event: setattr(owner, name, event.new), "value")
    owner.param.watch(lambda event: field.param.update(value=event.new), name)
    return pn.Column(field, line, margin=0, sizing_mode="stretch_width")


def number(owner: Any, name: str) -> pn.viewable.Viewable:
    """A slider that acts when it is let go, or a box for a seed or a number of particles."""
    p = owner.param[name]
    if name in ("seed", "n"):
        return whole(owner, name)
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, throttled=True, **WIDE)


def dial(owner: Any, name: str) -> pn.widgets.Widget:
    """A slider that acts while it is moved, for what costs little."""
    p = owner.param[name]
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, **WIDE)


def log_slider(owner: Any, name: str) -> pn.widgets.DiscreteSlider:
    """A slider whose steps multiply, 20 a decade; it shows the nearest where the setting lies between.

    Its ends are the parameter's `softbounds`, or its `bounds` where it has no others.
    """
    low, high = owner.param[name].get_soft_bounds()
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
