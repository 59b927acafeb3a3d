"""A page of tabs that share a trained network, which the visitor chooses."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import panel as pn
import param

import labkit
from labkit.experiments.runs import directory
from labkit.experiments.settings import Linkable
from labkit.serving import settings
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.fields import choice
from labkit.views.runs import words
from labkit.views.tabs import buttons, offer


class NetworkTab(NamedTuple):
    """A tab: its title, and the class of scene that is called with the network.

    A scene class with a name in `network` always shows that network.
    """

    title: str
    scene: Any


class Studio(Linkable):
    """What the whole page shares: the network, and the tab that is open."""

    model = param.Selector(check_on_set=True, label="Network", doc="a trained network, of labkit or of a run")
    tab = param.Selector(check_on_set=True, doc="the tab that is open")


def page(title: str, summary: str, tabs: Sequence[NetworkTab], kind: str, default: str) -> pn.Template:
    """Return a page whose tabs show a network of some kind.

    Args:
        kind: of the networks that are offered, those of labkit and of the runs: "draw" or "vae".
        default: the name of the network at first.
    """
    pn.extension()
    return frame(title, summary, lambda: live(tabs, kind, default))


def live(tabs: Sequence[NetworkTab], kind: str, default: str) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, each built when it is first opened with a network, and () -> the controls of the open one."""
    address, networks = Address(), directory.networks(settings.runs, kind)
    studio, scenes, made = Studio(), {tab.title: tab.scene for tab in tabs}, {}
    offer(studio, "model", list(networks), default)
    offer(studio, "tab", list(scenes), tabs[0].title)
    address.sync(studio)
    room, side = pn.Column(sizing_mode="stretch_width"), pn.Column(margin=0, sizing_mode="stretch_width")

    def show(*_events: Any) -> None:
        scene = scenes[studio.tab]
        name, chosen = (scene.network, []) if scene.network else (studio.model, [choice(studio, "model")])
        try:
            if (name, studio.tab) not in made:
                network = labkit.load_checkpoint(networks.get(name, name)).to(settings.device)
                made[name, studio.tab] = scene(network)
        except Exception as error:  # a run's file that does not fit: the others can still be chosen
            room.objects, side.objects = [pn.pane.HTML(words.wrong(f"{name}: {error}"))], chosen
            return
        shown = made[name, studio.tab]
        room.objects, side.objects = [shown], [*chosen, *shown.controls()]

    studio.param.watch(show, ["model", "tab"])
    show()
    return pn.Column(address.warning, buttons(studio), room, sizing_mode="stretch_width"), lambda: side
