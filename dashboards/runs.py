"""Runs: training runs of networks, live and afterwards.

For every run folder in one directory, `labkit serve --runs DIR`: its bound, the KL of its glimpses, its samples.
"""

from collections.abc import Callable

import panel as pn
import param

from labkit.experiments.runs import directory
from labkit.experiments.settings import Linkable
from labkit.serving import pages, settings
from labkit.serving.frame import frame
from labkit.views import shown
from labkit.views.address import Address
from labkit.views.runs.scene import RunsScene

TITLE = "Runs"
SUMMARY = (
    "Watch networks train, live and afterwards: how well they do after each pass over the data, and what they draw."
)
QUESTION = "How does a network become better?"
PICTURE = (
    "Images that a network draws during its training, and its cost, which falls. Line: training images; dots: images "
    "not used in training."
)


class Choice(Linkable):
    """The settings of a link."""

    run = param.Selector(default="", objects=[""], doc="Run to show, runs/NAME; by default the newest.")
    epoch = param.Integer(default=-1, bounds=(-1, None), doc="Epoch whose samples are shown; -1: the newest.")


def page() -> pn.Template:
    pn.extension()
    return frame(TITLE, SUMMARY, live)


def live() -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the table of runs with the pictures of one, and a function that returns its configuration."""
    address, choice = Address(), Choice()
    choice.param.run.objects = ["", *(directory.PREFIX + folder.name for folder in directory.folders(settings.runs))]
    address.sync(choice)
    scene = RunsScene(settings.runs, choice.run.removeprefix(directory.PREFIX), epoch=choice.epoch)
    scene.param.watch(lambda event: choice.param.update(epoch=event.new), "epoch")
    shown.put(scene)
    return pn.Column(address.warning, scene, sizing_mode="stretch_width"), lambda: scene.settings


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
