"""The tab *Variance against samples*: the picture with its controls, and remarks on the settings."""

import panel as pn

from labkit.dreg import gaussian
from labkit.experiments.dreg.variance import Measured, VarianceSettings
from labkit.views import fields
from labkit.views.dreg.scaling import Scaling
from labkit.views.scenes import Scene


class VarianceScene(Scene):
    """A quantity of every estimator against K, which becomes more precise with every step."""

    guide = "dreg-tabs#variance-against-samples"
    basic = ("quantity", "dim", "distance", "variance")
    saves, looks = ("png", "curves"), ("quantity",)
    words = (
        "Each line is an estimator: a way to compute, from K random samples of a proposal q, the gradient of the "
        "bound L for m, the centre of q. An encoder learns from such gradients. Other samples give another result; "
        "the picture shows the variance of the results. Here q is a normal density N(m, V). You set V, and the offset "
        "|m &minus; a|: the distance to the centre a of the posterior, the density of the z that fit x. The best q is "
        "the posterior itself: offset 0 and V = 1/2.<br>With more samples the variance falls: for IWAE, the usual "
        "estimator, like 1/K, and for DReG like 1/K&sup3;. The number after each name is this power, the slope of its "
        "line for K &ge; 64. But the gradient itself gets smaller, too: with more samples L comes nearer to log p(x), "
        "which does not depend on q. <b>Try:</b> choose the quantity SNR, the size of the mean gradient divided by "
        "its noise. It falls for IWAE and rises for DReG. (STL rises as well, but its mean is wrong. RWS-DReG follows "
        "another goal, and its results are 0 at K = 1: do not compare its line.)<br>Each step adds more results. Thin "
        "dashed lines: exact values. Shaded: 95 % confidence, often narrower than the line; “no band” means that a "
        "few rare results may decide the variance."
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
            "q is the posterior: the gradient of the bound is 0, and so is every bias and every SNR. STL, DReG and "
            "RWS-DReG are always exactly 0, which a logarithmic axis cannot show. IWAE keeps a variance of 1/(K V)."
        )
    elif 2 * variance <= gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is 1/4 or less: q is so narrow that a few samples have almost all the weight, however "
            "large K is. Even the variance of IWAE no longer falls like K<sup>&minus;1</sup>."
        )
    elif variance <= 0.75 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            f"V = {variance:.3g} is 3/8 or less: q is so narrow that a few samples may have almost all the weight. The "
            "variance of DReG no longer falls like K<sup>&minus;3</sup>."
        )
    if variance <= 7 / 8 * gaussian.POSTERIOR_VARIANCE:
        said.append(
            "V is also at most 7/16. The measured variance of DReG is uncertain there, so its confidence bands appear "
            "late or never."
        )
    if 1 < ratio < float("inf"):
        said.append(
            "The samples have different weights (see <i>Microscope</i>): for large K, they are as good as "
            f"{1 / ratio:.2g} K samples with equal weights (the effective sample size)."
        )
    if quantity == "bias":
        said.append("A band that reaches the bottom does not exclude a bias of 0. IWAE and DReG have no bias.")
    return " ".join(said)
