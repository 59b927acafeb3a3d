"""DRAW: a network draws images stroke by stroke, and you can move its attention window.

Deep recurrent attentive writer (Gregor et al. 2015): watch it draw, let it read your digit, move its window.
"""

from pathlib import Path

import panel as pn

from labkit.experiments import defaults
from labkit.experiments.runs import directory
from labkit.serving import pages, settings, studio
from labkit.serving.studio import NetworkTab
from labkit.views.draw.attention import AttentionScene
from labkit.views.draw.generate import GenerateScene
from labkit.views.draw.latents import LatentsScene
from labkit.views.draw.learn import LearnScene
from labkit.views.draw.read import ReadScene

TITLE = "DRAW"
SUMMARY = (
    "Deep Recurrent Attentive Writer: a network paints digits in steps (glimpses), each inside a window. It can read "
    "and paint your digit, too."
)
QUESTION = "How does a network draw a digit, step by step?"
PICTURE = "A network draws 28 digits step by step, and a frame shows where it paints."
TABS = [
    NetworkTab("Generate", GenerateScene),
    NetworkTab("Read", ReadScene),
    NetworkTab("Latents", LatentsScene),
    NetworkTab("Attention lab", AttentionScene),
    NetworkTab("Learn", LearnScene),
]


def networks() -> dict[str, str | Path]:
    """Return the networks that the page offers."""
    return directory.networks(settings.runs, "draw")


AHEAD = networks  # the page may be built before a visitor comes, and is used while these are the same


def page() -> pn.Template:
    return studio.page(TITLE, SUMMARY, TABS, kind="draw", default=defaults.NETWORK)


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
