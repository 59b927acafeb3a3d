"""What a cell of a notebook keeps: the live view, and a picture that shows without a kernel.

Web sites that show notebooks run no scripts, and show this picture. The variable `LABKIT_CELLS` of a kernel's
environment changes what its cells keep:

    live        the live view and the picture; the default
    pictures    only the picture
    recordings  the picture, and the run as a recording that plays offline
"""

import base64
import html
import io
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import holoviews as hv
import panel as pn
import torch

from labkit.engine import Past
from labkit.experiments.settings import Linkable
from labkit.views import keep
from labkit.views.view import View, leading

CELLS = "LABKIT_CELLS"
KINDS = LIVE, PICTURES, RECORDINGS = "live", "pictures", "recordings"
STEPS = 100  # before the picture, of a view that was not played
WITHIN, LATEST = 0.1, 0.2  # seconds for these steps, and seconds to wait for them: a cell must not be slow
PATIENT = 60.0  # the same where no reader waits
FRAMES = 240  # steps of a recording
SIZE = 640, 360  # pixels
SIDES = ("left", "right"), ("top", "bottom")
FRAME, MARGIN = 300, (110, 80)  # pixels of a plot without a size, and of its axes and labels


class Kept(NamedTuple):
    """A picture as PNG, and its description; "" if there is none."""

    png: bytes
    words: str


class Cell(pn.viewable.Viewer):
    """What a cell shows, and what its output keeps."""

    def kept(self) -> Kept:
        """Return the picture that the output keeps."""
        raise NotImplementedError(f"{type(self).__name__} must define kept()")

    def recording(self) -> str:
        """Return an HTML page that plays the run; "" if there is no run."""
        return ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """Return the output by type, for IPython."""
        if cells() != LIVE:
            return self._without_a_kernel()
        shown = super()._repr_mimebundle_(include, exclude)
        if not isinstance(shown, tuple) or pn.config.comms == "vscode":  # nothing, or a separate view
            return shown
        try:
            return _with_picture(*shown, self.kept())
        except Exception:  # the live view matters more, and shows its own errors
            return shown

    def _without_a_kernel(self) -> Any:
        page, data = self.recording() if cells() == RECORDINGS else "", {}
        if page:
            data["text/html"] = (
                f'<iframe title="A recording that plays" srcdoc="{html.escape(page)}" loading="lazy" '
                'style="width: 100%; height: 640px; border: 0"></iframe>'
            )
        return _with_picture(data, {}, self.kept())


def cells() -> str:
    """Return what the cells of this kernel keep, one of `KINDS`."""
    return os.environ.get(CELLS, LIVE)


