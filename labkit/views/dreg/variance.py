"""The tab *Variance against samples*: the picture with its controls, and remarks on the settings."""

import panel as pn

from labkit.dreg import gaussian
from labkit.experiments.dreg.variance import Measured, VarianceSettings
from labkit.views import fields
from labkit.views.dreg.scaling import Scaling
from labkit.views.scenes import Scene


class VarianceScene(Scene):
    """A quantity of every estimator against K, which becomes more precise with every step."""

    basic = ("quantity", "dim", "distance", "variance")
    saves, looks = ("png", "curves"), ("quantity",)
    words = (
        "<b>Model,</b> in each of D coordinates: z ~ N(0, 1), and x given z ~ N(z, 1). The posterior (the density of z "
        "after x is seen) is N(a, 1/2) with a = x/2. A proposal q = N(m, V) approximates it. In a network, the encoder "
        "computes m and V from x; here you set them. K samples of q have importance weights w = p(x, z)/q(z). The mean "
        "of w over samples of q is p(x), because &int; q w dz = &int; p(x, z) dz. So the logarithm of the average of K "
        "weights is an estimate of log p(x). Its expected value is below log p(x), because the logarithm is concave: "
        "an average that is too small lowers it more than one that is too large raises it. This expected value is the "
        "bound L = E log((w<sub>1</sub> + … + w<sub>K</sub>)/K), which comes closer to log p(x) for larger K. With K = "
        "1 it is the ELBO (evidence lower bound).<br>To train q, one follows the gradient of L; here, only its part "
        "for m. Each line is an estimator: a way to compute this gradient from the same K samples (RWS-DReG computes "
        "the gradient of another goal, wake-sleep, which the tab <i>Alpha dial</i> explains: do not compare the height "
        "of its line). The usual one is IWAE. With more samples the variances fall. But the gradient shrinks too, like "
        "1/K: L approaches log p(x), which does not depend on q. The noise of IWAE shrinks only like 1/&radic;K, that "
        "of DReG faster than the gradient. (The plot shows the average of the variances of the D coordinates. The "
        "noise is the root of the sum of these D variances.) <b>Try:</b> choose the quantity SNR (the size of an "
        "estimator's mean divided by its noise). It falls for IWAE and rises for DReG. It rises for STL, too, but only "
        "because STL is biased: the mean of STL does not shrink like the gradient. Each step adds replicates: "
        "repetitions with new samples. The number after each name is the slope of its line for K &ge; "
        "64.<details><summary>How to read the picture</summary>The lines have different widths, so that two equal "
        "lines are both visible. The thin dashed lines inside them are the exact values of this model. Shaded: 95 % "
        "confidence band. Where a few rare replicates may decide the variance, no band is reliable. Then none is "
        "drawn, and the text at the end of the line says so, for example “no band at K = 1024”. RWS-DReG estimates the "
        "gradient of wake-sleep, which is another way to train q. It is 0 at K = 1, so its line starts at K = "
        "2.</details>"
    )

    def __init__(self, settings: VarianceSettings | None = None, **params):
        super().__init__(settings or VarianceSettings(), **params)

    def views(self) -> list:
        return [Scaling(self.settings)]

    def status(self, state: Measured) -> str:
        return f"{state.total.n:,} replicates"

    def remarks(self) -> str:
        return remarks(*self.settings.where(), self.settings.quantity)

    def controls(self) -> list:
        s = self.settings
        names = pn.widgets.CheckBoxGroup.from_param(s.param.estimators, margin=(0, 12))
        heading = pn.pane.HTML("Estimators", margin=(4, 10, 0, 10))
        dials = [fields.number(s, name) for name in ("dim", "distance", "variance")]
        return [fields.choice(s, "quantity"), *dials, fields.box(s, "snap"), fields.number(s, "seed"), heading, names]


def remarks(dim: int, distance: float, variance: float, quantity: str) -> str:
    """Return what theory predicts for this proposal, as HTML."""
    said, ratio = [], gaussian.instance(dim, distance, variance).second_moment
    if variance == gaussian.POSTERIOR_VARIANCE and not distance:
        said.append(
            "q is the posterior: the gradient of the bound is 0, and so is every bias and every SNR. The path "
            "estimators STL, DReG and RWS-DReG are exactly 0 in each replicate, and a logarithmic axis cannot show "
            "0. IWAE keeps a variance of 1/(K V)."
        )
    elif 2 * variance <= gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is 1/4 or less: q is so narrow that the importance weights w = p(x, z)/q(z) have "
            "infinite variance, and even IWAE's 1/K law breaks."
        )
    elif variance <= 0.75 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is 3/8 or less, so a few samples with huge importance weights w dominate. DReG sums "
            "squares of the normalised weights (see <i>Microscope</i>), so its variance depends on the mean of "
            "w&#8308;. This mean is infinite here, so DReG's variance no longer falls as K<sup>&minus;3</sup>."
        )
    else:
        said.append(
            "DReG sums K gradients, each times w̃&sup2; (w̃: w divided by the sum of all w; see <i>Microscope</i>). "
            "So its variance depends on the mean of w&#8308;. This mean is finite if V is above 3/8, as here (V = "
            f"{variance:.3g}). For large K, w̃ is random and of the size 1/K, so each term has a variance of the size "
            "K<sup>&minus;4</sup>, and DReG sums K of them: K<sup>&minus;3</sup>. IWAE and STL multiply by w̃, not "
            "w̃&sup2;: K times K<sup>&minus;2</sup>, so 1/K."
        )
    if variance <= 7 / 8 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            "V is also at most 7/16, so the mean of w&#8312; is infinite. As K grows, the error of DReG's measured "
            "variance depends on it, so its confidence bands appear late or never."
        )
    if ratio < float("inf"):
        said.append(
            "The effective sample size (how many samples with equal weights would be as good) tends to "
            + f"{1 / ratio:.2g} K.".removeprefix("1 ")
        )
    if quantity == "bias":
        said.append("A band that reaches the bottom does not exclude a bias of 0. IWAE and DReG have no bias.")
    return " ".join(said)
