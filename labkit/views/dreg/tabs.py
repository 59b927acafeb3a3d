"""The tabs *Bias meter* and *Alpha dial*: live views with their controls."""

import html

import panel as pn

from labkit.views import fields
from labkit.views.dreg.dial import Dial, Dialed, Errors, Line
from labkit.views.dreg.evidence import Bias, Evidence
from labkit.views.dreg.trial import Court, Trials, sentence
from labkit.views.scenes import TEXT, Scene


class BiasMeter(Scene):
    """An estimator on trial: the run ends by itself with a verdict."""

    speed, saves = 30, ("png", "curves")
    words = (
        "Is its mean the gradient of the bound? Each step adds the mean of 64 replicates, its gradient minus dreg's "
        "of the same samples. First |bias| and all of it that is not excluded, with 95 %. Then the evidence e, "
        "which reaches 20 (dashed) with a chance of at most 1/20 where there is no bias, however often one looks. The "
        "dotted line asks the sum over coordinates alone, in which biases of opposite signs cancel."
    )

    def __init__(self, settings: Court | None = None, **params):
        self.said = pn.pane.HTML("", sizing_mode="stretch_width", styles=TEXT | {"font-weight": "600"})
        super().__init__(settings or Court(), **params)
        self.live.run.step = self._until_decided
        self._ended = False

    def views(self) -> list:
        s = self.settings
        return [Bias(s.budget), Evidence(s.budget, s.level)]

    def status(self, state: Trials) -> str:
        """The sentence below the pictures is of the same state."""
        (trial,) = state.trials
        self.said.object = html.escape(sentence(trial))
        return f"{trial.state.n:,} replicates"

    def remarks(self) -> str:
        s = self.settings
        about = "" if s.estimator != "dreg" else "dreg is compared with iwae, whose noise is far above dreg's scatter. "
        if s.estimator in ("jk", "jk-dreg", "vae"):
            about = f"{s.estimator} aims at another bound: here its difference from the gradient of L counts as bias. "
        opposed = "sum to 0" if s.opposed and s.dim > 1 else "have one sign"
        return (
            f"{about}“None found” means that a |bias| above {s.effect:g} of the gradient's scatter is excluded: less "
            f"is lost in the noise until {1 / s.effect**2:,.0f} gradients are averaged. The offsets {opposed}. "
            "Means of 64 replicates are taken to be normal."
        )

    def controls(self) -> list:
        s = self.settings
        dials = [fields.number(s, name) for name in ("k", "dim", "distance", "variance", "effect")]
        return [fields.choice(s, "estimator"), *dials, fields.box(s, "opposed"), fields.number(s, "seed")]

    def _until_decided(self, state: Trials) -> Trials:
        """A step; the run pauses at the verdict, and may be played on."""
        new = self.settings.step(state)
        if new.decided and not state.decided:
            self._ended = True
            self.live.pause()
        return new

    def show(self) -> None:
        """A trial that ended by itself makes way for the next."""
        super().show()
        if self._ended:
            self._ended = False
            self.live.play()

    def __panel__(self) -> pn.viewable.Viewable:
        column = super().__panel__()
        column.insert(2, self.said)
        return column


class AlphaDial(Scene):
    """dreg-alpha: bias against variance, all alphas from the same samples."""

    speed, saves, looks = 30, ("png", "curves"), ("alpha",)
    words = (
        "dreg-alpha is (1 &minus; alpha) DReG + alpha RWS-DReG. The gradient is linear in alpha: means, variances and "
        "the covariance of the two parts give every alpha at once. Bias counts against the gradient of the bound L, "
        "dreg's own target. Wake-sleep has another target on purpose: measured against the wake-sleep gradient, "
        "rws-dreg is the unbiased one."
    )

    def __init__(self, settings: Dial | None = None, **params):
        super().__init__(settings or Dial(), **params)

    def views(self) -> list:
        return [Line(self.settings), Errors(self.settings)]

    def status(self, state: Dialed) -> str:
        return f"{state.total.n:,} replicates · best alpha {state.measured.best:.2f}"

    def look(self) -> None:
        """Another alpha moves the marks, nothing else."""
        self.live.run.redraw()

    def controls(self) -> list:
        s = self.settings
        return [
            fields.dial(s, "alpha"),
            *(fields.number(s, name) for name in ("k", "dim", "distance", "variance", "seed")),
        ]
