"""A run as one HTML file that plays without a server and without a network.

The file holds BokehJS, the pictures and up to 400 frames, all compressed. Numbers in it are rounded where no eye can
see it. A column keeps 65,535 levels between its smallest and its largest value in the recording, so a point is off
by less than a hundredth of a pixel. In a picture with a logarithmic axis the levels are even in the logarithm. A column
keeps all its digits (as float32) if one far value would make its levels coarse, and on logarithmic axes if it has
numbers that are not positive. Images and texts are exact.
"""

import base64
import gzip
import html
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.resources import Resources

from labkit.paint.files import Target, write_whole
from labkit.past import Past
from labkit.recordings.columns import Column, encode, quantised
from labkit.recordings.declaration import declaration, pictures
from labkit.recordings.frames import Columns, Frame, Packer, block, json_bytes, layers_of
from labkit.views.live import Live
from labkit.views.save import cut, thinned
from labkit.views.stage import FITTING
from labkit.views.view import View, checked, columns_of, row_of

SCRIPTS = [*FITTING, Path(__file__).with_name("player.js")]
FPS = 20  # frames per second, at first
MOST = 400  # frames
FAR = 100  # times the range of the middle 98 %: a column with a wider range is not rounded

Status = Callable[[Any], str]


def player() -> str:
    """Return the script that draws frames in a browser."""
    return "".join(script.read_text(encoding="utf-8") for script in SCRIPTS)


def save(live: Live, target: Target, *, title: str = "labkit", fps: float = FPS) -> None:
    """Write what a live view has kept of its run as an HTML file that plays anywhere, also offline.

    Args:
        target: a path that ends in .html, or an open binary file.
        title: of the page.
        fps: frames per second, at first.

    Raises:
        RuntimeError: the run could not start.
        ValueError: the path does not end in .html.
        OSError: the file cannot be written.
    """
    past = live.run.past(lambda past: past.copy())
    save_past(live.views, past, target, title=title, fps=fps, status=live.status)


def save_states(views: View | Sequence[View], states: Iterable[Any], target: Target, **look: Any) -> None:
    """Write states as an HTML file that plays them; curves follow the numbers that the views record.

    Args:
        views: one view, or several.
        states: in their order; of more than 400 a part is kept.
        look: as in `save_past`.
    """
    found = checked(views)
    past = Past[Any](lambda state: row_of(found, state), limit=sys.maxsize)
    for state in states:
        past.add(state)
    save_past(found, past, target, **look)


def save_past(
    views: View | Sequence[View],
    past: Past[Any],
    target: Target,
    *,
    title: str = "labkit",
    fps: float = FPS,
    most: int = MOST,
    status: Status | None = None,
    track: Callable[[Iterator[Frame]], Iterator[Frame]] = iter,
) -> None:
    """Write the kept states of a run as an HTML file that plays them.

    Args:
        views: one view, or several.
        target: a path that ends in .html, or an open binary file.
        title: of the page.
        fps: frames per second, at first.
        most: frames at most.
        status: state -> a few words after the step counter.
        track: wraps the frames, for a progress bar.

    Raises:
        ValueError: the path does not end in .html, or there are no states.
        OSError: the file cannot be written.
    """
    if not past.states:
        raise ValueError("there is no state to show; add at least one")
    shown = checked(views)
    frames = list(track(_frames(shown, past, most, status or (lambda state: ""))))
    declared = pictures(shown, past.states[0], [frame.columns for frame in frames])
    packer = Packer()
    messages = [packer.pack(frame) for frame in rounded(frames, [picture.logarithmic for picture in declared])]
    head = json_bytes(declaration(title, fps, declared))
    text = page(title, b"".join(map(block, (head, *messages))))

    def fill(file: BufferedIOBase) -> None:
        file.write(text.encode())

    write_whole(target, ".html", fill)


def count(past: Past[Any], most: int = MOST) -> int:
    """Return how many frames a file of this past has, for a progress bar."""
    return len(thinned(past, most))


def _frames(views: list[View], past: Past[Any], most: int, status: Status) -> Iterator[Frame]:
    for number, position in enumerate(thinned(past, most)):
        state, upto = past.states[position], cut(past, position)
        columns = columns_of(views, state, upto)
        words = " ".join(filter(None, (view.describe(state, upto) for view in views)))
        yield Frame(number, past.marks[position], status(state), words, columns)


def rounded(frames: Sequence[Frame], logarithmic: Sequence[bool]) -> list[Frame]:
    """Return frames whose numbers are levels of their columns.

    Args:
        logarithmic: whether each picture has a logarithmic axis.
    """
    found: dict[tuple[int, str, str], list[np.ndarray[Any, Any]]] = {}
    for frame in frames:
        for place, values in _floats(frame.columns):
            found.setdefault(place, []).append(values)
    roundings = {place: _rounding(np.concatenate(parts), logarithmic[place[0]]) for place, parts in found.items()}

    def column(picture: int, layer: str, name: str, values: Any) -> Column:
        rounding = roundings.get((picture, layer, name))
        return encode(values) if rounding is None else quantised(np.asarray(values), *rounding)

    def all_of(columns: Sequence[Columns]) -> list[Columns]:
        return [
            {layer: {n: column(i, layer, n, v) for n, v in named.items()} for layer, named in layers.items()}
            for i, layers in enumerate(columns)
        ]

    return [Frame(f.number, f.step, f.status, f.sentence, all_of(f.columns)) for f in frames]


def _floats(columns: Sequence[Columns]) -> Iterator[tuple[tuple[int, str, str], np.ndarray[Any, Any]]]:
    for place, named in layers_of(columns):
        for name, values in named.items():
            if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.ndim == 1:
                yield (*place, name), values


def _rounding(values: np.ndarray[Any, Any], logarithmic: bool) -> tuple[float, float, bool] | None:
    """Return the limits of a column's levels and whether they are logarithmic; None where rounding would show."""
    numbers = values[~np.isnan(values)].astype(np.float64)
    if not len(numbers) or not np.isfinite(numbers).all():
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if logarithmic:
        return (low, high, True) if low > 0 else None
    first, last = np.quantile(numbers, [0.01, 0.99])
    return (low, high, False) if high - low <= FAR * (last - first) else None


def page(title: str, blocks: bytes) -> str:
    """Return the HTML of a player with a recording in it.

    Args:
        blocks: the declaration and the messages of the frames, each after its length.
    """
    parts = {
        "{{ title }}": html.escape(title),
        "{{ bokeh }}": _compressed("\n".join(Resources(mode="inline", components=["bokeh"]).js_raw).encode()),
        "{{ recording }}": _compressed(blocks),
        "{{ player }}": player(),
    }
    text = Path(__file__).with_name("player.html").read_text(encoding="utf-8")
    return re.sub(
        "|".join(map(re.escape, parts)), lambda found: parts[found[0]], text
    )  # once: a title may look like a mark


def _compressed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
