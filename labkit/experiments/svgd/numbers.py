"""Numbers of a state that a run's table holds and its curves show: KSD, errors of the moments, accuracy, bandwidth."""

from collections.abc import Callable
from typing import Any

from labkit import svgd
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.targets import Target
from labkit.targets.scores import Scored

RUNS_KSD = "KSD (run's kernel)"  # what State.ksd is called wherever it is shown


class Numbers:
    """A few numbers of the state that share a unit.

    Args:
        title: the first part of their names in the table.
        functions: name -> function of the state.
        unit: of all of them.
        log: whether they span powers of ten; a logarithmic axis leaves out what is not positive.
        heading: what a picture calls them, if not by the title.
    """

    def __init__(
        self,
        title: str,
        functions: dict[str, Callable[[Any], Any]],
        unit: str = "",
        log: bool = True,
        heading: str = "",
    ):
        self.title, self.functions, self.unit, self.log = title, functions, unit, log
        self.heading = heading or title

    def record(self, state: Any) -> dict[str, float]:
        """Return a row of the run's table."""
        return {self.key(name): float(function(state)) for name, function in self.functions.items()}

    def key(self, name: str) -> str:
        """Return the name of a number in the table."""
        return f"{self.title}: {name}"


class Discrepancy(Numbers):
    """KSD under a kernel that stays as it was at the start, so that its values compare; its name says which.

    `State.ksd` is another number: it is taken under the run's kernel, whose bandwidth may change at every step.
    """

    OLDER = "Stein discrepancy: KSD"  # the column's name in files of before; it stays for programs that read it

    def __init__(self, score: Scored, kernel: svgd.Kernel, length: float):
        self.length = length
        functions = {"KSD": lambda s: svgd.ksd(s.x, score, kernel, length)}
        super().__init__("Stein discrepancy", functions, "KSD (h of step 0)", heading="KSD (fixed RBF kernel)")

    def key(self, name: str) -> str:
        return f"{self.title}: {name} (fixed kernel, h = {self.length:.3g})"

    def record(self, state: Any) -> dict[str, float]:
        """Return a row of the run's table."""
        row = super().record(state)
        return row | {self.OLDER: next(iter(row.values()))}


def of_run(run: ParticlesSettings) -> list[Numbers]:
    """Return what a run's target allows: KSD always, then the errors of known moments, a classifier's accuracy.

    KSD has the RBF kernel at the median length of the first particles, whatever the run's own kernel is.
    """
    target, length = run.density(), float(svgd.median_bandwidth(run.particles()))
    found: list[Numbers] = [Discrepancy(lambda x: run.density().score(x), svgd.RBF(), length)]
    if target.covariance is not None:
        found.append(moment_errors(run.density))
    if target.classifies:
        found.append(accuracy(target))
    return found


def moment_errors(density: Callable[[], Target]) -> Numbers:
    """Return how far the particles' mean and variance are from the target's own, averaged over the dimensions.

    Args:
        density: () -> the target; read at every step, for its modes may be moved.
    """

    def mean(state: Any) -> Any:
        return (state.x.mean(-2).cpu().double() - density().mean).abs().mean()

    def variance(state: Any) -> Any:
        exact = density().covariance.diagonal()  # type: ignore[union-attr]  # only where it is known
        return (state.x.var(-2, correction=0).cpu().double() - exact).abs().mean()

    return Numbers(
        "Error of the moments", {"mean": mean, "variance": variance}, "|error|", heading="Error in mean and variance"
    )


def accuracy(target: Any) -> Numbers:
    """Return the accuracy of a Bayesian classifier on the held-out rows."""
    return Numbers("Test accuracy", {"accuracy": lambda s: target.accuracy(s.x)}, "fraction correct", log=False)


def bandwidth() -> Numbers:
    """Return the kernel's length, of SVGD only; its mean over the dimensions where each has its own."""
    return Numbers("Bandwidth", {"h": lambda s: s.bandwidth.mean()}, "h, units of x", heading="Kernel bandwidth")
