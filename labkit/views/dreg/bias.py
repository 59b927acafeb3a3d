"""The tab *Bias meter*: the pictures of a test with its controls; the run ends automatically."""

import html

from labkit.dreg import ESTIMATORS, bounds, sequential
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
    words = (
        "Is this estimator biased, that is, does its mean differ from the gradient of the bound L (see the first tab)? "
        "Each step adds 64 replicates: repetitions with new samples. Each replicate gives a difference: the "
        "estimator's gradient minus DReG's from the same samples. DReG is unbiased, so the mean difference is an "
        "estimate of the bias.<br>First plot: the estimate of |bias| with its 95 % interval (in at least about 95 of "
        "100 runs it contains the true value). Where the band ends at an edge of the plot, it goes on outside; at the "
        "bottom it may include 0. Dashed: the exact value, which is known in this model, so you can check the "
        "test.<br>Second plot: the evidence e for a bias. Imagine a game. You start with 1 coin. At each step you look "
        "at the earlier differences, guess the direction of the mean of the next 64, and bet on it. If there is no "
        "bias, you neither win nor lose on average. e is the number of coins that you own now. Without a bias, e "
        "reaches 20 in at most 1/20 = 5 % of runs, however often you look. So at e = 20 (dashed; log₁₀ 20 = 1.3) the "
        "test stops and says “biased”. <i>Play</i> then adds replicates, but the verdict stays. The dotted line is the "
        "same game, played only with the sum over coordinates, in which biases of opposite signs cancel."
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
        many = f"{1 / s.effect**2:,.0f}"
        first = sequential.BLOCK * sequential.first_interval(s.dim, s.level)
        opposed = (
            "sum to 0. A coordinate with the opposite offset has the opposite bias, so the biases cancel in their sum"
            if s.opposed and s.dim > 1
            else "all have the same sign"
        )
        return (
            f"{about}“No bias found” means that the 95 % interval of |bias| ends below {s.effect:g} times the noise of "
            "one gradient (the root of its summed variance). A bias as small as this matters little: even the mean of "
            f"{many} gradients still has noise as large as this bias (1/&radic;{many} = {s.effect:g}). The interval "
            f"starts at {first:,} replicates, because the test first needs an estimate of how the differences of the D "
            f"coordinates vary together. The offsets m &minus; a {opposed}. The test assumes that means of 64 "
            "replicates are normal, so 5 % and 95 % are approximate."
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
