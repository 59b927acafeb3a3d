"""Figures of a run for a paper: PNG, SVG or PDF, on light paper, with the settings in the file and in its name."""

import math
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from labkit.engine import Past
from labkit.experiments.links import chosen, values
from labkit.experiments.settings import Linkable
from labkit.paint.files import Target, save_pdf, save_png, save_svg
from labkit.views import save
from labkit.views.address import encode
from labkit.views.view import View, leading

TALL, WIDE = 540, 960  # pixels of one picture
PART = 640, 420  # pixels of each of several pictures
WRITERS = {".png": save_png, ".svg": save_svg, ".pdf": save_pdf}
_one = threading.Lock()  # a PNG of all pictures with four times the pixels takes half a gigabyte while it is made
SHORT, LONG = 24, 120  # characters in the name of a file: of one value, and of all


class Form(NamedTuple):
    """How a figure is made.

    Attributes:
        ending: one of `WRITERS`.
        scale: how many times the pixels in width and height a PNG has. An SVG or a PDF has no pixels.
        every: whether the figure has all pictures, not only the main one.
        size: width and height in pixels, before `scale`; None to fit the pictures.
        dark: whether the paper is dark.
    """

    ending: str = ".png"
    scale: int = 1
    every: bool = False
    size: tuple[int, int] | None = None
    dark: bool = False


def write(views: Sequence[View], past: Past[Any], position: int, target: Target, form: Form, about: dict) -> None:
    """Write one kept state as a figure.

    Args:
        views: all views of the run; those that are empty in this state are left out.
        position: a negative one counts from the newest state.
        about: what the file says about itself, as in `about`.

    Raises:
        ValueError: the figure is too small, or has too many pixels.
    """
    state = past.states[position]
    earlier = position % len(past.states)
    views = [view for view in views if not view.missing(state, earlier)] if form.every else leading(views)
    vector = form.ending != ".png"
    look = {"scale": 1 if vector else form.scale, "vector": vector, "dark": form.dark}
    past = save.cut(past, position)
    with _one:
        painter = save.painter(views, past, form.size or fitting(views), state, **look)
        columns = save.columns_at(views, past, -1)
        WRITERS[form.ending](painter.frame(columns), target, about)


def fitting(views: Sequence[View]) -> tuple[int, int]:
    """Return the size of a figure of these views, in pixels. Several are in a grid."""
    if len(views) == 1:
        aspect = 1 if views[0].plane else views[0].aspect or WIDE / TALL
        return round(min(WIDE, TALL * aspect)), round(min(TALL, WIDE / aspect))
    across = save.across(views)
    return PART[0] * across, PART[1] * math.ceil(len(views) / across)


def about(owners: Iterable[Linkable], title: str, step: int, described: str) -> dict[str, str]:
    """Return what a file says about itself: title, description, software, and all settings as in an address."""
    return {
        "Title": f"{title} at step {step}",
        "Description": described,
        "Software": f"labkit {version('labkit')}",
        "Settings": encode(values(owners)),
        "Step": str(step),
    }


def file_name(owners: Iterable[Linkable], title: str, step: int, ending: str) -> str:
    """Return a name for a figure: what it shows, the settings that differ from their defaults, and the step."""
    parts = [title, *_short(chosen(owners))]
    name = re.sub(r"[^a-z0-9.]+", "-", "-".join(parts).lower())[:LONG].strip("-.")
    return f"labkit-{name}-step-{step}{ending}"


def _short(settings: Mapping[str, Any]) -> list[str]:
    """Return the settings as "name-value". Long values, such as a density drawn by hand, are left out."""
    texts = {name: encode({name: value}).partition("=")[2] for name, value in settings.items()}
    return [f"{name}-{text}" for name, text in texts.items() if len(text) <= SHORT]
