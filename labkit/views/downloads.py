"""Buttons that save a run: as an animation, a figure, a recording and tables."""

import html
import io
import threading
from collections.abc import Callable
from functools import partial
from io import BufferedIOBase
from typing import Any

import panel as pn

from labkit.engine import Past
from labkit.views.keep import SCALES
from labkit.views.still import LiveCell
from labkit.views.view import View, leading

KINDS = {
    "gif": ("Save GIF", "One GIF file that shows the main figure at each kept step so far"),
    "png": ("Save figure", "Save the figure at this step as a picture, in the format that is chosen next to it"),
    "html": ("Save recording", "One HTML file that plays this run so far in any browser, without labkit or internet"),
    "curves": ("Save curves", "A CSV table of the numbers of the curves, with a row for each kept step"),
    "particles": ("Save particles", "A CSV table of the particles at this step"),
}
FILES = {
    "gif": ("labkit-run.gif", "image/gif"),
    "html": ("labkit-run.html", "text/html"),
    "curves": ("labkit-curves.csv", "text/csv"),
    "particles": ("labkit-particles.csv", "text/csv"),
}
FORMATS = {
    **{f"PNG, {scale}x the pixels" if scale > 1 else "PNG": (".png", scale) for scale in SCALES},
    "SVG": (".svg", 1),
    "PDF": (".pdf", 1),
}
MIMES = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}
AS, OF = "Figure as", "Figure of"
TIPS = {
    AS: "The format of Save figure: PNG has pixels, SVG and PDF have shapes and text for a paper",
    OF: "What Save figure shows: the main picture, or all pictures of the page",
}
MAIN, ALL = "Main picture", "All pictures"

TableWriter = Callable[[Any, BufferedIOBase], None]  # writes the table of a state to an open file
Made = tuple[str, str, bytes]  # name, media type and content of a file


class Downloads(pn.viewable.Viewer):
    """One button per kind of file. A thread makes the file from the kept states while the run continues.

    Args:
        cell: what shows the run.
        kinds: names in `KINDS`. A recording can always be saved.
        particles: writes the table of a state's particles; None without such a button.
    """

    def __init__(
        self,
        cell: LiveCell,
        kinds: tuple[str, ...] = ("gif", "png", "curves"),
        particles: TableWriter | None = None,
        **params,
    ):
        super().__init__(**params)
        self.cell, self.live, self._particles = cell, cell.live, particles
        self.kinds = (*kinds, "html", *(["particles"] if particles else []))
        self._words = pn.pane.HTML("", margin=(10, 8))
        look = {"width": 150, "margin": (4, 4)}
        self.format = pn.widgets.Select(label=AS, options=[*FORMATS], **look)
        self.live.remote.tips = self.live.remote.tips | TIPS
        self.pictures = pn.widgets.Select(label=OF, options=[MAIN, ALL], **look)

    def __panel__(self) -> pn.viewable.Viewable:
        buttons = pn.FlexBox(margin=(6, 4), align_items="end", styles={"order": "65"}, css_classes=["downloads"])
        for kind in self.kinds:
            name, words = KINDS[kind]
            button = pn.widgets.Button(label=name, description=words, margin=(4, 4))
            button.on_click(lambda _, kind=kind: self.save(kind))
            buttons.append(button)
            if kind == "png":
                buttons.extend([self.format, self.pictures] if len(self.live.views) > 1 else [self.format])
        buttons.append(self._words)
        return buttons

    def save(self, kind: str) -> None:
        """Make a file and send it to the browser."""
        live = self.live
        try:
            past = live.run.past(lambda past: past.copy())
        except RuntimeError as error:
            self._say(f"Nothing can be saved: {error}")
            return
        self._say("Preparing the file …")
        if kind == "png":
            ending, scale = FORMATS[self.format.value]
            every = self.pictures.value == ALL
            make = partial(figure, self.cell, list(live.views), past, live.run.position, ending, scale, every)
        else:
            arguments = (list(live.views), past, live.run.position, live.dark, self._particles, live.status)
            make = partial(file_of, kind, *arguments)
        threading.Thread(target=self._make, args=(make,), daemon=True).start()

    def _make(self, make: Callable[[], Made]) -> None:
        try:
            made = make()
        except Exception as error:  # shown next to the buttons
            words = f"Could not make the file: {error}"
            self.live.later(lambda: self._say(words))
            return
        self.live.later(lambda: self._hand(*made))

    def _hand(self, name: str, mime: str, made: bytes) -> None:
        self.live.remote.save(name, mime, made)
        self._say(f"Saved {name} ({len(made) / 1000:,.0f} kB)")

    def _say(self, words: str) -> None:
        self._words.object = html.escape(words)


def figure(cell: LiveCell, views: list[View], past: Past, position: int, ending: str, scale: int, every: bool) -> Made:
    """Return a figure as a file."""
    from labkit.views import figures  # imported late: few visitors save a picture

    target = io.BytesIO()
    figures.write(views, past, position, target, figures.Form(ending, scale, every), cell.about(past, position))
    name = figures.file_name(cell.owners, cell.title, past.marks[position], ending)
    return name, MIMES[ending], target.getvalue()


def file_of(kind: str, *arguments: Any) -> Made:
    """Return another download as a file; the arguments are passed to `content`."""
    return *FILES[kind], content(kind, *arguments)


def content(
    kind: str,
    views: list[View],
    past: Past,
    position: int,
    dark: bool,
    particles: TableWriter | None,
    status: Callable[[Any], str] | None = None,
) -> bytes:
    """Return a download as bytes. An animation shows the leading views, or the first one if there is no leading one.

    A recording shows all views.
    """
    target = io.BytesIO()
    if kind == "gif":
        from labkit.views import save  # imported late, as above

        save.gif(leading(views), past, target, dark=dark)
    elif kind == "html":
        from labkit import recordings  # needs this package

        recordings.save_past(views, past, target, status=status)
    elif kind == "curves":
        from labkit.views import save

        save.curves_csv(past, target)
    elif particles:
        particles(past.states[position], target)
    return target.getvalue()