def _with_picture(data: dict[str, Any], about: dict[str, Any], kept: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    picture = {"image/png": base64.b64encode(kept.png).decode()}
    if not kept.words:
        return data | picture, about
    return data | picture | {"text/plain": kept.words}, about | {"image/png": {"alt": kept.words}}


class LiveCell(Cell):
    """What a cell shows of a run.

    Attributes:
        live: the `labkit.views.live.Live` that is shown.
        ahead: steps before the picture of a view that was not played.
    """

    live: Any
    ahead: int = STEPS

    def kept(self) -> Kept:
        """Return the picture of the run: where it is, or some steps ahead if it was not played."""
        from labkit.views import save  # imported late: a page needs no painter

        live, target = self.live, io.BytesIO()
        past, position = ahead(live, self.ahead)
        shown = leading(live.views)
        save.png(shown, past, position, target, size=SIZE, status=live.status)
        return Kept(target.getvalue(), words(shown, save.cut(past, position), live.status(past.states[position])))

    def save(
        self,
        path: str | Path,
        *,
        steps: int = STEPS,
        size: tuple[int, int] | None = None,
        dark: bool = False,
        fps: float = 20,
        scale: int = 1,
        panels: str = keep.MAIN,
    ) -> None:
        """Write the run to a file; the end of its name chooses the kind.

            live.save("run.gif")      # an animation of the main picture
            live.save("run.html")     # all pictures as a web page that plays offline
            live.save("run.svg")      # a figure: the main picture at the step that is shown; also .pdf and .png
            live.save("run.csv")      # the numbers of the curves, a row for every kept step

        Args:
            path: a path that ends in .gif, .html, .svg, .pdf, .png or .csv.
            steps: number of steps in the file, if the run was not played; the live view stays where it is.
            size: width and height in pixels of an animation or a figure; None to fit its pictures.
            dark: paint animations and figures on dark paper.
            fps: frames per second.
            scale: factor for the number of pixels in width and in height of a PNG, 1 to 4.
            panels: the pictures of a figure, "main" or "all".

        Raises:
            ValueError: the path has another end, or an argument has a value that does not exist.
            RuntimeError: the run could not start.
            OSError: the file cannot be written.
            Exception: what a step raised; there is no file then.

        Warns:
            UserWarning: the file has fewer steps, because they took longer than a minute.
        """
        look = keep.Look(size, dark, fps, scale, panels)
        target = keep.checked(path, look)
        past, position = ahead(self.live, steps, PATIENT)
        if position < 0 and past.marks[-1] < steps:
            warnings.warn(
                f"{target.name} has {past.marks[-1]} of {steps} steps: they take longer than {PATIENT:.0f} seconds; "
                "play the view to the step that you want, then save it",
                stacklevel=2,
            )
        keep.write(self, past, position, target, look)

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """What has the settings of the run, for names and texts of files."""
        return ()

    @property
    def title(self) -> str:
        """What the run is called in names and texts of files."""
        return type(self).__name__.removesuffix("Scene")

    def about(self, past: Past[Any], position: int) -> dict[str, str]:
        """Return what the file of a figure says about itself."""
        from labkit.views import figures, save  # imported late, as above

        live, state = self.live, past.states[position]
        described = words(leading(live.views), save.cut(past, position), live.status(state))
        return figures.about(self.owners, self.title, past.marks[position], described)

    def recording(self) -> str:
        """Return an HTML page that plays the run, or its first steps if it was not played."""
        from labkit import recordings  # needs this package

        live, target = self.live, io.BytesIO()
        recordings.save_past(live.views, ahead(live, FRAMES)[0], target, title="", status=live.status)
        return target.getvalue().decode()


class Figure(Cell):
    """A picture of HoloViews that does not move.

    Args:
        picture: an element, an Overlay or a Layout of them.
    """

    def __init__(self, picture: Any, **params: Any):
        super().__init__(**params)
        self.picture = picture

    def kept(self) -> Kept:
        """Return the picture as PNG."""
        from labkit.paint import paint, save_png  # imported late, as above

        target = io.BytesIO()
        save_png(paint(self.picture, size=_size(self.picture)), target)
        return Kept(target.getvalue(), "")

    def __panel__(self) -> pn.viewable.Viewable:
        from labkit.views.ink import inked  # imported late, as above

        return inked(self.picture)


def _size(picture: Any) -> tuple[int, int]:
    from labkit.paint import Painter  # imported late, as above
    from labkit.paint.source import declared

    rows, columns, part = 1, 1, picture
    if isinstance(picture, hv.Layout):
        (rows, columns), part = picture.shape, picture.values()[0]
    look = declared(part)
    wide, high = (look.get(name) or FRAME for name in ("frame_width", "frame_height"))
    size = columns * (wide + MARGIN[0]), rows * (high + MARGIN[1])
    beside = [panel.beside for panel in Painter(picture, size).panels]  # legends outside the plots add to the size
    across, down = (max(sum(each.get(side, 0) for side in sides) for each in beside) for sides in SIDES)
    return size[0] + columns * across, size[1] + rows * down


def words(views: list[View], past: Past[Any], status: str) -> str:
    """Return what the views say about the newest state of a past; if they say nothing, its step and its status."""
    sentences = filter(None, (view.describe(past.states[-1], past) for view in views))
    return " ".join(sentences) or f"The run at step {past.marks[-1]}" + (f": {status}" if status else "")


def ahead(live: Any, steps: int, patience: float | None = None) -> tuple[Past[Any], int]:
    """Return the past of a live view and its position in it.

    A view that was not played stays as it is, and its past gets the next steps, which are not shown. These stop early
    if they take long. Then `start` is called again, so that the random numbers of the run begin again.

    Args:
        patience: seconds for the steps. By default few, because a cell must not be slow, and a step that fails gives
            the past without the next steps.

    Raises:
        Exception: with `patience`, what a step raised.
    """
    within, latest = (WITHIN, LATEST) if cells() == LIVE else (PATIENT, PATIENT)
    run, within, latest = live.run, patience or within, 2 * patience if patience else latest

    def look(past: Past[Any]) -> Past[Any]:
        found, end = past.copy(), time.monotonic() + within
        found.record, found.limit = run.record, sys.maxsize
        with torch.random.fork_rng(devices=[]):
            try:
                for _ in range(steps):
                    found.add(run.step(found.states[-1]))
                    if time.monotonic() > end:
                        break
            finally:
                run.start()
        return found

    past = run.past(lambda past: past.copy())
    if len(past.states) > 1:
        return past, run.position
    try:
        return run.past(look, latest), -1
    except Exception:  # a step takes long or fails
        if patience:
            raise
        return past, -1  # when the view is played, it says why
