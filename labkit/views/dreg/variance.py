"""The tab *Variance against samples*: the picture with its controls, and remarks on the settings."""

import panel as pn

from labkit.dreg import gaussian
from labkit.experiments.dreg.variance import Measured, VarianceSettings
from labkit.views import fields
from labkit.views.dreg.scaling import Scaling
from labkit.views.scenes import Scene


class VarianceScene(Scene):
    """A quantity of every estimator against K, which becomes more precise with every step."""

    saves, looks = ("png", "curves"), ("quantity",)
    words = (
        "Each line is an estimator: a way to compute the gradient of the same bound L from the same K samples of q. L "
        "is the importance weighted bound of log p(x). Each step adds a batch of replicates (gradients from new "
        "samples). Shaded: 95 % confidence band (Student's t over batches). There is no band where rare replicates, "
        "not seen so far, may carry much of the variance: it would miss the true value too often. The number beside "
        "each name is the slope of its line for K &ge; 64."
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
            "estimators stl, dreg and rws-dreg are exactly 0 in each replicate, and a logarithmic axis cannot show "
            "0. iwae keeps a variance of 1/(K V)."
        )
    elif 2 * variance <= gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is at most 1/4: the importance weights have infinite variance, and even iwae's 1/K "
            "law breaks."
        )
    elif variance <= 0.75 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is at most 3/8: q is so narrow that the importance weights have an infinite fourth "
            "moment, and dreg's K<sup>&minus;3</sup> law breaks."
        )
    else:
        said.append(
            f"V = {variance:.3g} is above 3/8: the importance weights have a finite fourth moment. As K grows, dreg's "
            "variance falls as K<sup>&minus;3</sup>, and that of iwae and stl falls as 1/K."
        )
    if variance <= 7 / 8 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            "V is also at most 7/16: the importance weights have an infinite eighth moment. The error of dreg's sample "
            "variance depends on it as K grows, so its confidence bands appear late or never."
        )
    if ratio < float("inf"):
        said.append(f"The effective sample size (how many equal weights are worth as much) tends to {1 / ratio:.2g} K.")
    if quantity == "bias":
        said.append("A band that reaches the bottom does not exclude a bias of 0. iwae and dreg have no bias.")
    return " ".join(said)
