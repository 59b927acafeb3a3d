"""DRAW: a network that draws images stroke by stroke, and its window in your hand.

Deep recurrent attentive writer (Gregor et al. 2015): watch it draw, let it read your digit, move its window yourself.
"""

from collections.abc import Callable

import panel as pn
import param

import labkit
from labkit import models
from labkit.serving import pages
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.draw import Generate, Lab, Read
from labkit.views.fields import choice

TITLE = "DRAW"
SUMMARY = "A network draws digits stroke by stroke; let it read yours, and move its attention window yourself."
TABS = {"Generate": Generate, "Read": Read, "Attention lab": Lab}


class Studio(param.Parameterized):
    """What the whole page shares."""

    model = param.Selector(objects=models.shipped(), label="Network", doc="one of the trained networks of labkit")
    tab = param.Selector(objects=list(TABS), doc="the tab that is open")


def page() -> pn.Template:
    pn.extension()
    return frame(TITLE, SUMMARY, live)


def live() -> tuple[pn.Column, Callable[[], pn.Column]]:
    """The tabs, each built when it is first opened, and the settings of the open one."""
    address, studio = Address(), Studio()
    address.sync(studio)
    room, side, made = pn.Column(sizing_mode="stretch_width"), pn.Column(margin=0, sizing_mode="stretch_width"), {}
    bar = pn.widgets.RadioButtonGroup.from_param(studio.param.tab, color="primary", variant="outline", margin=(4, 8))

    def opened(*_events) -> None:
        key = studio.model, studio.tab
        if key not in made:
            made[key] = TABS[studio.tab](labkit.load_checkpoint(studio.model))
        room.objects = [made[key]]
        side.objects = [choice(studio, "model"), *made[key].controls()]

    studio.param.watch(opened, ["model", "tab"])
    opened()
    return pn.Column(address.warning, bar, room, sizing_mode="stretch_width"), lambda: side


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
