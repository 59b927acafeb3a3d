"""The tab *Collapse*: particles that lose variance in many dimensions, and what each remedy improves and costs."""

import math

import panel as pn

from labkit.experiments import titles
from labkit.experiments.svgd.collapse import MORE, Collapsed, CollapseSettings, conditional_variance, law
from labkit.views import fields
from labkit.views.scenes import Scene
from labkit.views.svgd import texts
from labkit.views.svgd.collapse_pictures import Correlations, Margins, Variances


class CollapseScene(Scene):
    """SVGD in many dimensions, with several remedies at once."""

    basic = ("dim", "n", "target")
    saves, below = ("gif", "png", "curves"), (texts.COLLAPSE,)
    words = (
        "All runs start from the same particles, which have the right variance, about 1. Watch the line of the usual "
        "kernel (Gaussian with the median rule): it falls. Each particle's own score (∇log p at its place, uphill) "
        "pulls it to the centre, and its neighbours are so far away that they push back only weakly. Pull and push "
        "balance only when the cloud is much too narrow. This is called collapse. It is stronger in more dimensions: "
        "<b>move D between 2 and 50</b>. <i>Per dimension</i> and <i>Linear</i> keep the variance, at a price that is "
        "described below. Choose the <b>correlated</b> target to see which kernels miss correlations.<br>The mean "
        "correlation is the correlation of two coordinates, averaged over all pairs. Thin grey lines show a "
        "correlation of 0 and of 1. The line of <i>Linear</i> fluctuates a little, because the step size is constant."
    )

    def __init__(self, settings: CollapseSettings | None = None, **params):
        super().__init__(settings or CollapseSettings(), **params)

    def views(self) -> list:
        s = self.settings
        return [Variances(s), Margins(), *([Correlations(s)] if s.dim > 1 else [])]

    def status(self, state: Collapsed) -> str:
        pairs = zip(state.names, state.variances.tolist(), strict=True)
        return "mean variance: " + " · ".join(f"{titles.remedy(name)} {value:.2f}" for name, value in pairs)

    def remarks(self) -> str:
        return f"{said_of_the_law(self.settings)} {said_of_remedies(self.settings)}"

    def controls(self) -> list:
        s = self.settings
        names = pn.widgets.CheckBoxGroup.from_param(s.param.remedies, margin=(0, 12))
        heading = pn.pane.HTML(s.param.remedies.label, margin=(4, 10, 0, 10))
        numbers = [fields.number(s, "dim"), fields.number(s, "n")]
        return [
            *numbers,
            fields.choice(s, "target"),
            fields.choice(s, "begin"),
            heading,
            names,
            fields.number(s, "seed"),
        ]


def said_of_the_law(s: CollapseSettings) -> str:
    """Return the variance of rbf by the law and the number of particles for the right variance, as HTML."""
    if s.tied:
        return "The law log(n + 1)/D holds for independent coordinates only. Here the particles gather near a line."
    rest = law(s.n, s.dim)
    if not s.lawful:
        return (
            f"The law log(n + 1)/D is {rest:.2g} here. It holds only where it is below 1, in higher dimensions. Here "
            "the Gaussian loses less variance."
        )
    return (
        f"When the run with the Gaussian kernel has settled, its variance is about log(n + 1)/D = {rest:.2g}. This "
        "law comes from a rough balance of forces (see More below), so the run may end a little below it. By the law, "
        f"a variance of 1 needs n = e<sup>D</sup> &minus; 1 = {in_words(math.expm1(s.dim))} particles."
    )


def said_of_remedies(s: CollapseSettings) -> str:
    """Return what the chosen remedies do and cost, as HTML."""
    said = []
    if "per-dimension" in s.remedies:
        said.append(f"<b>Per dimension</b> {_of_coordinates(s)}.")
    if "linear" in s.remedies:
        exact = "settles at the exact mean and covariance; the shape of the cloud beyond these may be wrong"
        few = f"settles at the exact covariance only with n &ge; D + 1 = {s.dim + 1} particles"
        said.append(f"<b>Linear</b> {exact if s.n > s.dim else few}.")
    reaching = [f"<b>{titles.remedy(name)}</b>" for name in ("imq", "wide") if name in s.remedies]
    if reaching:
        said.append(
            f"{' and '.join(reaching)} reach{'' if len(reaching) > 1 else 'es'} farther, which helps in part: in many "
            "dimensions the variance is still too small."
        )
    if f"rbf, {MORE}n" in s.remedies:
        gain = f" and adds {law(MORE * s.n, s.dim) - law(s.n, s.dim):.2g} of variance, by the law" if s.lawful else ""
        said.append(f"<b>{MORE}n</b> ({MORE} times the particles) takes {MORE**2} times the work{gain}.")
    return " ".join(said)


def _of_coordinates(s: CollapseSettings) -> str:
    """Return what the per-dimension kernel does to correlations."""
    if not s.tied:
        return "treats each coordinate alone, so it misses correlations"
    if s.begin == "the target":
        return "keeps the correlations of the start, right or wrong, because it moves each coordinate alone"
    rest = conditional_variance(s.density(s.correlation))
    return (
        "finds no correlations if the start has none. It settles at the variance of one coordinate when all others are "
        f"fixed, {rest:.2g}, as mean-field variational inference does"
    )


def in_words(count: float) -> str:
    """Return a number of particles, as HTML."""
    if count < 1e6:
        return f"{count:,.0f}"
    digits, power = f"{count:.1e}".split("e")
    return f"{digits} &times; 10<sup>{int(power)}</sup>"
