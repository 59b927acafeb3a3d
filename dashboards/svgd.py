"""SVGD: particles that move to a density, with all settings live.

Stein variational gradient descent (Liu & Wang 2016): drag particles and modes, compare two runs, share a link.
"""

import panel as pn

from labkit.experiments.svgd.classification import ClassificationSettings
from labkit.experiments.svgd.collapse import CollapseSettings
from labkit.experiments.svgd.comparison import ComparisonSettings
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.experiments.svgd.regression import RegressionSettings
from labkit.serving import pages, settings, tabbed
from labkit.views.svgd.classification import ClassificationScene
from labkit.views.svgd.collapse import CollapseScene
from labkit.views.svgd.particles import ParticlesScene
from labkit.views.svgd.regression import RegressionScene
from labkit.views.tabs import Tab

TITLE = "SVGD"
SUMMARY = "Stein variational gradient descent: particles move until they look like samples of a density, the target."
QUESTION = "How do points become samples of a density?"
PICTURE = "A small cloud of a hundred particles spreads over a density that is shaped like a banana."
TABS = [
    Tab("Particles", ParticlesScene, lambda: ComparisonSettings(ParticlesSettings(settings.device))),
    Tab("Regression", RegressionScene, RegressionSettings),
    Tab("Classification", ClassificationScene, ClassificationSettings),
    Tab("Collapse", CollapseScene, CollapseSettings),
]
AHEAD = True  # the page may be built before a visitor comes: it always shows the same


def page() -> pn.Template:
    return tabbed.page(TITLE, SUMMARY, TABS, "svgd")


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
