"""DReG: the variance, bias and signal-to-noise ratio of gradient estimators, measured live.

Doubly reparameterised gradients (Tucker et al. 2019) and other estimators, on a Gaussian model with exact values.
"""

from pathlib import Path

import panel as pn

from labkit.experiments.dreg.alpha import AlphaSettings
from labkit.experiments.dreg.bias import BiasSettings
from labkit.experiments.dreg.microscope import MicroscopeSettings
from labkit.experiments.dreg.network import NetworkSettings
from labkit.experiments.dreg.race import RaceSettings
from labkit.experiments.dreg.variance import VarianceSettings
from labkit.experiments.runs import directory
from labkit.serving import pages, tabbed
from labkit.serving import settings as served
from labkit.serving.tabbed import on_device
from labkit.views.dreg.alpha import AlphaScene
from labkit.views.dreg.bias import BiasScene
from labkit.views.dreg.microscope import MicroscopeScene
from labkit.views.dreg.network import NetworkScene
from labkit.views.dreg.race import RaceScene
from labkit.views.dreg.variance import VarianceScene
from labkit.views.tabs import Tab

TITLE = "DReG"
SUMMARY = (
    "Doubly reparameterised gradients: a gradient with less noise, to train an encoder, the network that learns which "
    "hidden vectors z fit an image x."
)
QUESTION = "How noisy is the gradient that a network learns from?"
PICTURE = (
    "The variance (the square of the noise) of DReG and of the usual estimate, IWAE. To the right: more random samples "
    "of z. The numbers are slopes on logarithmic axes. With more samples the gradient shrinks, too: see the first "
    "lesson on DReG."
)


def networks() -> dict[str, str | Path]:
    """Return the networks that the last tab offers."""
    return directory.networks(served.runs, "vae")


TABS = [
    Tab("Variance against samples", VarianceScene, on_device(VarianceSettings)),
    Tab("Microscope", MicroscopeScene, on_device(MicroscopeSettings)),
    Tab("Bias meter", BiasScene, on_device(BiasSettings)),
    Tab("Alpha dial", AlphaScene, on_device(AlphaSettings)),
    Tab("Race", RaceScene, on_device(RaceSettings)),
    Tab("Network", NetworkScene, on_device(NetworkSettings, networks)),
]
AHEAD = networks  # the page may be built before a visitor comes, and is used while these are the same


def page() -> pn.Template:
    return tabbed.page(TITLE, SUMMARY, TABS, "dreg")


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
