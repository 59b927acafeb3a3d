"""What a notebook needs before it can show anything of labkit's."""

import holoviews as hv
import panel as pn

from labkit.private.holoviews import forget_scripts


def load() -> None:
    """Bring the scripts of Panel, HoloViews and Bokeh into the notebook's page, offline, each time this is called.

    Panel loads Bokeh only once per kernel. But a page that is reloaded has lost it while the kernel lives on, and a
    cell that runs again replaces the output that held it, so that a saved notebook, and HTML made from it, lack it.
    A page that has Bokeh already does not load it again.
    """
    forget_scripts()
    pn.extension(inline=True)
    hv.extension("bokeh", inline=True)
