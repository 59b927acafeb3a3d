"""SVGD: particles that flow to a density, with every setting at hand.

Stein variational gradient descent (Liu & Wang 2016): drag particles and modes, compare two runs, share a link.
"""

import panel as pn

from labkit.serving import pages, settings
from labkit.serving.frame import frame
from labkit.views.address import Address
from labkit.views.downloads import Downloads
from labkit.views.svgd import Experiment, Scene
from labkit.views.svgd.controls import Controls

TITLE = "SVGD"
SUMMARY = "Particles flow to a density you choose: drag them, drag its modes, change the kernel while they move."
EQUATION = r"""
$$x_i \leftarrow x_i + \epsilon\,\phi(x_i),\qquad
\phi(x_i) = \frac1n \sum_j \big[\underbrace{k(x_j, x_i)\,\nabla \log p(x_j)}_{\text{drive: uphill}}
+ \underbrace{\nabla_{x_j} k(x_j, x_i)}_{\text{repulsion: apart}}\big]$$
"""
HINT = """
<b>What to look for.</b> The drive alone would carry every particle to a peak; the repulsion holds them apart until
their density is the target's. <b>Try:</b> drag a diamond (a mode) or a particle, double-click to add one, click one to
see what its neighbours do to it. <b>Keys:</b> space plays and pauses, → steps, ← looks back, r starts again.
"""


def page() -> pn.Template:
    pn.extension("mathjax")
    address = Address()
    experiment = Experiment(settings.device)
    scene = Scene(experiment)
    address.sync(experiment, scene)
    controls = Controls(scene)
    main = pn.Column(
        address.warning,
        scene.live.player,
        scene.live.error,
        scene.live.pictures,
        Downloads(scene.live),
        pn.pane.HTML(HINT, sizing_mode="stretch_width", styles={"font-size": "15px"}),
        pn.pane.LaTeX(EQUATION, sizing_mode="stretch_width", styles={"overflow-x": "auto"}),
        sizing_mode="stretch_width",
    )
    return frame(TITLE, SUMMARY, controls, main)


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title=TITLE)
