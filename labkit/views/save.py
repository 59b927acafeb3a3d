"""A run in files: an animation, a figure, and the table of its curves, for `Live`'s downloads and the command line.

All functions take an `engine.Past`, or a `cut` of one: a light copy that another thread may read while the run
continues. A target is a path or an open binary file. A file at a path is written completely or not at all.
"""

from collections.abc import Callable, Iterator
from itertools import repeat
from numbers import Real
from typing import Any

import holoviews as hv
import numpy as np
from PIL import Image

from labkit.engine import Past
from labkit.paint import Painter, save_gif, save_png
from labkit.paint.axes import DARK, LIGHT, unit_of
from labkit.paint.files import Target, save_table
from labkit.paint.words import write
from labkit.stream import steps_of
from labkit.views.backend import use_bokeh
from labkit.views.view import View, checked, columns_of

HEAD = 30  # pixels at 960 x 540 for the line with the step counter
LINGER = 1.0  # seconds for which an animation shows its last frame
SAMPLE = 5  # number of states whose columns set the limits that a view leaves open


def cut(past: Past, position: int = -1) -> Past:
    """Return a light copy of a past as it was when the state at a position was the newest."""
    end = range(len(past.states))[position] + 1
    marks = past.marks[:end]
    pinned = {mark: state for mark, state in past.pinned.items() if mark <= marks[-1]}
    rows = past.rows.upto(end)
    parts = rows.upto(-1), rows.since(-1)
    return Past(None, past.states[:end], marks, pinned, past.names, *parts, past.stride)


def thinned(past: Past, most: int = 90) -> list[int]:
    """Return positions of at most `most` kept states, evenly spaced, including the last one.

    Raises:
        ValueError: `most` is below two.
    """
    if most < 2:
        raise ValueError(f"most must be at least 2 frames, got {most}")
    last = len(past.states) - 1
    stride = max(1, -(-last // (most - 1)))
    return [*range(0, last, stride), last]


class _Page:
    """The views of a run, painted in a grid below a line with the step counter."""

    def __init__(
        self,
        views: list[View],
        past: Past,
        size: tuple[int, int],
        dark: bool,
        status: Callable | None,
        still: Any = None,
    ):
        self.views, self.past, self.status = views, past, status
        self.theme, self.unit = DARK if dark else LIGHT, unit_of(size)
        self.paper, self.head = self.theme.blank(size), round(HEAD * self.unit)
        self.painter = painter(views, past, (size[0], size[1] - self.head), still, dark=dark)

    def frame(self, position: int) -> Image.Image:
        image, state = self.paper.copy(), self.past.states[position]
        steps = steps_of(state)  # a step of a lesson may begin in the middle of a run, where the first mark is 0
        words = f"step {self.past.marks[position] if steps is None else steps}"
        words += f"   {self.status(state)}" if self.status else ""
        write(image, (16 * self.unit, 0.6 * self.head), words, 17 * self.unit, self.theme.ink, "lm")
        image.paste(self.painter.frame(columns_at(self.views, self.past, position)), (0, self.head))
        return image


def columns_at(views: list[View], past: Past, position: int) -> list[dict]:
    """Return the columns of each view at a position of the past. Views that follow the run do not see later states."""
    return columns_of(views, past.states[position], cut(past, position))


def painter(views: list[View], past: Past, size: tuple[int, int], still: Any = None, **look: Any) -> Painter:
    """Return what paints these views in a grid. Open limits fit the whole past.

    Args:
        still: the only state that is painted; None if there are several.
        look: arguments of `Painter`.
    """
    use_bokeh()
    pictures = [opened(view, view.picture(past.states[0])) for view in views]
    if still is not None:
        pictures = [view.still(picture, still) for view, picture in zip(views, pictures, strict=True)]
    grid = pictures[0] if len(views) == 1 else hv.Layout(pictures).cols(across(views))
    made = Painter(grid, size, **look)
    made.fit(*(columns_at(views, past, i) for i in thinned(past, SAMPLE)))
    return made


def across(views: list[View]) -> int:
    """Return the number of columns of the grid."""
    return int(np.ceil(len(views) ** 0.5))


def opened(view: View, picture: Any) -> Any:
    """Return the picture, with open limits if its axes follow the data, and with the aspect of an image."""
    if view.aspect:
        picture = picture.opts(aspect=view.aspect)
    return picture.opts(xlim=(None, None), ylim=(None, None)) if view.automatic else picture


def frames(
    views: Any,
    past: Past,
    *,
    size: tuple[int, int] = (960, 540),
    dark: bool = False,
    most: int = 90,
    status: Callable[[Any], str] | None = None,
) -> Iterator[Image.Image]:
    """Yield the kept states of a run as pictures in order, at the positions of `thinned(past, most)`.

    Axes whose limits a view leaves open contain the whole run from the first frame.

    Args:
        views: one view, or several that are painted in a grid.
        size: width and height in pixels, of all views together.
        most: maximum number of frames.
        status: returns a few words about a state, for the line with the step counter.
    """
    page = _Page(checked(views), past, size, dark, status)
    return (page.frame(position) for position in thinned(past, most))


def gif(
    views: Any,
    past: Past,
    target: Target,
    *,
    fps: Real = 20,
    track: Callable[[Iterator], Iterator] = iter,
    **look: Any,
) -> None:
    """Write the run as an endless animation that pauses for a second at its end.

    Args:
        fps: frames per second, .1 to 50.
        track: wraps the frames, for a progress bar.
        look: arguments of `frames`.
    """

    def resting(images: Iterator[Image.Image]) -> Iterator[Image.Image]:
        for image in images:
            yield image
        yield from repeat(image, round(LINGER * fps))

    save_gif(resting(track(frames(views, past, **look))), target, fps=fps)


def png(
    views: Any,
    past: Past,
    position: int,
    target: Target,
    *,
    size: tuple[int, int] = (960, 540),
    dark: bool = False,
    status: Callable[[Any], str] | None = None,
) -> None:
    """Write one kept state as a picture. A negative position counts from the newest."""
    page = _Page(checked(views), cut(past, position), size, dark, status, past.states[position])
    save_png(page.frame(-1), target)


def curves_csv(past: Past, target: Target) -> None:
    """Write `past.whole_table()` to a path or an open binary file."""
    save_table(*past.whole_table(), target)
