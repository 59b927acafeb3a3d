"""Several kernels in many dimensions: the settings, and a state with one run of SVGD per kernel.

With the bandwidth h of the median rule, n particles of a standard normal in D dimensions all have about the same
distance from each other, and after convergence

    variance = log(n + 1) / D                                                                                    (1)

for D above log(n + 1). The per-dimension kernel moves each coordinate by a function of that coordinate alone, so ranks
and rank correlations stay as at the start. From independent coordinates it converges to the variances 1 / P_aa, where P
is the target's precision.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import param
import torch
from torch import Tensor

from labkit import course, svgd
from labkit.experiments import titles
from labkit.experiments.settings import ExperimentSettings, RegistryListSelector
from labkit.experiments.svgd import words
from labkit.svgd import Kernel
from labkit.targets import Normal

OPTIMIZER = svgd.Adagrad(0.05)
CORRELATIONS = {"independent": 0.0, "correlated": 0.9}
STARTS = ("N(0, I)", "the target")
MORE = 4  # factor for the number of particles, if that is the remedy


class Remedy(NamedTuple):
    """A kernel, and a factor for the number of particles."""

    kernel: Kernel
    times: int = 1


# shown before the other kernels of `svgd.KERNELS`
REMEDIES = {
    "rbf": Remedy(svgd.RBF()),
    "per-dimension": Remedy(svgd.PerDimension()),
    "imq": Remedy(svgd.IMQ()),
    "wide": Remedy(svgd.RBF(2.0)),
    "linear": Remedy(svgd.Linear()),
    f"rbf, {MORE}n": Remedy(svgd.RBF(), MORE),
}


def remedy(name: str) -> Remedy:
    """Return the remedy with this name; a kernel that is not in `REMEDIES` gets the usual number of particles."""
    return REMEDIES[name] if name in REMEDIES else Remedy(svgd.KERNELS[name])


@dataclass(frozen=True, eq=False)
class Collapsed:
    """A run of SVGD for each of k remedies, all after the same number of steps.

    trail: a table of `labkit.course` with the mean variance of the coordinates of each run, then the mean correlation
    of each.
    """

    target: Normal
    names: tuple[str, ...]
    runs: tuple[svgd.State, ...]
    trail: Tensor

    @property
    def t(self) -> int:
        return self.runs[0].t

    @property
    def variances(self) -> Tensor:
        """The mean variance of the coordinates of each run, [k]."""
        return self.trail[-1, 1 : 1 + len(self.names)]


class CollapseSettings(ExperimentSettings[Collapsed]):
    """SVGD in D dimensions with several kernels at once: the settings, `start()` and `step(state)`."""

    dim = param.Integer(default=20, bounds=(1, 100), label="Dimensions, D", doc="Number D of dimensions of the target.")
    n = param.Integer(default=100, bounds=(10, 500), label="Particles, n", doc="Number n of particles in every run.")
    target: "param.Selector[str]" = param.Selector(
        objects=titles.offered(CORRELATIONS, titles.CORRELATIONS), label="Target p(x)",
        doc="A normal distribution with mean 0 and variance 1 in every coordinate. Correlated: 0.9 between any two.",
    )  # fmt: skip
    begin: "param.Selector[str]" = param.Selector(
        objects=list(STARTS), label="Start",
        doc="Where the first particles come from: a standard normal, N(0, I), or the target. Both have the right "
        "variances. They differ only for the correlated target.",
    )  # fmt: skip
    remedies = RegistryListSelector(
        REMEDIES, svgd.KERNELS, titles=titles.REMEDIES, default=["rbf", "per-dimension", "linear"],
        label="Kernels and remedies",
        doc=f"One run for each. {words.KERNEL.format(what='particles')} Two more, which may reduce the collapse, use "
        "the Gaussian. Wide: twice the bandwidth. 4n: four times the particles.",
    )  # fmt: skip
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed. The same seed gives the same first particles."
    )

    @property
    def chosen(self) -> tuple[str, ...]:
        """The chosen remedies in the order of the list."""
        return tuple(name for name in self.param.remedies.objects if name in self.remedies)

    @property
    def correlation(self) -> float:
        """The correlation of the target between any two coordinates."""
        return CORRELATIONS[self.target]

    @property
    def tied(self) -> bool:
        """Whether the target has correlations."""
        return self.correlation > 0 and self.dim > 1

    @property
    def lawful(self) -> bool:
        """Whether (1) holds for these settings."""
        return not self.tied and law(self.n, self.dim) < 1

    def density(self, correlation: float) -> Normal:
        """Return the D-dimensional normal with variance 1 and this correlation between any two coordinates."""
        return Normal(torch.zeros(self.dim), (1 - correlation) * torch.eye(self.dim).double() + correlation)

    def start(self) -> Collapsed:
        """Return the first state; all runs start from the same particles.

        Raises:
            ValueError: no kernel is chosen.
        """
        names = self.chosen
        if not names:
            raise ValueError("no kernel is chosen; choose at least one, for example rbf to see the collapse")
        target = self.density(self.correlation)
        source = target if self.begin == "the target" else self.density(0.0)
        x = source.sample(MORE * self.n, torch.Generator().manual_seed(self.seed))
        chosen = [remedy(name) for name in names]
        runs = tuple(svgd.start(x[: times * self.n], target, kernel=kernel) for kernel, times in chosen)
        return _told(Collapsed(target, names, runs, course.empty(2 * len(names))))

    def step(self, state: Collapsed) -> Collapsed:
        """Return the state after one step of every run."""
        runs = (
            svgd.step(run, state.target, kernel=remedy(name).kernel, optimizer=OPTIMIZER)
            for name, run in zip(state.names, state.runs, strict=True)
        )
        return _told(replace(state, runs=tuple(runs)))


def _told(state: Collapsed) -> Collapsed:
    """Return the state with a new row in its trail."""
    numbers = [float(marginal_variances(run.x).mean()) for run in state.runs]
    numbers += [mean_correlation(run.x) for run in state.runs]
    return replace(state, trail=course.longer(state.trail, state.t, *numbers))


def marginal_variances(x: Tensor) -> Tensor:
    """Return the variance of each coordinate of x (n, d), divided by n, (d)."""
    return x.var(0, correction=0)


def mean_correlation(x: Tensor) -> float:
    """Return the mean correlation over all pairs of coordinates of x (n, d); NaN in one dimension.

    It uses mean_i (sum_a z_ia)^2 = the sum of all d^2 correlations for standardised z, without a d x d matrix.
    """
    d = x.shape[1]
    if d == 1:
        return math.nan
    z = (x - x.mean(0)) / marginal_variances(x).sqrt()
    return float((z.sum(1).square().mean() - d) / (d * (d - 1)))


def law(n: int, dim: int) -> float:
    """Return (1): the variance of rbf with the median rule after convergence, valid below 1."""
    return math.log(n + 1) / dim


def conditional_variance(target: Normal) -> float:
    """Return the variance of a coordinate when all others are fixed, 1 / P_aa; here it is equal for all."""
    return float(1 / torch.linalg.inv(target.covariance)[0, 0])
