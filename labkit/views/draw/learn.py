"""The tab where a network learns: the same samples get better while the bound falls."""

from collections.abc import Callable

import holoviews as hv
import numpy as np
from torch import Tensor

from labkit import course
from labkit.data import load
from labkit.draw import DRAW, Config
from labkit.past import Past
from labkit.views import fields, spans
from labkit.views.draw import mosaic
from labkit.views.draw.drawing import Drawing
from labkit.views.draw.learning import HELD, REBUILT, SAMPLES, Learned, Learner
from labkit.views.draw.scenes import OfNetwork
from labkit.views.draw.sheet import Film, Sheet
from labkit.views.palette import CHOSEN, DRIVE, PAST, REPULSION
from labkit.views.spans import RANGE
from labkit.views.view import Columns, Part, View

Column = Callable[[Learned], tuple[Tensor, int]]  # a table of a state, and which of its columns


class Progress(View):
    """Nats against steps, means with bands from the least to the greatest of the steps between.

    The axis is logarithmic, so that a rate that is too high stays on it.

    Args:
        title: above the picture.
        curves: name -> colour, width of the line, and state -> a table of `labkit.course` and a column of it.
        legend: where it is least in the way, in Bokeh's words.
    """

    automatic = True

    def __init__(self, title: str, curves: dict[str, tuple[str, float, Column]], legend: str):
        self.title, self.curves, self.legend = title, curves, legend

    @property
    def declaration(self) -> tuple:
        return self.title, tuple(self.curves)

    def picture(self, state: Learned) -> hv.Overlay:
        columns = self.columns(state)
        bands = [spans.band(name + RANGE, color) for name, (color, *_) in self.curves.items()]
        lines = [
            hv.Curve((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(color=color, line_width=width)
            for name, (color, width, _) in self.curves.items()
        ]
        return hv.Overlay([*bands, *lines]).opts(
            title=self.title, xlabel="step", ylabel="nats", logy=True, xlim=(0, 1), ylim=(1, 100),
            legend_opts={"location": self.legend},
        )  # fmt: skip

    def columns(self, state: Learned, past: Past | None = None) -> Columns:
        found: dict[str, dict] = {}
        for name, (*_, of) in self.curves.items():
            table, column = of(state)
            found |= spans.curve(name, table[:, 0].numpy(), course.drawn_of(table, column), log=True)
        return found


class Strokes(Film):
    """The film of a drawing that is done: no picture of it is meant more than another."""

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return super().columns(state) | {"now": mosaic.no_boxes()}


class Rebuilt(View):
    """Images that were read, and under each what was drawn of it."""

    wide = True

    def __init__(self, config: Config, n: int):
        self.config, self.n = config, n

    @property
    def declaration(self) -> tuple:
        return self.config, self.n

    @property
    def aspect(self) -> float:
        """Width of the picture over its height."""
        return mosaic.aspect(2, self.n, self.config.height, self.config.width)

    def picture(self, state: Drawing) -> hv.Overlay:
        return hv.Overlay([mosaic.picture(self._tiles(state), "rebuilt")]).opts(show_legend=False, title="")

    def columns(self, state: Drawing, past: Past | None = None) -> Columns:
        return {"rebuilt": {"image": [mosaic.packed(self._tiles(state))]}}

    def _tiles(self, state: Drawing) -> np.ndarray:
        both = [x.numpy(force=True) for x in (state.image, state.canvas(state.shown))]
        return mosaic.tiles(np.concatenate(both), self.n, ground=128)


def bound() -> Progress:
    """The bound of each step's batch, and of the images that no step has seen."""
    batch = PAST, 1.0, lambda state: (state.batches, 1)
    tests = DRIVE, 3.0, lambda state: (state.tests, 1)
    return Progress("Bound", {"of the batch": batch, f"of {HELD} test images": tests}, "top_right")


def halves() -> Progress:
    """The two halves of the batch's bound."""
    image = CHOSEN, 1.5, lambda state: (state.batches, 2)
    latents = REPULSION, 1.5, lambda state: (state.batches, 3)
    return Progress("Its halves, of the batch", {"Lx, the image": image, "Lz, the latents": latents}, "center_right")


class Learn(OfNetwork):
    """A network that learns while one looks on."""

    network = "draw-digits"
    running = ("lr", "batch")
    speed = 30
    words = (
        "A small network learns to draw 8 x 8 digits, here and now. Its samples come from random numbers that stay the "
        "same: what changes is the network. Below: its strokes on the first of them; then test digits that it reads, "
        "and under each what it draws. Move the learning rate while it learns, until it breaks."
    )

    def __init__(self, model: DRAW, **params):
        train, test = (load("digits", split)[0] for split in ("train", "test"))
        super().__init__(Learner(model, train, test, **params))

    def views(self) -> list:
        config = self.settings.model.config
        samples, rebuilt = (lambda state: state.samples), (lambda state: state.rebuilt)
        return [
            Part(Sheet(config, SAMPLES), samples), bound(), halves(), Part(Strokes(config), samples),
            Part(Rebuilt(config, REBUILT), rebuilt),
        ]  # fmt: skip

    def controls(self) -> list:
        s = self.settings
        rate = fields.log_slider(s, "lr", 1e-5, 1.0)
        return [fields.choice(s, "begin"), rate, fields.number(s, "batch"), fields.number(s, "seed")]
