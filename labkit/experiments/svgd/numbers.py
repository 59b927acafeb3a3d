"""Numbers of a state for tables and curves: KSD, errors of mean and variance, accuracy, bandwidth."""

import math
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from labkit import svgd
from labkit.experiments.svgd.particles import Sample
from labkit.targets import Target
from labkit.targets.scores import Scored

S = TypeVar("S", contravariant=True)  # a state

NO_BANDWIDTH = "This kernel has no bandwidth h, so the plot of h is hidden."
RUNS_KSD = "KSD (run's kernel)"  # the name of State.ksd in all outputs


class Numbers(Generic[S]):
    """A few numbers of a state in one unit.

    Args:
        title: the first part of their names in the table.
        functions: name -> function of the state.
        unit: the unit of all of them.
        log: whether they range over powers of ten; a logarithmic axis leaves out values that are not positive.
        heading: the title of the picture, by default `title`.
        without: what a reader learns if a state has no such number.
    """

    def __init__(
        self,
        title: str,
        functions: dict[str, Callable[[S], float | Tensor]],
        unit: str = "",
        log: bool = True,
        heading: str = "",
        without: str = "",
    ):
        self.title, self.functions, self.unit, self.log = title, functions, unit, log
        self.heading, self.without = heading or title, without

    def record(self, state: S) -> dict[str, float]:
        """Return a row of the run's table."""
        return {self.key(name): float(function(state)) for name, function in self.functions.items()}

    def key(self, name: str) -> str:
        """Return the name of a number in the table."""
        return f"{self.title}: {name}"


class Discrepancy(Numbers[Sample]):
    """KSD under a kernel that is fixed at the start, so its values can be compared; its name contains the bandwidth.

    `State.ksd` is another number: it uses the run's kernel, whose bandwidth may change at every step.
    """

    OLDER = "Stein discrepancy: KSD"  # the old name of the column; it stays for programs that read it

    def __init__(self, score: Scored, kernel: svgd.Kernel, length: float):
        self.length = length

        def ksd(state: Sample) -> Tensor:
            return svgd.ksd(state.x, score, kernel, length)

        super().__init__("Stein discrepancy", {"KSD": ksd}, "KSD", heading="KSD (Gaussian, h of step 0)")

    def key(self, name: str) -> str:
        return f"{self.title}: {name} (fixed kernel, h = {self.length:.3g})"

    def record(self, state: Sample) -> dict[str, float]:
        """Return a row of the run's table."""
        row = super().record(state)
        return row | {self.OLDER: next(iter(row.values()))}


@runtime_checkable
class Run(Protocol):
    """A run with a target and first particles, such as `ParticlesSettings`."""

    def density(self) -> Target:
        """Return the target."""

    def particles(self) -> Tensor:
        """Return the first particles."""


def of_run(run: Run) -> list[Numbers[Sample]]:
    """Return the numbers that a run's target allows: always KSD, then errors of known moments, and a classifier's
    accuracy.

    This KSD uses the RBF kernel at the median distance of the first particles. It is independent of the run's kernel.
    """
    target, length = run.density(), float(svgd.median_bandwidth(run.particles()))
    found: list[Numbers[Sample]] = [Discrepancy(lambda x: run.density().score(x), svgd.RBF(), length)]
    if target.covariance is not None:
        found.append(moment_errors(run.density))
    if target.classifies:
        found.append(accuracy(target))
    return found


def moment_errors(density: Callable[[], Target]) -> Numbers[Sample]:
    """Return the error of the particles' mean and variance, averaged over the dimensions.

    Args:
        density: () -> the target, with known moments; called at every step, because its modes may move.
    """

    def mean(state: Sample) -> Tensor:
        exact = density().mean
        return (state.x.mean(-2).cpu().double() - exact).abs().mean()  # type: ignore[operator]  # it is known

    def variance(state: Sample) -> Tensor:
        exact = density().covariance.diagonal()  # type: ignore[union-attr]  # it is known
        return (state.x.var(-2, correction=0).cpu().double() - exact).abs().mean()

    return Numbers(
        "Error of the moments", {"mean": mean, "variance": variance}, "|error|", heading="Error in mean and variance"
    )


def accuracy(target: Target) -> Numbers[Sample]:
    """Return the accuracy of a Bayesian classifier on the held-out rows."""
    return Numbers("Test accuracy", {"accuracy": lambda s: target.accuracy(s.x)}, "fraction correct", log=False)


def bandwidth() -> Numbers[svgd.State]:
    """Return the kernel's bandwidth, for SVGD only. With one bandwidth per dimension it is their mean."""

    return Numbers("Bandwidth", {"h": _mean_h}, "h, units of x", heading="Kernel bandwidth", without=NO_BANDWIDTH)


def _mean_h(state: svgd.State) -> Tensor:
    h = state.bandwidth
    return h.mean() if h.numel() > 1 else h  # to call torch takes longer than the rest of a status line


def status(state: svgd.State) -> str:
    """Return KSD and bandwidth of a state as text; a kernel without a bandwidth has none."""
    h = float(_mean_h(state))
    return f"{RUNS_KSD} {float(state.ksd):.3g}" + (f" · bandwidth h {h:.3g}" if math.isfinite(h) else "")
