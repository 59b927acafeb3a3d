"""DReG: what a gradient estimator's variance costs, measured while you watch.

Doubly reparameterised gradients (Tucker et al. 2019) beside the others, on a Gaussian model whose answers are exact.
"""

from collections.abc import Callable

import panel as pn
import param

from labkit.serving import pages
from labkit.serving import settings as served
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.dreg import (
    AlphaDial,
    Bench,
    BiasMeter,
    Court,
    Dial,
    Laboratory,
    Lens,
    Microscope,
    Network,
    Race,
    Racer,
    Variance,
)
from labkit.views.runs import shelf
from labkit.views.scenes import Scene
from labkit.views.tabs import Tabs

TITLE = "DReG"
SUMMARY = (
    "More samples make some gradients worse: watch estimators' variance, SNR and bias against K, beside exact answers."
)
TABS = {
    "Variance against samples": (Variance, Laboratory),
    "Microscope": (Microscope, Lens),
    "Bias meter": (BiasMeter, Court),
    "Alpha dial": (AlphaDial, Dial),
    "Race": (Race, Racer),
    "Network": (Network, lambda device: Bench(shelf.networks(served.runs, "vae"), device=device)),
}


class Open(param.Parameterized):
    """Which tab is open."""

    tab = param.Selector(objects=list(TABS))


def page() -> pn.Template:
    pn.extension()
    return frame(TITLE, SUMMARY, live)


def live() -> tuple[pn.Column, Callable[[], pn.Column]]:
    """The tabs, each built when it is first opened, and the settings of the open one."""
    address, chosen = Address(), Open()
    settings = {tab: kind(device=served.device) for tab, (_, kind) in TABS.items()}
    address.sync_tabs(chosen, lambda name: (settings[name],))

    def make(name: str) -> tuple[Scene, Callable[[], list]]:
        scene = TABS[name][0](settings[name])
        return scene, scene.controls

    tabs = Tabs(chosen, make)
    return pn.Column(address.warning, tabs.buttons, tabs.room, sizing_mode="stretch_width"), lambda: tabs.side


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
