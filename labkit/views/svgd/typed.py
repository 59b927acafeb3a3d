"""The text box for a log-density, and the square in which a density is drawn."""

import html
from typing import Any

import numpy as np
import panel as pn
import torch

from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.targets import drawn, from_formula
from labkit.targets.formula import LONGEST
from labkit.views.fields import WIDE
from labkit.views.pad import Pad


def field(run: ParticlesSettings) -> pn.Column:
    """Return the box of the formula of a run. It acts on Enter, or when it loses the focus.

    A formula that cannot be used stays in the box, with the reason below it.
    """
    p = run.param.formula
    box = pn.widgets.TextInput(label=p.label, value=run.formula, max_length=2 * LONGEST, **WIDE)
    reason = pn.pane.HTML("", visible=False, margin=(0, 8), styles={"font-size": "14px"})

    def take(event: Any) -> None:
        try:
            from_formula(event.new)
        except ValueError as error:
            reason.param.update(object=html.escape(f"Not used: {error}"), visible=True)
            return
        reason.visible = False
        run.formula = event.new

    box.param.watch(take, "value")
    run.param.watch(lambda event: box.param.update(value=event.new), "formula")
    return pn.Column(box, reason, margin=0, sizing_mode="stretch_width")


def square(run: ParticlesSettings) -> pn.Column:
    """Return a square that shows the density of a run, which changes while the visitor draws."""
    mine = ""  # the last drawing that was made here, and that the square already shows

    def take(ink: np.ndarray) -> None:
        nonlocal mine
        levels = torch.from_numpy(np.rint(drawn.LEVELS * ink).astype(np.uint8))
        if levels.any():
            mine = drawn.encoded(levels)
            run.drawing = mine

    def show(*_events: Any) -> None:
        if run.drawing != mine:
            pad.show(drawn.decoded(run.drawing).numpy() / drawn.LEVELS)

    words = f"Draw a density here: the square is the plane from &minus;{drawn.HALF:g} to {drawn.HALF:g}"
    pad = Pad(take, side=drawn.SIDE, words=words.replace("&minus;", "-"), margin=(4, 10))
    run.param.watch(show, "drawing")
    show()
    clear = pn.widgets.Button(label="Clear", description="Clear the square, to draw another density", margin=(4, 8))
    clear.on_click(lambda _: pad.clear())
    return pn.Column(pn.pane.HTML(words, margin=(4, 10, 0, 10)), pad, clear, margin=0, sizing_mode="stretch_width")
