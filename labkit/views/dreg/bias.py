"""The tab *Bias meter*: the pictures of a test with its controls; the run ends automatically."""

import html

from labkit.dreg import ESTIMATORS, bounds
from labkit.dreg.laboratory import REFERENCE
from labkit.experiments import titles
from labkit.experiments.dreg.bias import BiasSettings, BiasTests, sentence
from labkit.views import fields, layout
from labkit.views.dreg.evidence import BiasInterval, Evidence
from labkit.views.scenes import Scene


class BiasScene(Scene):
    """A test of one estimator for bias; the run ends automatically with a verdict."""

    basic = ("estimator", "k", "dim")
    speed, saves, looks = 30, ("png", "curves"), ("reveal",)
    guide = "dreg-tabs#bias-meter"
    words = (
        "An estimator is biased if its mean is not the gradient of the bound. Each step computes 64 more gradients, "
        "and those of DReG from the same samples. DReG has no bias, so the mean difference is the bias.<br>First "
        "plot: the size of the bias found so far, with an interval that contains the true one in about 95 of 100 "
        "runs. It starts when there are enough results. Its lower end may be below the plot; then the text above "
        "gives it after the verdict. Dashed: the exact value, so you can check the test. Second plot: the evidence "
        "for a bias. It is like the money of a player who starts with 1 coin and bets that the next differences are "
        "not 0 on average. With a bias the money grows. Without one, at most 1 player in 20 ever owns 20 coins (log₁₀ "
        "20 = 1.3). So there, at the dashed line, the test stops and says “biased”. The dotted line uses only the sum "
        "over the coordinates, in which biases of opposite signs cancel."
    )

    def __init__(self, settings: BiasSettings | None = None, **params):
        self.said = layout.said("", order="0", **{"font-weight": "600"})
        super().__init__(settings or BiasSettings(), **params)
        self.live.run.step = self._until_decided
        self._ended = False

    def views(self) -> list:
        s = self.settings
        return [BiasInterval(s.budget, s.reveal), Evidence(s.budget, s.level)]

    def status(self, state: BiasTests) -> str:
        """Return the status, and update the sentence about the verdict for the same state."""
        (test,) = state.tests
        self.said.object = html.escape(sentence(test, titles.estimator(test.name)))
        return f"{test.state.n:,} replicates"

    def remarks(self) -> str:
        s = self.settings
        about = ""
        if s.estimator == REFERENCE:
            about = "DReG is compared with IWAE, which is also unbiased but has much more noise. "
        elif ESTIMATORS[s.estimator].bound is not bounds.iwae:
            called = html.escape(titles.estimator(s.estimator))
            about = f"{called} estimates the gradient of another bound; the difference counts as bias. "
        opposed = (
            " The offsets m &minus; a sum to 0. A coordinate with the opposite offset has the opposite bias, so the "
            "biases cancel in their sum."
            if s.opposed and s.dim > 1
            else ""
        )
        return (
            f"{about}“No bias found” means that the interval ends below {s.effect:g} times the noise of one gradient: "
            f"a bias as small as this matters little.{opposed}"
        )

    def controls(self) -> list:
        s = self.settings
        dials = [fields.number(s, name) for name in ("k", "dim", "distance", "variance", "effect")]
        boxes = fields.box(s, "opposed"), fields.box(s, "reveal")
        return [fields.choice(s, "estimator"), *dials, *boxes, fields.number(s, "seed")]

    def _until_decided(self, state: BiasTests) -> BiasTests:
        """Return the state one step later. The run pauses at the verdict; the user may continue it."""
        new = self.settings.step(state)
        if new.decided and not state.decided:
            self._ended = True
            self.live.pause()
        return new

    def show(self) -> None:
        """Start the test again. After an automatic end, the new test plays."""
        super().show()
        if self._ended:
            self._ended = False
            self.live.play()

    def first(self) -> list:
        """Return what a page shows at once, with the sentence about the verdict below the pictures."""
        player, error, pictures, *rest = super().first()
        return [player, error, pictures, self.said, *rest]
