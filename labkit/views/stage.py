"""A picture declared by HoloViews, and its Bokeh sources, which a running view changes in place.

A change of columns takes a fraction of a millisecond, a new picture takes tens of milliseconds.
"""

from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any
from weakref import WeakMethod

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.colors import RGB
from bokeh.colors.util import NamedColor
from bokeh.models import (
    BasicTicker,
    ColorBar,
    CustomJSTicker,
    CustomJSTickFormatter,
    DataRange1d,
    LogTicker,
    SaveTool,
    Text,
)

from labkit import contrast
from labkit.views.view import Columns, View

INK = {False: "#33393e", True: "#d5dbe0"}  # colour of axes and text, on a light and on a dark page
PAPER = {False: "#fafaf7", True: "#1e2428"}  # what is behind them; of several papers the one with less contrast
GRID = {False: "#00000018", True: "#ffffff1c"}
FONT = "13px"
ABOVE = {  # a legend above the picture; without its location Bokeh lets a second row overlap the picture
    "legend_position": "top", "legend_cols": 4, "legend_opts": {"location": "bottom_left", "spacing": 8},
}  # fmt: skip
LOG_TICKS, LOG_LABELS = (
    Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("log_ticks.js", "log_labels.js")
)
LARGE, SMALL = 440, 215  # heights in pixels of files; on screen `labkit.views.layout` sets them
PLANE = {"left": 64, "right": 42, "top": 58, "bottom": 48}  # pixels around a plane; equal sums keep it square
FEW = 4  # ticks on the x axis of a small picture, where Bokeh's six labels would touch
FITTING = [Path(__file__).with_name(name) for name in ("legends.js", "fit.js")]
"""The scripts that fit a picture to its width in the browser, on a page and in a recording."""


