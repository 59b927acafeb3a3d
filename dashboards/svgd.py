"""SVGD: particles that flow to a density, with every setting at hand.

Stein variational gradient descent (Liu & Wang 2016): drag particles and modes, compare two runs, share a link.
"""

from collections.abc import Callable
from typing import Any

import panel as pn
import param

from labkit.experiments.svgd import ClassificationSettings, CollapseSettings, ParticlesSettings, RegressionSettings
from labkit.serving import pages, settings
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.downloads import Downloads
from labkit.views.svgd import ClassificationScene, CollapseScene, ParticlesScene, RegressionScene, tables
from labkit.views.svgd.controls import Controls
from labkit.views.tabs import Tabs

TITLE = "SVGD"
SUMMARY = "Particles flow to a density you choose: drag them, drag its modes, change the kernel while they move."
FIRST = "Particles"
TABS = {
    "Regression": (RegressionScene, RegressionSettings),
    "Classification": (ClassificationScene, ClassificationSettings),
    "Collapse": (CollapseScene, CollapseSettings),
}
AHEAD = True  # it shows the same whenever it is built
EQUATION = """
<math display="block" style="font-size: 1.15em">
<msub><mi>x</mi><mi>i</mi></msub><mo>←</mo><msub><mi>x</mi><mi>i</mi></msub><mo>+</mo><mi>ε</mi><mi>φ</mi>
<mo>(</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo><mo>,</mo><mspace width="1.5em"/>
<mi>φ</mi><mo>(</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo><mo>=</mo><mfrac><mn>1</mn><mi>n</mi></mfrac>
<munder><mo>∑</mo><mi>j</mi></munder><mo>[</mo>
<munder><munder><mrow><mi>k</mi><mo>(</mo><msub><mi>x</mi><mi>j</mi></msub><mo>,</mo><msub><mi>x</mi><mi>i</mi></msub>
<mo>)</mo><mo>∇</mo><mi>log</mi><mi>p</mi><mo>(</mo><msub><mi>x</mi><mi>j</mi></msub><mo>)</mo></mrow><mo>⏟</mo></munder>
<mtext>drive: uphill</mtext></munder><mo>+</mo>
<munder><munder><mrow><msub><mo>∇</mo><msub><mi>x</mi><mi>j</mi></msub></msub><mi>k</mi><mo>(</mo><msub><mi>x</mi>
<mi>j</mi></msub><mo>,</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo></mrow><mo>⏟</mo></munder>
<mtext>repulsion: apart</mtext></munder><mo>]</mo></math>
"""
HINT = """
<b>What to look for.</b> The drive alone would carry every particle to a peak; the repulsion holds them apart until
their density is the target's. <b>Try:</b> drag a diamond (a mode) or a particle, double-click to add one, click one to
see what its neighbours do to it. <b>Keys:</b> space plays and pauses, → steps, ← looks back, r starts again.
"""


class Open(param.Parameterized):
    """Which tab is open."""

    tab = param.Selector(objects=[FIRST, *TABS])


def page() -> pn.Template:
    pn.extension()
    return frame(TITLE, SUMMARY, live)


def live() -> tuple[pn.Column, Callable[[], pn.Column]]:
    """The tabs, each built when it is first opened, and the settings of the open one."""
    address, chosen, experiment = Address(), Open(), ParticlesSettings(settings.device)
    scene = ParticlesScene(experiment)
    others = {tab: kind() for tab, (_, kind) in TABS.items()}
    address.sync_tabs(chosen, lambda name: (experiment, scene) if name == FIRST else (others[name],))
    particles = pn.Column(scene.live.player, scene.live.error, scene.live.pictures, sizing_mode="stretch_width")
    settled: list[Controls] = []  # of the first tab: they follow when the browser has the picture

    def make(name: str) -> tuple[Any, Callable[[], list]]:
        if name == FIRST:
            return particles, lambda: list(settled)
        tab = TABS[name][0](others[name])
        controls = tab.controls()
        return tab, lambda: controls

    tabs = Tabs(chosen, make)

    def rest() -> pn.Column:
        """What stands below the picture and beside it follows when the browser has the picture."""
        particles.extend(
            [
                Downloads(scene.live, particles=tables.save_csv),
                pn.pane.HTML(HINT, sizing_mode="stretch_width", styles={"font-size": "15px"}),
                pn.pane.HTML(EQUATION, sizing_mode="stretch_width", styles={"overflow-x": "auto"}),
            ]
        )
        settled.append(Controls(scene))
        tabs.open()
        return tabs.side

    return pn.Column(address.warning, tabs.buttons, tabs.room, sizing_mode="stretch_width"), rest


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
