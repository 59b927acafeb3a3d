"""Reads the data of a HoloViews element as the columns of its Bokeh glyph, and its options for the axes."""

from collections.abc import Callable

import holoviews as hv
import holoviews.plotting.bokeh  # noqa: F401  its options are the ones read here
import numpy as np

AXES = ("xaxis", "yaxis")  # None hides them


def _dimensions(*names: str) -> Callable:
    return lambda e, _: {name: e.dimension_values(i) for i, name in enumerate(names) if i < len(e.dimensions())}


def _area(element, _) -> dict:
    x, top = element.dimension_values(0), element.dimension_values(1)
    low = element.dimension_values(2) if len(element.vdims) > 1 else np.zeros(len(x))
    return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, top[::-1]])}


def _spikes(element, plot: dict) -> dict:
    x, low = element.dimension_values(0), plot.get("position", 0.0)
    tall = element.vdims and "spike_length" not in plot
    high = element.dimension_values(1) if tall else np.full(len(x), plot.get("spike_length", 0.5))
    return {"x": x, "y0": np.full(len(x), low), "y1": low + high}


def _path(element, _) -> dict:
    parts, (x, y) = element.split(datatype="columns"), (d.name for d in element.kdims)
    return {"xs": [part[x] for part in parts], "ys": [part[y] for part in parts]}


def _image(element, _) -> dict:
    left, bottom, right, top = element.bounds.lbrt()
    bands = [element.dimension_values(2 + i, flat=False) for i in range(len(element.vdims))]
    image = bands[0] if len(bands) == 1 else np.stack(bands, -1)
    return {"image": image, "x": left, "y": bottom, "dw": right - left, "dh": top - bottom}


def _histogram(element, _) -> dict:
    return {"left": element.edges[:-1], "right": element.edges[1:], "top": element.dimension_values(1)}


def _text(element, _) -> dict:
    x, y, text, *_ = element.data
    return {"x": np.array([x]), "y": np.array([y]), "text": [text]}


def _span(axis: str) -> Callable:
    return lambda e, _: {axis: np.atleast_1d(e.data)}


# kind of element -> its glyph, the function that reads its columns, and the columns of its dimensions
SOURCES = {
    hv.Curve: ("line", _dimensions("x", "y"), ("x", "y")),
    hv.Area: ("patch", _area, ("x", "y")),
    hv.Scatter: ("marker", _dimensions("x", "y"), ("x", "y")),
    hv.Points: ("marker", _dimensions("x", "y"), ("x", "y")),
    hv.Segments: ("segment", _dimensions("x0", "y0", "x1", "y1"), ("x0", "y0", "x1", "y1")),
    hv.Spikes: ("segment", _spikes, ("x",)),
    hv.Rectangles: ("quad", _dimensions("left", "bottom", "right", "top"), ("left", "bottom", "right", "top")),
    hv.Histogram: ("quad", _histogram, ("", "top")),
    hv.Bars: ("quad", _dimensions("x", "top"), ("x", "top")),
    hv.VLine: ("span", _span("x"), ("x",)),
    hv.HLine: ("span", _span("y"), ("y",)),
    hv.Text: ("text", _text, ("x", "y")),
    hv.Labels: ("text", _dimensions("x", "y", "text"), ("x", "y", "text")),
    hv.Image: ("image", _image, ()),
    hv.RGB: ("image", _image, ()),
    hv.Path: ("path", _path, ()),
    hv.Contours: ("path", _path, ()),
}


def elements(picture) -> list:
    """Return the elements of an overlay, lowest first.

    Raises:
        TypeError: paint cannot draw one of the elements.
    """
    if isinstance(picture, hv.core.CompositeOverlay):
        return [element for part in picture.values() for element in elements(part)]
    if type(picture) not in SOURCES:
        known = ", ".join(sorted(kind.__name__ for kind in SOURCES))
        raise TypeError(f"paint draws Overlay, Layout and {known}; got {type(picture).__name__}; declare it with these")
    return [picture]


def options(thing, group: str, turn: int = 0) -> dict:
    """Return Bokeh's options of a group, style or plot; `turn` is the position in the cycle of colours."""
    return dict(hv.Store.lookup_options("bokeh", thing, group)[turn])


def declared(picture) -> dict:
    """Return the options of the axes, with labels from the dimensions.

    The overlay's options have priority, then those of the first element that has them.

    Raises:
        ValueError: the axes are swapped.
    """
    parts, found = elements(picture), {}
    for element in reversed(parts):
        x, y = element.get_dimension(0), element.get_dimension(1)
        if isinstance(element, hv.element.Annotation):
            continue
        named = {"xlabel": x, "ylabel": y} if y is not None else {"xlabel": x}
        found |= {k: d.pprint_label for k, d in named.items()}
        names = element.dimension_values(0) if isinstance(element, hv.Bars) else np.zeros(0)
        if np.asarray(names).dtype.kind not in "iuf":
            found["xticks"] = [(float(i), str(name)) for i, name in enumerate(names)]
    for thing in (*reversed(parts), picture):
        found |= {k: v for k, v in options(thing, "plot").items() if k != "show_legend" and v is not None or k in AXES}
    if found.get("invert_axes"):
        raise ValueError("paint draws x across and y up, got invert_axes=True; swap the element's dimensions")
    return found | {"show_legend": options(picture, "plot").get("show_legend", True)}
