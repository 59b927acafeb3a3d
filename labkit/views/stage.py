"""A picture declared by HoloViews, and the Bokeh sources in it that a running view changes in place.

Changing columns in place costs a fraction of a millisecond where a new picture costs tens.
"""

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any
from weakref import WeakMethod

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import BasicTicker, CustomJSTicker, DataRange1d, LogTicker, SaveTool

from labkit.views.view import Columns, View

INK = {False: "#33393e", True: "#d5dbe0"}  # of axes and text, on light and on dark
GRID = {False: "#00000018", True: "#ffffff1c"}
FONT = "13px"
ABOVE = {  # a legend over the picture; without the place bokeh lets a second row hang into it
    "legend_position": "top", "legend_cols": 4, "legend_opts": {"location": "bottom_left", "spacing": 8},
}  # fmt: skip
LOG_TICKS = Path(__file__).with_name("log_ticks.js").read_text(encoding="utf-8")
LARGE, SMALL = 440, 215  # heights in pixels; two small ones stand beside a large one
FEW = 4  # numbers along the x axis of a small one, where Bokeh's six would touch


class Stage:
    """One picture on the page, its sources by layer, and the colours of its frame.

    Args:
        order: its place among the others.
    """

    def __init__(self, order: int = 0):
        self.dark, self._aspect, self._narrow = False, None, False
        self._sources: dict[str, list] = {}
        self._figures: list = []
        self._sent: dict[str, dict] = {}  # by source: what it holds, so that nothing is sent twice
        self.automatic, self._drawn, self._declared = False, None, None
        self.pane = pn.pane.HoloViews(
            None, sizing_mode="stretch_width", linked_axes=False, styles={"order": str(order)}
        )

    def show(self, view: View, state: Any, drawn: Callable[[Any], None]) -> None:
        """Put up a view's picture.

        Args:
            view: whose picture it is; see `labkit.views.view.View` for what it may ask.
            drawn: called with every Bokeh figure when it is made, for tools and events.
        """
        self._sources, self._sent, self._figures, self._drawn = {}, {}, [], drawn
        self.automatic, self._declared = view.automatic, declaration(view)
        height, self._aspect = LARGE if view.leading else SMALL, view.aspect
        grabbed = {"clone": True, "default_tools": []}  # tools of every layer would cost more than the layer
        grab, style = WeakMethod(self._grab), WeakMethod(self._style)
        picture = view.picture(state).map(lambda e: e.opts(hooks=[hook(grab, e.label)], **grabbed), hv.Element)
        self._narrow = not (view.leading or view.wide)
        place = "wide" if view.wide else "leading" if view.leading else ""
        self.pane.param.update(min_height=0 if self._aspect else height, css_classes=[place] if place else [])
        self.pane.object = picture.opts(
            responsive=True, height=height, toolbar="above", default_tools=[], hooks=[hook(style)],
            **({"border": 0} if self._aspect else {}),
        )  # fmt: skip

    def holds(self, view: View) -> bool:
        """Whether the picture that is up is this view's too, so that its columns are all that has to change."""
        return self._declared is not None and self._declared == declaration(view)

    def retire(self) -> None:
        """Another picture will come: patch nothing until then."""
        self._sources, self._declared = {}, None

    def _grab(self, plot, label: str) -> None:
        self._sources.setdefault(label, []).append(plot.handles["source"])

    def _style(self, plot) -> None:
        figure = plot.state
        figure.output_backend = "canvas"  # WebGL without a GPU, as in a class, is many times slower
        figure.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None)
        figure.toolbar.update(logo=None, autohide=True)
        figure.toolbar.tools = [SaveTool()]  # dragging and scrolling are the page's and the hand's
        if self._aspect:  # nothing but the image: a title or a toolbar would take from its height
            figure.grid.visible = False
            figure.update(aspect_ratio=self._aspect, height=None, toolbar_location=None, frame_align=False)
        if self.automatic:
            figure.x_range, figure.y_range = DataRange1d(), DataRange1d()
        for axis in figure.axis:
            axis.update(
                major_label_text_font_size=FONT, axis_label_text_font_size=FONT, axis_label_text_font_style="normal"
            )
            if isinstance(axis.ticker, LogTicker):  # not where a view names its ticks
                axis.ticker = CustomJSTicker(major_code=LOG_TICKS)
        for axis in figure.xaxis if self._narrow else []:
            if isinstance(axis.ticker, BasicTicker):
                axis.ticker.desired_num_ticks = FEW
        for legend in figure.legend:
            legend.update(background_fill_alpha=0, border_line_color=None, label_text_font_size=FONT)
        self._figures.append(figure)
        self._colour(figure)
        if self._drawn:
            self._drawn(figure)

    def recolour(self, dark: bool) -> None:
        """Frame and text for a light or a dark page; the layers keep their colours."""
        self.dark = dark
        for figure in self._figures:
            self._colour(figure)

    def _colour(self, figure) -> None:
        ink, grid = INK[self.dark], GRID[self.dark]
        for axis in figure.axis:
            axis.update(
                major_label_text_color=ink, axis_label_text_color=ink, axis_line_color=ink,
                major_tick_line_color=ink, minor_tick_line_color=None,
            )  # fmt: skip
        for line in figure.grid:
            line.grid_line_color = grid
        for legend in figure.legend:
            legend.label_text_color = ink
        figure.title.text_color = ink

    def patch(self, columns: Columns) -> None:
        """Change the columns of layers in place; other lengths replace the columns.

        Raises:
            KeyError: there is no such layer.
        """
        if not self._sources:  # nobody has asked for the picture yet
            return
        for label, arrays in columns.items():
            arrays = {name: compact(values) for name, values in arrays.items()}
            for source in self._sources[label]:
                changed = differing(self._sent.get(source.id), arrays)
                if changed:
                    self._sent[source.id] = arrays
                    change(source, arrays, changed)


