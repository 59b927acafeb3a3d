"""The pictures of a recording as data: Bokeh's documents as JSON, and what a player needs to know about them.

    {"title": ..., "fps": ..., "pictures": [{"item", "place", "shape", "layers", "colours"}, ...]}

`item` is for `Bokeh.embed.embed_item`. `place` is "leading", "wide" or "", `shape` is "image", "plane" or "plot".
`layers` has the ids of the sources of each layer. `colours` has the colours of frame and text by the id of their model:
on a light page, and on a dark one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.embed import json_item
from bokeh.models import LogScale, Plot, Range1d

from labkit.views.backend import use_bokeh
from labkit.views.stage import Stage, frame_colours, shape
from labkit.views.view import Columns, View


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        data: its entry in the declaration.
        logarithmic: whether it has a logarithmic axis, on which small numbers are as visible as large ones.
    """

    data: dict[str, Any]
    logarithmic: bool


def pictures(views: Sequence[View], state: Any, frames: Sequence[Sequence[Columns]] = ()) -> list[Picture]:
    """Return the picture of each view, as a page would put it up for this state.

    Args:
        frames: the columns of each view in every frame; none if they come later.
    """
    use_bokeh()
    return [_picture(view, state, [columns[i] for columns in frames]) for i, view in enumerate(views)]


def _picture(view: View, state: Any, frames: Sequence[Columns]) -> Picture:
    figures: list[Plot] = []
    stage = Stage()
    stage.show(view, state, figures.append)
    root = hv.render(stage.pane.object, backend="bokeh")
    if view.automatic and frames:  # axes need a number: without one, BokehJS reports an error
        filled = next((columns for columns in reversed(frames) if _has_a_row(columns)), None)
        if filled is not None:
            stage.patch(filled)
        else:
            for figure in figures:
                figure.update(x_range=Range1d(start=0.1, end=1), y_range=Range1d(start=0.1, end=1))
    colours: dict[str, dict[str, list[str | None]]] = {}
    for figure in figures:
        for (model, light), (_, dark) in zip(frame_colours(figure, False), frame_colours(figure, True), strict=True):
            colours[model.id] = {name: [light[name], dark[name]] for name in light}
    data = {
        "item": json_item(root),
        "place": "wide" if view.wide else "leading" if view.leading else "",
        "shape": shape(view),
        "layers": {label: [source.id for source in sources] for label, sources in stage.sources.items()},
        "colours": colours,
    }
    scales = [scale for figure in figures for scale in (figure.x_scale, figure.y_scale)]
    return Picture(data, any(isinstance(scale, LogScale) for scale in scales))


def _has_a_row(columns: Columns) -> bool:
    """Return whether a layer has a row of finite numbers, or an image."""
    for named in columns.values():
        numbers = [each for each in named.values() if isinstance(each, np.ndarray) and each.dtype.kind in "fiu"]
        if not numbers or np.isfinite(numbers).all(0).any():
            return True
    return False


def declaration(title: str, fps: float, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Return the declaration of a recording, for JSON.

    Args:
        fps: frames per second, at which it plays first.
    """
    return {"title": title, "fps": fps, "pictures": [picture.data for picture in pictures]}
