"""The tab *Classification*: Bayesian logistic regression in the plane, on points that the reader moves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn

from labkit.experiments.svgd.classification import ClassificationSettings, Classified
from labkit.experiments.svgd.classification_data import BARE, HALF, LabelledPoints
from labkit.experiments.svgd.numbers import Numbers
from labkit.views import fields
from labkit.views.pointer import Pointer
from labkit.views.scenes import Scene
from labkit.views.svgd.classification_pictures import (
    CachedPredictions,
    ClassProbabilities,
    Precisions,
    PredictiveDeviation,
)
from labkit.views.svgd.curves import Curves
from labkit.views.view import View

NEAR = 0.03  # of the picture's width and height
STRAIGHT = ("two blobs", BARE)  # sets that a line parts
CONIC = (*STRAIGHT, "rings", "a checkerboard")  # and a conic section


class ClassificationScene(Scene):
    """Particles, each of them a classifier, and points to add, drag and remove under them."""

    edits, running = ("kernel", "step_size", "batch", "rate", "held"), ("label",)
    saves = ("gif", "png", "curves")
    words = (
        "Each particle is a whole classifier, the weights w of a logistic regression. The tint is their mean "
        "probability of a class, the thick line where it is 1/2, thin lines are where a particle&rsquo;s own is; pale "
        "points are held out. <b>Try:</b> double-click to add a point, drag one across the boundary, change the "
        "features."
    )

    def __init__(self, settings: ClassificationSettings | None = None, **params):
        super().__init__(settings or ClassificationSettings(), **params)

    def views(self) -> list:
        seen = CachedPredictions()
        right = {"held out": lambda s: s.accuracies[0], "trained on": lambda s: s.accuracies[1]}
        nats = {"log p": lambda s: s.log_likelihood}
        accuracy = Curves(Numbers("Accuracy", right, "fraction right", log=False), "bottom_right")
        likelihood = Curves(Numbers("Held-out log-likelihood", nats, "nats a point", log=False))
        return [ClassProbabilities(seen), accuracy, PredictiveDeviation(seen), likelihood, Precisions()]

    def drawn(self, view: View, figure: Any) -> None:
        """Points are dragged and added on the picture of the classes."""
        if isinstance(view, ClassProbabilities):
            self.pointer().listen(figure)

    def pointer(self) -> Pointer:
        """Return what the pointer does on the picture of the points; the run goes on meanwhile."""

        def move(i: int, x: float, y: float) -> None:  # the point may have been removed meanwhile
            self.change(lambda data: data.moved(i, (x, y)) if i < len(data.x) else data)

        def add(x: float, y: float) -> None:
            label = self.settings.label
            self.change(lambda data: data.added((x, y), label))

        return Pointer(self._nearest, move, add)

    def _nearest(self, x: float, y: float) -> int | None:
        """The point there, if there is one."""
        state = self.live.run.frame.state
        if state is None or not len(state.data.x):
            return None
        apart = np.linalg.norm(state.data.x.numpy() - (x, y), axis=1) / (2 * HALF)
        return int(apart.argmin()) if apart.min() < NEAR else None

    def change(self, edit: Callable[[LabelledPoints], LabelledPoints]) -> None:
        """Other points under the particles, which stay."""
        self.live.run.edit(lambda state: self.settings.evaluate(state, edit(state.data)))

    def status(self, state: Classified) -> str:
        held = int(state.target.held.sum())
        right = f"{state.accuracies[0]:.0%} of {held} held out are right" if held else "none held out"
        return f"{len(state.data.x)} points · {right}"

    def remarks(self) -> str:
        s = self.settings
        said = [SHAPES[s.features]]
        if s.features == "linear" and s.data not in STRAIGHT or s.features == "quadratic" and s.data not in CONIC:
            said.append(f"{s.data.capitalize()} cannot be parted so: choose other features, or drag the points.")
        if s.features == "bumps" and s.rate < 1:
            said.append(
                f"With b = {s.rate:g} the prior lets α be great, and the density of (w, log α) has a peak where α is "
                "great and all 37 weights are small; in so many dimensions particles draw together there and believe "
                "little. Raise b."
            )
        if s.n == 1:
            said.append("One particle is the most probable classifier (MAP): it has nobody to disagree with.")
        if s.batch:
            said.append(f"A step sees at most {s.batch} of the points, weighted up to all: cheaper, and noisy.")
        return " ".join(said)

    def controls(self) -> list:
        s = self.settings
        heading = pn.pane.HTML(s.param.label.label, margin=(4, 10, 0, 10))
        label = pn.widgets.RadioBoxGroup.from_param(s.param.label, margin=(0, 12))
        remove = pn.widgets.Button(
            label="Remove the newest point", description="One fewer at each press", margin=(4, 8)
        )
        remove.on_click(lambda _: self.change(LabelledPoints.fewer))
        return [
            fields.choice(s, "data"), fields.choice(s, "features"), heading, label, remove,
            fields.number(s, "n"), fields.choice(s, "kernel"), fields.log_slider(s, "step_size"),
            fields.number(s, "batch"), fields.log_slider(s, "rate"), fields.number(s, "held"),
            fields.number(s, "seed"),
        ]  # fmt: skip


SHAPES = {
    "linear": "With linear features every particle&rsquo;s boundary is a straight line, and its log odds grow without "
    "end along any ray that leaves it: far from all points the particles are surest.",
    "quadratic": "With quadratic features every boundary is a conic section: a line, an ellipse, a parabola or a "
    "hyperbola; far from all points the log odds grow as the square of the distance.",
    "bumps": "A bump says nothing far from its middle, and where there are no points its weight keeps the "
    "prior&rsquo;s mean 0: there only the bias is left, and the probability returns towards 1/2 where the classes are "
    "equally many.",
}