class Stage:
    """One picture on the page, its sources by layer, and the colours of its frame.

    Args:
        order: its position among the others.

    Attributes:
        main: whether a presentation shows the picture.
        hidden: whether the picture is hidden, because it is empty.
        drawings: how often its sources have changed.
    """

    def __init__(self, order: int = 0):
        self.main = False
        self.dark, self._aspect, self._narrow, self._plane = False, None, False, False
        self._sources: dict[str, list] = {}
        self._figures: list = []
        self._sent: dict[str, dict] = {}  # the arrays of each source, so that nothing is sent twice
        self._stale: set[str] = set()  # sources whose columns the browser got in another way
        self.automatic, self._drawn, self._declared = False, None, None
        self._order, self.hidden, self.drawings = {"order": str(order)}, False, 0
        self.pane = pn.pane.HoloViews(None, sizing_mode="stretch_width", linked_axes=False, styles=self._order)

    def show(self, view: View, state: Any, drawn: Callable[[Any], None]) -> None:
        """Show a view's picture.

        Args:
            view: the view; `labkit.views.view.View` lists its options.
            drawn: called with every new Bokeh figure, for tools and events.
        """
        self._sources, self._sent, self._figures, self._drawn = {}, {}, [], drawn
        self.drawings += 1
        self.automatic, self._declared = view.automatic, declaration(view)
        height, self._aspect = LARGE if view.leading else SMALL, view.aspect
        grabbed = {"clone": True, "default_tools": []}  # tools for every layer would cost more than the layer
        grab, style = WeakMethod(self._grab), WeakMethod(self._style)
        picture = view.picture(state).map(lambda e: e.opts(hooks=[hook(grab, e.label)], **grabbed), hv.Element)
        self._narrow, self._plane = not (view.leading or view.wide), view.plane
        self.pane.param.update(css_classes=classes(view, self.main), styles=self._styles())
        self.pane.object = picture.opts(
            responsive=True, height=height, toolbar="above", default_tools=[], hooks=[hook(style)],
            **({"border": 0} if self._aspect else {}),
        )  # fmt: skip

    def hide(self, hidden: bool) -> None:
        """Hide the picture, or show it again. A figure that is not `visible` would warn of axes without numbers."""
        if hidden != self.hidden:
            self.hidden = hidden
            self.pane.styles = self._styles()

    def _styles(self) -> dict[str, str]:
        shown = self._order | {"--aspect": f"{self._aspect or 1:.6g}"}
        return shown | {"display": "none" if self.hidden else ""}  # BokehJS keeps a style that is left out

    @property
    def sources(self) -> dict[str, list]:
        """The Bokeh sources of each layer, once the picture is rendered."""
        return self._sources

    @property
    def figures(self) -> list:
        """The Bokeh figures of the picture, once it is rendered."""
        return self._figures

    def holds(self, view: View) -> bool:
        """Return whether the current picture also serves this view, so that only columns change."""
        return self._declared is not None and self._declared == declaration(view)

    def forget(self) -> None:
        """Replace all columns with the next `patch`: the browser got others meanwhile, perhaps of another length."""
        self._sent, self._stale = {}, {source.id for sources in self._sources.values() for source in sources}

    def retire(self) -> None:
        """Stop changing this picture, because another one will replace it."""
        self._sources, self._declared = {}, None
        self.drawings += 1

    def _grab(self, plot, label: str) -> None:
        self._sources.setdefault(label, []).append(plot.handles["source"])
        self.drawings += 1

    def _style(self, plot) -> None:
        figure = plot.state
        figure.output_backend = "canvas"  # WebGL is many times slower without a GPU, which is usual in a class
        figure.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None)
        figure.toolbar.update(logo=None, autohide=True)
        figure.toolbar.tools = [SaveTool()]  # the page uses scrolling, and the scenes use dragging
        if self._aspect:  # only the image: a title or a toolbar would reduce its height
            figure.grid.visible = False
            figure.update(aspect_ratio=self._aspect, height=None, toolbar_location=None, frame_align=False)
        else:
            figure.sizing_mode = "stretch_both"  # the style sheet of the page sets the height
            figure.frame_align = {"right": False}  # a column would give all plots the widest right border
        if self._plane:
            figure.update(
                frame_align=False,
                toolbar_location="right",
                **{f"min_border_{side}": size for side, size in PLANE.items()},
            )
        if self.automatic:
            figure.x_range, figure.y_range = DataRange1d(), DataRange1d()
        for axis in figure.axis:
            axis.update(
                major_label_text_font_size=FONT, axis_label_text_font_size=FONT, axis_label_text_font_style="normal"
            )
            if isinstance(axis.ticker, LogTicker):  # not if a view sets its ticks
                axis.ticker = CustomJSTicker(major_code=LOG_TICKS)
                axis.formatter = CustomJSTickFormatter(code=LOG_LABELS)
        for axis in figure.xaxis if self._narrow else []:
            if isinstance(axis.ticker, BasicTicker):
                axis.ticker.desired_num_ticks = FEW
        for legend in figure.legend:
            legend.update(background_fill_alpha=0, border_line_color=None, label_text_font_size=FONT, margin=4)
        self._figures.append(figure)
        self._colour(figure)
        if self._drawn:
            self._drawn(figure)

    def recolour(self, dark: bool) -> None:
        """Set frame and text for a light or a dark page; the layers without text keep their colours."""
        self.dark = dark
        for figure in self._figures:
            self._colour(figure)

    def _colour(self, figure) -> None:
        for model, colours in frame_colours(figure, self.dark):
            model.update(**colours)

    def patch(self, columns: Columns) -> None:
        """Change the columns of layers in place; columns of another length are replaced.

        Raises:
            KeyError: there is no layer with this name.
        """
        if not self._sources:  # the picture was not drawn yet
            return
        for label, arrays in columns.items():
            arrays = {name: compact(values) for name, values in arrays.items()}
            for source in self._sources[label]:
                changed = differing(self._sent.get(source.id), arrays)
                if changed:
                    self._sent[source.id] = arrays
                    change(source, arrays, changed, whole=source.id in self._stale)
                    self._stale.discard(source.id)


