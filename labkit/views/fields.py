"""Controls for one parameter each, with its label. The page adds the tooltips."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn

from labkit.private.panel import Corrected

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 8)}


def known_as(name: str) -> list[str]:
    """Return what a page knows the control of a setting by: links and readers may choose which ones are shown."""
    return ["control", f"control-{name}"]


def choice(owner: Any, name: str) -> pn.widgets.Select:
    """Return a drop-down list for a Selector."""
    return pn.widgets.Select.from_param(
        owner.param[name], label=owner.param[name].label, description=None, css_classes=known_as(name), **WIDE
    )


def box(owner: Any, name: str) -> pn.widgets.Checkbox:
    """Return a check box for a Boolean."""
    return pn.widgets.Checkbox.from_param(
        owner.param[name], label=owner.param[name].label, css_classes=known_as(name), margin=(4, 8)
    )


class Whole(Corrected, pn.widgets.IntInput):
    """An input box for a whole number, which always shows the number in use.

    A number beyond a limit becomes the limit, and a fraction becomes a whole number. Text or an empty box leaves the
    number unchanged. A message says what was done. The browser does not
    know the limits: Bokeh's own box would show a refused number until it loses the focus, and send no event.

    Args:
        limits: smallest and largest number.
        said: called with a message if another number than the typed one is used, otherwise with "".
    """

    def __init__(self, limits: tuple[int, int], said: Callable[[str], None], **params):
        super().__init__(**params)
        self._limits, self._said = limits, said

    def corrected(self, props: dict[str, Any]) -> dict[str, Any]:
        """Return the browser's values, corrected. The browser gets the correction at the next tick, because Panel sends
        nothing back before that."""
        heard = {name: self._usable(props[name]) for name in ("value", "value_throttled") if name in props}
        if any(props[name] != number for name, number in heard.items()):
            pn.state.execute(lambda: self.param.trigger("value"), schedule=True)
        if "value" in props:
            self._said(self._words(props["value"]))
        return props | heard

    def show(self, number: int) -> None:
        """Show a number that code has set, without a message about an earlier entry."""
        if number != self.value:
            self.value = number
            self._said("")

    def _usable(self, typed: Any) -> int:
        low, high = self._limits
        return round(min(max(typed, low), high)) if is_number(typed) else self.value

    def _words(self, typed: Any) -> str:
        low, high = self._limits
        used = f"Using {self._usable(typed):,}."
        if not is_number(typed):
            return f"Not a number. {used}"
        if not low <= typed <= high:
            return f"Allowed: {low:,} to {high:,}. {used}"
        return "" if typed == round(typed) else f"Only whole numbers. {used}"


def is_number(typed: Any) -> bool:
    """Return whether a value from a browser is a number."""
    return isinstance(typed, int | float) and not isinstance(typed, bool) and not math.isnan(typed)


def whole(owner: Any, name: str) -> pn.Column:
    """Return an input box for a whole number, with a line below it for the message about a limit."""
    p = owner.param[name]
    line = pn.pane.HTML("", visible=False, margin=(0, 8), styles={"font-size": "14px"})
    field = Whole(
        p.get_soft_bounds(), lambda words: line.param.update(object=words, visible=bool(words)),
        label=p.label, value=getattr(owner, name), css_classes=["whole"], **WIDE,
    )  # fmt: skip
    field.param.watch(lambda event: setattr(owner, name, event.new), "value")
    owner.param.watch(lambda event: field.show(event.new), name)
    return pn.Column(field, line, margin=0, sizing_mode="stretch_width", css_classes=known_as(name))


def number(owner: Any, name: str) -> pn.viewable.Viewable:
    """Return a slider that acts when it is released, or an input box for a seed or a number of particles."""
    p = owner.param[name]
    if name in ("seed", "n"):
        return whole(owner, name)
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, throttled=True, css_classes=known_as(name), **WIDE)


def dial(owner: Any, name: str) -> pn.widgets.Widget:
    """Return a slider that acts while it moves, for settings that cost little."""
    p = owner.param[name]
    kind = pn.widgets.IntSlider if type(p).__name__ == "Integer" else pn.widgets.FloatSlider
    return kind.from_param(p, label=p.label, css_classes=known_as(name), **WIDE)


def log_slider(owner: Any, name: str) -> pn.widgets.DiscreteSlider:
    """Return a slider with 20 steps per decade. It shows the step nearest to the setting.

    Its ends are the `softbounds` of the parameter, or its `bounds` if it has no `softbounds`.
    """
    low, high = owner.param[name].get_soft_bounds()
    count = round(20 * math.log10(high / low)) + 1
    options = [float(f"{v:.3g}") for v in np.geomspace(low, high, count)]
    nearest = lambda v: min(options, key=lambda o: abs(math.log(o / v)))  # noqa: E731
    slider = pn.widgets.DiscreteSlider(
        label=owner.param[name].label,
        options=options,
        value=nearest(getattr(owner, name)),
        css_classes=known_as(name),
        **WIDE,
    )

    def moved(event):
        if event.new != nearest(getattr(owner, name)):
            setattr(owner, name, event.new)

    slider.param.watch(moved, "value")
    owner.param.watch(lambda event: setattr(slider, "value", nearest(event.new)), name)
    return slider
