"""The text box for a log-density. A formula that cannot be used stays in the box, with the reason below it."""

import html
from typing import Any

import panel as pn

from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.targets import from_formula
from labkit.targets.formula import LONGEST
from labkit.views.fields import WIDE


def field(run: ParticlesSettings) -> pn.Column:
    """Return the box of the formula of a run. It acts on Enter, or when it loses the focus."""
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
