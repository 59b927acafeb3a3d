"""The tab *Regression*: networks that learn a curve through points that the user moves."""

import math
from collections.abc import Callable
from typing import Any

import panel as pn

from labkit.experiments.svgd.numbers import Numbers
from labkit.experiments.svgd.regression import Fitted, RegressionSettings
from labkit.experiments.svgd.regression_data import RegressionPoints, given
from labkit.views import fields, layout
from labkit.views.pointer import Pointer
from labkit.views.scenes import Scene
from labkit.views.svgd import texts
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.points import CurvePoints
from labkit.views.svgd.regression_pictures import Bands, NoiseLevels
from labkit.views.things import ignore, then
from labkit.views.upload import Upload
from labkit.views.view import View

BUTTON = {"margin": (4, 8)}
# two columns; decimal commas and semicolons work, too
UPLOAD, WORDS = "Upload points (CSV)", "A CSV file with two columns, x and y; a line of names may come first."
EXAMPLE = "hours,grade\n1,2.1\n2,2.4\n2.5,3.2\n3,3.1\n4,4.4\n5,4.2\n6,5.3\n7,5.1\n8,5.9\n9,5.8\n10,6.2\n12,6.1\n"


class RegressionScene(Scene):
    """Bayesian regression with networks, in one dimension."""

    basic = ("data", "n", "hidden", "step_size")
    noun = "point"
    speed, saves, edits = 100, ("gif", "png", "curves"), ("kernel", "step_size", "batch")
    below = (texts.REGRESSION,)
    words = (
        "Each thin line is one network, and its weights are a particle of SVGD. The target is the posterior of the "
        "weights: their distribution, given the filled points. Hollow points are held out: no step uses them. The "
        "posterior combines the <b>prior</b> (what is plausible before any point is seen) with the filled points. The "
        "inner, darker band shows how much the networks differ. The outer band adds the noise of y that they have "
        "learned. Let the run continue until the curves are nearly level (one or two thousand steps). Then the "
        "networks agree near the points and may differ elsewhere. With few hidden units they may also agree and be "
        f"wrong. <b>Try:</b> drag a point while they learn, or {layout.DOUBLE_CLICK} in the gap to add one."
    )

    def __init__(self, settings: RegressionSettings | None = None, **params):
        self.said = layout.said("")
        super().__init__(settings or RegressionSettings(), **params)

    def views(self) -> list:
        s = self.settings
        likelihoods = {"learned noise": Fitted.log_likelihood}
        if s.original:
            likelihoods["overwritten noise"] = Fitted.overwritten_log_likelihood
        errors = {"held out": Fitted.held_out_rmse, "training": Fitted.training_rmse}
        return [
            Bands(s),
            Curves(Numbers("Error of the mean", errors, "RMSE, units of y", heading="Error of the mean prediction")),
            Curves(
                Numbers(
                    "Log-likelihood, held out", likelihoods, "nats per point", log=False,
                    heading="Held-out log-likelihood",
                )
            ),
            NoiseLevels(s),
        ]  # fmt: skip

    def status(self, state: Fitted) -> str:
        """Return the status, and update the sentence below the pictures for the same state."""
        self.said.object = sentence(state, self.settings.true_noise, self.settings.true_rmse(state))
        return f"held-out RMSE (root mean squared error) {state.held_out_rmse():.4g}"

    def remarks(self) -> str:
        return remarks(self.settings.n, self.settings.hidden, self.settings.batch)

    def controls(self) -> list:
        s = self.settings
        less = pn.widgets.Button(label="Remove point", description="Remove the newest training point", **BUTTON)
        less.on_click(lambda _: self.change(RegressionPoints.without_newest))
        back = pn.widgets.Button(
            label="Restore points", description="Undo all changes of the points and reset", **BUTTON
        )
        back.on_click(lambda _: self.restore())
        return [
            fields.choice(s, "data"), self.upload(), pn.FlexBox(less, back), fields.number(s, "times"),
            fields.choice(s, "unit"), fields.number(s, "n"), fields.number(s, "hidden"), fields.log_slider(s, "rate"),
            fields.choice(s, "kernel"), fields.log_slider(s, "step_size"), fields.number(s, "batch"),
            fields.box(s, "original"), fields.number(s, "seed"),
        ]  # fmt: skip

    def upload(self) -> Upload:
        """Return the button for points of the visitor."""

        def take(name: str, content: bytes) -> str:
            points = given(name, content)
            self.settings.take(points)
            self.show()
            return f"{name}: {len(points.x)} points, one of four is held out. A link does not keep them."

        named = {"label": UPLOAD, "words": WORDS, "accept": ".csv,text/csv", "example": EXAMPLE}
        return Upload(take, **named, margin=(4, 10))

    def tips(self) -> dict[str, str]:
        return super().tips() | {UPLOAD: WORDS}

    def first(self) -> list:
        return [*super().first(), self.said]

    # what changes

    def change(
        self, how: Callable[[RegressionPoints], RegressionPoints], done: Callable[[Fitted], None] = ignore
    ) -> None:
        """Change the points, then call `done` with the new state; the networks stay."""
        self.live.run.edit(then(lambda state: self.settings.edit(state, how), done))

    def restore(self) -> None:
        """Restore the points as they were made."""
        self.settings.forget()
        self.show()

    # what the reader edits on the picture

    def drawn(self, view: View, figure: Any) -> None:
        """Let pointer and keyboard edit the points on the large picture."""
        if isinstance(view, Bands):
            self.edit_on(figure, CurvePoints(self), self.pointer())

    def pointer(self) -> Pointer:
        """Return the pointer for the picture of the points; the networks continue to learn during a drag."""
        things = CurvePoints(self)
        return Pointer(things.nearest, things.put, things.make)


