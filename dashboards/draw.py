"""DRAW: a network that draws images stroke by stroke, and its window in your hand.

Deep recurrent attentive writer (Gregor et al. 2015): watch it draw, let it read your digit, move its window yourself.
"""

from collections.abc import Callable

import panel as pn
import param

import labkit
from labkit.experiments.runs import directory
from labkit.experiments.settings import Linkable
from labkit.serving import pages, settings
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.draw import AttentionScene, GenerateScene, LatentsScene, LearnScene, ReadScene
from labkit.views.fields import choice
from labkit.views.runs import words

TITLE = "DRAW"
SUMMARY = "A network draws digits stroke by stroke; let it read yours, and move its attention window yourself."
TABS = {
    "Generate": GenerateScene,
    "Read": ReadScene,
    "Latents": LatentsScene,
    "Attention lab": AttentionScene,
    "Learn": LearnScene,
}


class Studio(Linkable):
    """What the whole page shares."""

    model = param.Selector(
        default="draw-small", objects=["draw-small"], label="Network", doc="a trained network, of labkit or of a run"
    )
    tab = param.Selector(objects=list(TABS), doc="the tab that is open")


def page() -> pn.Template:
    pn.extension()
    return frame(TITLE, SUMMARY, live)


def live() -> tuple[pn.Column, Callable[[], pn.Column]]:
    """The tabs, each built when it is first opened, and the settings of the open one."""
    address, studio, networks = Address(), Studio(), directory.networks(settings.runs, "draw")
    studio.param.model.objects = list(networks)
    address.sync(studio)
    room, side, made = pn.Column(sizing_mode="stretch_width"), pn.Column(margin=0, sizing_mode="stretch_width"), {}
    bar = pn.widgets.RadioButtonGroup.from_param(studio.param.tab, color="primary", variant="outline", margin=(4, 8))

    def opened(*_events) -> None:
        scene, chosen = TABS[studio.tab], [] if TABS[studio.tab].network else [choice(studio, "model")]
        key = scene.network or studio.model, studio.tab
        try:
            if key not in made:
                made[key] = scene(labkit.load_checkpoint(networks.get(key[0], key[0])).to(settings.device))
        except Exception as error:  # a run's file that does not fit: the others still can be had
            room.objects, side.objects = [pn.pane.HTML(words.wrong(f"{key[0]}: {error}"))], chosen
            return
        room.objects = [made[key]]
        side.objects = [*chosen, *made[key].controls()]

    studio.param.watch(opened, ["model", "tab"])
    opened()
    return pn.Column(address.warning, bar, room, sizing_mode="stretch_width"), lambda: side


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
