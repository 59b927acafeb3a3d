"""The bound of a network during training, and its two terms, against steps."""

from collections.abc import Callable

import holoviews as hv
from torch import Tensor

from labkit import course
from labkit.experiments.draw.learn import HELD_OUT, Learned
from labkit.past import Past
from labkit.views import spans
from labkit.views.palette import CHOSEN, DRIVE, PAST, REPULSION
from labkit.views.spans import RANGE
from labkit.views.stage import ABOVE
from labkit.views.view import NO_CURVE, Columns, View
from labkit.words import listed

Column = Callable[[Learned], tuple[Tensor, int]]  # a table of a state, and the number of a column


class TrainingCurves(View):
    """Nats against steps: means over intervals of steps, with bands from minimum to maximum.

    The axis is logarithmic, so that a learning rate that is too high stays visible.

    Args:
        title: title of the picture.
        curves: name -> colour, line width, and a function: state -> a table of `labkit.course` and a column.
    """

    automatic = True

    def __init__(self, title: str, curves: dict[str, tuple[str, float, Column]]):
        self.title, self.curves = title, curves

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
            **ABOVE,
        )  # fmt: skip

    def missing(self, state: Learned, earlier: int) -> str:
        tables = (of(state)[0] for *_, of in self.curves.values())
        return "" if any(len(table) > 1 for table in tables) else NO_CURVE

    def describe(self, state: Learned, past: Past | None = None) -> str:
        tables = ((name, *of(state)) for name, (*_, of) in self.curves.items())
        now = listed(f"{name} {float(table[-1, column]):.2f}" for name, table, column in tables if len(table))
        return f"{self.title} at step {state.t}, in nats: {now or 'nothing yet'}."

    def columns(self, state: Learned, past: Past | None = None) -> Columns:
        found: dict[str, dict] = {}
        for name, (*_, of) in self.curves.items():
            table, column = of(state)
            found |= spans.curve(name, table[:, 0].numpy(), course.drawn_of(table, column), log=True)
        return found


def bound_curves() -> TrainingCurves:
    """Return the curves of the bound: each step's batch, and held-out images."""
    batch = PAST, 1.0, lambda state: (state.batches, 1)
    tests = DRIVE, 3.0, lambda state: (state.tests, 1)
    return TrainingCurves("Bound (lower is better)", {"training batch": batch, f"{HELD_OUT} test images": tests})


def bound_terms() -> TrainingCurves:
    """Return the curves of the two terms of the batch's bound."""
    image = CHOSEN, 1.5, lambda state: (state.batches, 2)
    latents = REPULSION, 1.5, lambda state: (state.batches, 3)
    return TrainingCurves("Parts of the bound, training", {"reconstruction cost Lx": image, "latent cost Lz": latents})