def frame_colours(figure: Any, dark: bool) -> Iterator[tuple[Any, dict[str, str | None]]]:
    """Yield the models of a figure's frame and text, with the colours that they have on a light or a dark page."""
    ink = INK[dark]
    for axis in figure.axis:
        lines = dict.fromkeys(("axis_line_color", "major_tick_line_color"), ink)
        texts = dict.fromkeys(("major_label_text_color", "axis_label_text_color"), ink)
        yield axis, {**lines, **texts, "minor_tick_line_color": None}
    for line in figure.grid:
        yield line, {"grid_line_color": GRID[dark]}
    for legend in figure.legend:
        yield legend, {"label_text_color": ink}
    for bar in figure.right:
        if isinstance(bar, ColorBar):
            yield bar, {"major_label_text_color": ink, "major_tick_line_color": ink}
    for text in (getattr(layer, "glyph", None) for layer in figure.renderers):
        if isinstance(text, Text) and isinstance(text.text_color, str):  # not a column of colours
            yield text, {"text_color": _legible(text, PAPER[dark])}
    yield figure.title, {"text_color": ink}


def _legible(text: Text, paper: str) -> str:
    """Return the colour of a layer of text on a paper. Its name keeps the colour that its view gave it."""
    text.name = text.name or text.text_color
    if not (NamedColor.find(text.name) or text.name.startswith("#")):  # for example "rgb(10, 20, 30)"
        return text.name
    own, ground = (NamedColor.find(each) or RGB.from_hex_string(each) for each in (text.name, paper))
    return RGB(*contrast.legible((own.r, own.g, own.b), (ground.r, ground.g, ground.b))).to_hex()


def hook(method: WeakMethod, *arguments: Any) -> Callable[[Any, Any], None]:
    """Return method(plot, *arguments) as a HoloViews hook that does not keep the method's owner alive.

    HoloViews keeps the hooks of an element, and the functions mapped over it, until the element is deleted. If these
    referred to the page of the element, the page and its run would never leave memory.
    """

    def called(plot: Any, _element: Any) -> None:
        alive = method()
        if alive is not None:
            alive(plot, *arguments)

    return called


def classes(view: View, main: bool) -> list[str]:
    """Return what the style sheet of the pictures knows a picture by."""
    place = [name for name, is_so in (("main", main), ("wide", view.wide), ("leading", view.leading)) if is_so]
    return [name for name in ("picture", *place, shape(view)) if name != "plot"]


def shape(view: View) -> str:
    """Return what decides the height of a picture: "image" its aspect, "plane" its width, "plot" the style sheet."""
    return "image" if view.aspect else "plane" if view.plane else "plot"


def declaration(view: View) -> tuple | None:
    """Return what a view's picture depends on, None if the view does not define it."""
    return None if view.declaration is None else (type(view), *view.declaration)


def change(source, arrays: dict[str, Any], changed: set[str], whole: bool = False) -> None:
    """Patch the changed columns if the lengths are the same, otherwise, or if `whole`, replace all columns."""
    same = not whole and all(
        name in source.data and len(source.data[name]) == len(values) for name, values in arrays.items()
    )
    if same and all(isinstance(values, np.ndarray) and values.ndim == 1 and len(values) for values in arrays.values()):
        source.patch({name: [(slice(0, len(arrays[name])), arrays[name])] for name in changed})
    else:
        n = max((len(values) for values in arrays.values()), default=0)
        kept = {name: values for name, values in source.data.items() if name not in arrays and len(values) == n}
        source.data = {**kept, **{name: copy(values) for name, values in arrays.items()}}  # a patch changes them


def differing(sent: dict[str, Any] | None, arrays: dict[str, Any]) -> set[str]:
    """Return the names of the columns that differ from what was sent, by any bit, also in NaN."""
    return {name for name, values in arrays.items() if sent is None or not alike(sent.get(name), values)}


def alike(one: Any, other: Any) -> bool:
    """Return whether two columns are the same to the last bit."""
    return one is other or (
        isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype == other.dtype != object
        and one.shape == other.shape and one.tobytes() == other.tobytes()
    )  # fmt: skip


def compact(values: Any) -> Any:
    """Return float64 arrays as float32: half the bytes, and more digits than a screen shows."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        return values.astype(np.float32)
    return values
