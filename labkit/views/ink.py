"""Still figures in a notebook: their frames and texts follow its light or dark theme, also without a kernel."""

from pathlib import Path
from typing import Any

import holoviews as hv
import panel as pn
import param
from panel.custom import JSComponent

from labkit.views.stage import frame_colours


class Ink(JSComponent):
    """Changes the colours of figures in the browser."""

    frames = param.List([], doc="id of a Bokeh model, its colours on a light page, and those on a dark page")

    _esm = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("scheme.js", "ink.js"))

    def __init__(self, **params: Any):
        super().__init__(**{"width": 0, "height": 0, "margin": 0} | params)

    def add(self, figure: Any) -> None:
        """Let a Bokeh figure follow the theme; it gets a transparent ground."""
        figure.update(background_fill_alpha=0, border_fill_alpha=0)
        figure.toolbar.update(logo=None, autohide=True)
        for legend in figure.legend:
            legend.update(background_fill_alpha=0, border_line_color=None)
            if legend in figure.right:
                legend.update(ncols=1, location="top")  # in JupyterLab, Bokeh's own choice is a row
        pairs = zip(frame_colours(figure, False), frame_colours(figure, True), strict=True)
        self.frames = [*self.frames, *([model.id, light, dark] for (model, light), (_, dark) in pairs)]


def inked(picture: Any) -> pn.viewable.Viewable:
    """Return a picture of HoloViews whose frame follows the theme."""
    ink = Ink()

    def hook(plot: Any, _element: Any) -> None:
        ink.add(plot.state)

    def hooked(part: Any) -> Any:
        own = hv.Store.lookup_options("bokeh", part, "plot").kwargs.get("hooks", [])
        return part.opts(hooks=[*own, hook], clone=True)

    whole = picture.map(hooked, (hv.Overlay, hv.Element)) if isinstance(picture, hv.Layout) else hooked(picture)
    return pn.Column(pn.panel(whole), ink)
