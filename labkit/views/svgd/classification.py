"""The tab *Classification*: Bayesian logistic regression in the plane, on points that the user moves."""

from collections.abc import Callable
from typing import Any

import panel as pn

from labkit.experiments.svgd.classification import ClassificationSettings, Classified
from labkit.experiments.svgd.classification_data import LabelledPoints, given
from labkit.experiments.svgd.numbers import Numbers
from labkit.views import fields, layout
from labkit.views.pointer import Pointer
from labkit.views.scenes import Scene
from labkit.views.svgd import texts
from labkit.views.svgd.classification_pictures import (
    CachedPredictions,
    ClassProbabilities,
    Precisions,
    PredictiveDeviation,
)
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.points import ClassPoints
from labkit.views.things import ignore, then
from labkit.views.upload import Upload
from labkit.views.view import View
from labkit.words import counted

# two features and a label
UPLOAD, WORDS = "Upload points (CSV)", "A CSV file with two features and a label; a line of names may come first."
EXAMPLE = (
    "length,width,flower\n5.1,1.9,a\n4.9,2.0,a\n5.4,1.7,a\n5.0,2.2,a\n6.3,4.9,b\n5.8,5.1,b\n6.7,4.7,b\n6.0,4.0,b\n"
)
# sets that these features cannot separate
HARD = {"linear": ("two moons", "rings", "a checkerboard"), "quadratic": ("two moons",)}


class ClassificationScene(Scene):
    """Classifiers, one per particle, and points to add, drag and remove."""

    basic = ("data", "features", "n")
    edits, running = ("kernel", "step_size", "batch", "rate", "held"), ("label",)
    saves, below, noun = ("gif", "png", "curves"), (texts.CLASSIFICATION,), "point"
    words = (
        "Each particle is one classifier: the weights w of a logistic regression. The colour shows the probability of "
        "each class, averaged over the particles. It is 1/2 on the thick line. Each thin line shows where one particle "
        "predicts 1/2. Hollow points are held out: no step uses them. <i>Where particles disagree</i> shows the "
        "standard deviation of their probabilities of class 1. <i>Prior precision α and weights</i> has one dot for "
        "each particle. α is the precision (1/variance) of the prior of the weights: a large α pulls them towards 0, "
        f"so |w| is then small. <b>Try:</b> {layout.DOUBLE_CLICK} to add a point, drag a point across the boundary, or "
        "change the features. The pale band of a curve reaches from the lowest to the highest of several steps."
    )

    def __init__(self, settings: ClassificationSettings | None = None, **params):
        super().__init__(settings or ClassificationSettings(), **params)

    def views(self) -> list:
        seen = CachedPredictions()
        right = {"held out": lambda s: s.accuracies[0], "trained on": lambda s: s.accuracies[1]}
        nats = {"log p": lambda s: s.log_likelihood}
        accuracy = Curves(Numbers("Accuracy", right, "fraction correct", log=False))
        likelihood = Curves(Numbers("Held-out log-likelihood", nats, "nats per point", log=False))
        return [ClassProbabilities(seen), accuracy, PredictiveDeviation(seen), likelihood, Precisions()]

    def drawn(self, view: View, figure: Any) -> None:
        """Let pointer and keyboard edit the points on the picture of the classes."""
        if isinstance(view, ClassProbabilities):
            self.edit_on(figure, ClassPoints(self), self.pointer())

    def pointer(self) -> Pointer:
        """Return the pointer for the picture of the points; the run continues during a drag."""
        things = ClassPoints(self)
        return Pointer(things.nearest, things.put, things.make)

    def change(
        self, how: Callable[[LabelledPoints], LabelledPoints], done: Callable[[Classified], None] = ignore
    ) -> None:
        """Change the points, then call `done` with the new state; the particles stay."""
        self.live.run.edit(then(lambda state: self.settings.evaluate(state, how(state.data)), done))

    def status(self, state: Classified) -> str:
        held = int(state.target.held.sum())
        right = f"{state.accuracies[0]:.0%} of {held} held-out points correct" if held else "no held-out points"
        return f"{counted(len(state.data.x), 'point')} · {right}"

    def remarks(self) -> str:
        s = self.settings
        said = [SHAPES[s.features]] if s.features in SHAPES else []
        if s.data in HARD.get(s.features, ()):
            said.append(f"These features cannot separate {s.data}: choose other features, or drag the points.")
        if s.features == "bumps" and s.rate < 1:
            said.append(
                f"With b = {s.rate:g} the prior allows a large precision α. The density of (w, log α) then has a peak "
                "where α is large and all 37 weights are small. In 38 dimensions the particles gather there and "
                "predict about 1/2 everywhere. Raise b."
            )
        if s.n > 1 and s.features == "bumps":
            said.append(
                "In 38 dimensions the particles of SVGD end too close together (see the tab Collapse), so they "
                "disagree too little."
            )
        if s.n == 1:
            said.append("One particle finds one most probable classifier (MAP), so there is no disagreement to show.")
        if s.batch:
            said.append(f"Each step uses at most {s.batch} of the points, weighted as if they were all.")
        return " ".join(said)

    def upload(self) -> Upload:
        """Return the button for points of the visitor."""

        def take(name: str, content: bytes) -> str:
            points, words = given(name, content, self.settings.seed)
            self.settings.take(points)
            self.show()
            return words

        named = {"label": UPLOAD, "words": WORDS, "accept": ".csv,text/csv", "example": EXAMPLE}
        return Upload(take, **named, margin=(4, 10))

    def tips(self) -> dict[str, str]:
        return super().tips() | {UPLOAD: WORDS}

    def controls(self) -> list:
        s = self.settings
        heading = pn.pane.HTML(s.param.label.label, margin=(4, 10, 0, 10))
        label = pn.widgets.RadioBoxGroup.from_param(s.param.label, margin=(0, 12))
        remove = pn.widgets.Button(label="Remove point", description="Remove the newest point", margin=(4, 8))
        remove.on_click(lambda _: self.change(LabelledPoints.fewer))
        return [
            fields.choice(s, "data"), self.upload(), fields.choice(s, "features"), heading, label, remove,
            fields.number(s, "n"), fields.choice(s, "kernel"), fields.log_slider(s, "step_size"),
            fields.number(s, "batch"), fields.log_slider(s, "rate"), fields.number(s, "held"),
            fields.number(s, "seed"),
        ]  # fmt: skip


SHAPES = {
    "linear": "With linear features every boundary is a straight line. The log odds, log p/(1 &minus; p), grow without "
    "limit as you move away from it. So the particles are most certain far from all points.",
    "quadratic": "With quadratic features every boundary is a conic section: a line, an ellipse, a parabola or a "
    "hyperbola. Far from all points the log odds, log p/(1 &minus; p), grow as the square of the distance.",
    "bumps": "Each feature is a Gaussian bump, which is almost 0 far from its centre. If there are no points near a "
    "bump, its weight stays near the mean of the prior, 0. Only the bias (the constant term) is left there. So the "
    "probability returns to about 1/2 if the classes are equally large.",
}
