"""Buttons that save a run: as an animation, a figure, a web page and tables."""

import html
import io
import threading
from collections.abc import Callable
from io import BufferedIOBase
from typing import Any

import panel as pn

from labkit.engine import Past
from labkit.views.live import Live
from labkit.views.view import View, leading

KINDS = {
    "gif": ("Save animation", "Save the run so far as a GIF animation of the main figure"),
    "png": ("Save figure", "Save the main figure at this step as a PNG image"),
    "html": (
        "Save web page",
        "Save all pictures of the run so far as one HTML file that plays in any browser, also offline",
    ),
    "curves": ("Save curves", "Save the numbers at every kept step as a CSV table"),
    "particles": ("Save particles", "Save the particles at this step as a CSV table"),
}
FILES = {
    "gif": ("labkit-run.gif", "image/gif"),
    "png": ("labkit-run.png", "image/png"),
    "html": ("labkit-run.html", "text/html"),
    "curves": ("labkit-curves.csv", "text/csv"),
    "particles": ("labkit-particles.csv", "text/csv"),
}

TableWriter = Callable[[Any, BufferedIOBase], None]  # writes the table of a state to an open file


class Downloads(pn.viewable.Viewer):
    """One button per kind of file. A thread makes the file from the kept states while the run continues.

    Args:
        kinds: names in `KINDS`. A web page can always be saved.
        particles: writes the table of a state's particles; None without such a button.
    """

    def __init__(
        self,
        live: Live,
        kinds: tuple[str, ...] = ("gif", "png", "curves"),
        particles: TableWriter | None = None,
        **params,
    ):
        super().__init__(**params)
        self.live, self._particles = live, particles
        self.kinds = (*kinds, "html", *(["particles"] if particles else []))
        self._words = pn.pane.HTML("", margin=(10, 8))

    def __panel__(self) -> pn.viewable.Viewable:
        buttons = pn.FlexBox(margin=(6, 4), styles={"order": "65"}, css_classes=["downloads"])
        for kind in self.kinds:
            name, words = KINDS[kind]
            button = pn.widgets.Button(label=name, description=words, margin=(4, 4))
            button.on_click(lambda _, kind=kind: self.save(kind))
            buttons.append(button)
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
        self._say(f"Preparing {FILES[kind][0]} …")
        arguments = (kind, list(live.views), past, live.run.position, live.dark, self._particles, live.status)
        threading.Thread(target=self._make, args=arguments, daemon=True).start()

    def _make(self, kind: str, *rest: Any) -> None:
        try:
            made = content(kind, *rest)
        except Exception as error:  # shown next to the buttons
            words = f"Could not make {FILES[kind][0]}: {error}"
            self.live.later(lambda: self._say(words))
            return
        self.live.later(lambda: self._hand(kind, made))

    def _hand(self, kind: str, made: bytes) -> None:
        name, mime = FILES[kind]
        self.live.remote.save(name, mime, made)
        self._say(f"Saved {name} ({len(made) / 1000:,.0f} kB)")

    def _say(self, words: str) -> None:
        self._words.object = html.escape(words)


def content(
    kind: str,
    views: list[View],
    past: Past,
    position: int,
    dark: bool,
    particles: TableWriter | None,
    status: Callable[[Any], str] | None = None,
) -> bytes:
    """Return a download as bytes. Pictures show the leading views, or the first view if there is no leading one.

    A web page shows all views.
    """
    from labkit.views import save  # imported late: few visitors save a picture

    shown, target = leading(views), io.BytesIO()
    if kind == "gif":
        save.gif(shown, past, target, dark=dark)
    elif kind == "png":
        save.png(shown, past, position, target, dark=dark)
    elif kind == "html":
        from labkit import recordings  # needs this package

        recordings.save_past(views, past, target, status=status)
    elif kind == "curves":
        save.curves_csv(past, target)
    else:
        particles(past.states[position], target)
    return target.getvalue()