def hook(method: WeakMethod, *arguments: Any) -> Callable[[Any, Any], None]:
    """method(plot, *arguments) as a HoloViews hook that does not keep the method's owner alive.

    HoloViews keeps the hooks of an element, and the functions mapped over it, until the element is deleted. If these
    held the element's own page, both would stay in memory for ever, and the page's run with them.
    """

    def called(plot: Any, _element: Any) -> None:
        alive = method()
        if alive is not None:
            alive(plot, *arguments)

    return called


def declaration(view: View) -> tuple | None:
    """What a view's picture depends on, None if the view does not say."""
    return None if view.declaration is None else (type(view), *view.declaration)


def change(source, arrays: dict[str, Any], changed: set[str]) -> None:
    """Patch the columns that have changed where the lengths agree, else replace all."""
    same = all(name in source.data and len(source.data[name]) == len(values) for name, values in arrays.items())
    if same and all(isinstance(values, np.ndarray) and values.ndim == 1 and len(values) for values in arrays.values()):
        source.patch({name: [(slice(0, len(arrays[name])), arrays[name])] for name in changed})
    else:
        n = max((len(values) for values in arrays.values()), default=0)
        kept = {name: values for name, values in source.data.items() if name not in arrays and len(values) == n}
        source.data = {**kept, **{name: copy(values) for name, values in arrays.items()}}  # a patch writes into them


def differing(sent: dict[str, Any] | None, arrays: dict[str, Any]) -> set[str]:
    """The names of the columns that are not, to the last bit, NaN included, what was sent."""
    return {name for name, values in arrays.items() if sent is None or not alike(sent.get(name), values)}


def alike(one: Any, other: Any) -> bool:
    """Whether two columns are the same to the last bit."""
    return (
        isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype == other.dtype != object
        and one.shape == other.shape and one.tobytes() == other.tobytes()
    )  # fmt: skip


def compact(values: Any) -> Any:
    """float64 arrays as float32: half the bytes, and more digits than a screen has."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        return values.astype(np.float32)
    return values
