"""DReG: what a gradient estimator's variance costs, measured while you watch.

Doubly reparameterised gradients (Tucker et al. 2019) beside the others, on a Gaussian model whose answers are exact.
"""

import panel as pn

from labkit.experiments.runs import directory
from labkit.serving import pages, tabbed
from labkit.serving import settings as served
from labkit.serving.tabbed import on_device
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
from labkit.views.tabs import Tab

TITLE = "DReG"
SUMMARY = (
    "More samples make some gradients worse: watch estimators' variance, SNR and bias against K, beside exact answers."
)
TABS = [
    Tab("Variance against samples", Variance, on_device(Laboratory)),
    Tab("Microscope", Microscope, on_device(Lens)),
    Tab("Bias meter", BiasMeter, on_device(Court)),
    Tab("Alpha dial", AlphaDial, on_device(Dial)),
    Tab("Race", Race, on_device(Racer)),
    Tab("Network", Network, on_device(Bench, lambda: directory.networks(served.runs, "vae"))),
]


def page() -> pn.Template:
    return tabbed.page(TITLE, SUMMARY, TABS)


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
