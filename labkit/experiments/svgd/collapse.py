"""Kernels side by side in many dimensions: the settings, and the run that holds one run of SVGD for each.

With h the median rule's length, n particles of a standard normal in D dimensions are all about equally far apart, and

    variance at rest = log(n + 1) / D                                                                            (1)

for D above log(n + 1). A kernel for each dimension moves a coordinate by a function of that coordinate alone: ranks,
and with them rank correlations, stay those of the start. From independent coordinates it comes to rest at variances
1 / P_aa, P the target's precision.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import param
import torch
from torch import Tensor

from labkit import course, svgd
from labkit.experiments.settings import ExperimentSettings, RegistryListSelector
from labkit.svgd import Kernel
from labkit.targets import Normal

OPTIMIZER = svgd.Adagrad(0.05)
CORRELATIONS = {"independent": 0.0, "correlated": 0.9}
STARTS = ("N(0, I)", "the target")
MORE = 4  # times the particles, where they are the remedy


class Remedy(NamedTuple):
    """A kernel, and so many times the particles."""

    kernel: Kernel
    times: int = 1


# in addition to all kernels of `svgd.KERNELS`; the list of the tab begins with these
REMEDIES = {
    "rbf": Remedy(svgd.RBF()),
    "per-dimension": Remedy(svgd.PerDimension()),
    "imq": Remedy(svgd.IMQ()),
    "wide": Remedy(svgd.RBF(2.0)),
    "linear": Remedy(svgd.Linear()),
    f"rbf, {MORE}n": Remedy(svgd.RBF(), MORE),
}


def remedy(name: str) -> Remedy:
    """Return the remedy of that name; a kernel that is not in `REMEDIES` gets the usual number of particles."""
    return REMEDIES[name] if name in REMEDIES else Remedy(svgd.KERNELS[name])


@dataclass(frozen=True, eq=False)
class Collapsed:
    """A run of SVGD for each of k remedies, all after as many steps.

    trail: a table of `labkit.course` of the mean marginal variance of each run, then the mean correlation of each.
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
        """The mean marginal variance of each run, [k]."""
        return self.trail[-1, 1 : 1 + len(self.names)]


class CollapseSettings(ExperimentSettings[Collapsed]):
    """SVGD in D dimensions with several kernels at once: the settings, `start()` and `step(state)`."""

    dim = param.Integer(default=20, bounds=(1, 100), label="Dimensions, D", doc="Number D of dimensions of the target.")
    n = param.Integer(default=100, bounds=(10, 500), label="Particles, n", doc="Number n of particles in every run.")
    target: "param.Selector[str]" = param.Selector(
        objects=list(CORRELATIONS), label="Target p(x)",
        doc="A normal distribution with mean 0 and variance 1 in every coordinate. Correlated: 0.9 between any two.",
    )  # fmt: skip
    begin: "param.Selector[str]" = param.Selector(
        objects=list(STARTS), label="Start",
        doc="Where the first particles come from: a standard normal, or the target. Both have the right variances.",
    )  # fmt: skip
    remedies = RegistryListSelector(
        REMEDIES, svgd.KERNELS, default=["rbf", "per-dimension", "linear"], label="Kernels",
        doc="One run for each kernel. Wide: rbf with twice the bandwidth. 4n: rbf with four times the particles.",
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
        """Of the target, between any two coordinates."""
        return CORRELATIONS[self.target]

    @property
    def tied(self) -> bool:
        """Whether there are correlations."""
        return self.correlation > 0 and self.dim > 1

    @property
    def lawful(self) -> bool:
        """Whether (1) says something of these settings."""
        return not self.tied and law(self.n, self.dim) < 1

    def density(self, correlation: float) -> Normal:
        """The normal of variance 1 with this correlation between any two of D coordinates."""
        return Normal(torch.zeros(self.dim), (1 - correlation) * torch.eye(self.dim).double() + correlation)

    def start(self) -> Collapsed:
        """All runs at the same draws.

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
        """One step of every run."""
        runs = (
            svgd.step(run, state.target, kernel=remedy(name).kernel, optimizer=OPTIMIZER)
            for name, run in zip(state.names, state.runs, strict=True)
        )
        return _told(replace(state, runs=tuple(runs)))


def _told(state: Collapsed) -> Collapsed:
    """The state with a row on its trail for where its runs are."""
    numbers = [float(marginal_variances(run.x).mean()) for run in state.runs]
    numbers += [mean_correlation(run.x) for run in state.runs]
    return replace(state, trail=course.longer(state.trail, state.t, *numbers))


def marginal_variances(x: Tensor) -> Tensor:
    """Of each coordinate of x (n, d), divided by n: (d)."""
    return x.var(0, correction=0)


def mean_correlation(x: Tensor) -> float:
    """Over all pairs of coordinates of x (n, d); NaN in one dimension.

    By mean_i (sum_a z_ia)^2 = the sum of all d^2 correlations, z standardised: no d x d matrix is made.
    """
    d = x.shape[1]
    if d == 1:
        return math.nan
    z = (x - x.mean(0)) / marginal_variances(x).sqrt()
    return float((z.sum(1).square().mean() - d) / (d * (d - 1)))


def law(n: int, dim: int) -> float:
    """(1): the variance of rbf with the median rule at rest, where it is below 1."""
    return math.log(n + 1) / dim


def conditional_variance(target: Normal) -> float:
    """Of a coordinate with all others held, 1 / P_aa: the same for each of these targets' coordinates."""
    return float(1 / torch.linalg.inv(target.covariance)[0, 0])