def sentence(state: Fitted, true_noise: float, true_rmse: float) -> str:
    """Return a description of the learned noise, and of the overwritten noise if any, as HTML.

    Args:
        true_noise: the standard deviation of the noise in the points; NaN if it is unknown.
        true_rmse: the error of the true curve on the held-out points.
    """
    learned, target = state.learned, state.target
    least = (2 * target.rate / (target.rows + 2)) ** 0.5
    known = math.isfinite(true_noise)  # not for points of the visitor
    noise_there = f" The true noise is {true_noise:.3g}." if known else ""
    rmse_there = (
        " Even the true curve misses the noisy points: its RMSE on the held-out points is "
        f"{true_rmse:.3g}. With very many held-out points, this RMSE would equal the true noise."
        if known
        else ""
    )
    said = (
        f"Noise learned from {target.rows} training points: {learned.mean():.3g} on average, {learned.min():.3g} to "
        f"{learned.max():.3g} (in units of y).{noise_there} At the start the networks fit badly, so they learn a "
        f"larger noise. The noise of the points keeps the RMSE above 0.{rmse_there} The prior also adds noise: a "
        f"network without any error would still learn a noise of {least * target.unit:.2g} (why: see More below)."
    )
    if state.overwritten is None:
        return said
    noise, changed = state.overwritten
    gamma = state.theta[:, -2].exp()
    bare = gamma.rsqrt()
    return (
        f"{said} <b>Overwritten: {changed} of {len(noise)}</b>, by the errors on the {int(state.back.sum())} reserved "
        f"points: {noise.mean():.4g} on average, {noise.min():.4g} to {noise.max():.4g}. The held-out "
        f"log-likelihood is {state.log_likelihood():.3f} nats with the learned noise and "
        f"{state.log_likelihood(noise):.3f} nats with this one. The original program compares γ = {gamma.mean():.4g} "
        f"with 1/error² = {noise.pow(-2).mean():.4g}. But γ is learned for y in units of {target.unit:.4g}, and "
        "1/error² is in units of 1. The mixed units do no harm: no γ makes the reserved points more likely than "
        f"1/error² does, so 1/error² wins in any unit. A γ that won would mean a noise of {bare.mean():.4g} and "
        f"{state.log_likelihood(bare):,.1f} nats."
    )


def remarks(n: int, hidden: int, batch: int) -> str:
    """Return remarks on these settings, as HTML."""
    said, dim = [], 3 * hidden + 3
    if n == 1:
        said.append("One particle climbs to a peak of the posterior (MAP). One network has no inner band.")
    else:
        said.append(
            f"These are {n} particles in {dim} dimensions. In many dimensions the particles of SVGD end too close "
            "together (this is called collapse), and the inner band is too narrow. So compare its width between "
            "places, and do not rely on the width itself."
        )
    said.append(
        "The prior pulls the weights to 0. With few points and many hidden units the prior wins: the lines of the "
        "networks become flat, and they explain the points as noise."
    )
    if batch:
        said.append(f"Each step uses {batch} of the points, weighted as if they were all. So the lines fluctuate.")
    return " ".join(said)
