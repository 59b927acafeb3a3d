"""A page of tabs that share a trained network, which the visitor chooses."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import panel as pn
import param

import labkit
from labkit.experiments.runs import directory
from labkit.experiments.settings import Linkable
from labkit.serving import settings
from labkit.serving.ceilings import hold
from labkit.serving.frame import frame
from labkit.serving.resume import resume
from labkit.views import shown
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
    """The settings that the whole page shares: the network and the open tab."""

    model = param.Selector(check_on_set=True, label="Network", doc="a trained network, shipped or from a run")
    tab = param.Selector(check_on_set=True, doc="the open tab")


def page(title: str, summary: str, tabs: Sequence[NetworkTab], kind: str, default: str) -> pn.Template:
    """Return a page with tabs that show a trained network.

    Args:
        kind: kind of the offered networks, "draw" or "vae". The shipped networks and those of the runs are offered.
        default: the name of the first network.
    """
    pn.extension()
    return frame(title, summary, lambda: live(tabs, kind, default))


def live(tabs: Sequence[NetworkTab], kind: str, default: str) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, and a function that returns the controls of the open tab.

    A tab is built when it is first opened with a network.
    """
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
                made[name, studio.tab] = opened = scene(network)
                hold(opened.settings.owners)
        except Exception as error:  # the file of a run does not fit; the visitor can choose another network
            room.objects, side.objects = [pn.pane.HTML(words.wrong(f"{name}: {error}"))], chosen
            return
        opened = made[name, studio.tab]
        shown.put(opened)
        room.objects, side.objects = [opened], [*chosen, *opened.controls()]

    studio.param.watch(show, ["model", "tab"])
    show()
    if made:
        resume(next(iter(made.values())).live)
    return pn.Column(address.warning, buttons(studio), room, sizing_mode="stretch_width"), lambda: side
