"""The tab *Alpha dial*: bias and variance of dreg-alpha, for every alpha from the same batches."""

from dataclasses import dataclass, replace
from typing import Any

import param

from labkit.dreg import frontier, gaussian, laboratory
from labkit.dreg.frontier import Frontier
from labkit.dreg.gaussian import Gaussian
from labkit.experiments import limits
from labkit.experiments.devices import kept, moved, noise
from labkit.experiments.dreg import parameters
from labkit.experiments.dreg.variance import batch_size
from labkit.experiments.settings import ExperimentSettings
from labkit.training import schedules

MOST = 1024  # maximum number of replicates per step


@dataclass(frozen=True, eq=False)
class Frontiers:
    """The moments of both parts over all batches, and the measured and exact frontiers."""

    toy: Gaussian
    total: laboratory.State
    measured: Frontier
    exact: Frontier

    @property
    def t(self) -> int:
        return self.total.t


class AlphaSettings(ExperimentSettings[Frontiers]):
    """dreg-alpha at one K: the settings, `start()` and `step(state)`.

    Args:
        device: the device that computes the replicates.
    """

    alpha = param.Number(
        default=0.5, bounds=limits.ALPHA, step=0.01, label="Alpha",
        doc="0: DReG, for the gradient of the bound L. 1: RWS-DReG, for the gradient of wake-sleep. The DReG paper "
        "(Tucker et al. 2019) uses 0.9. The best value depends on K, D and q.",
    )  # fmt: skip
    k = param.Integer(default=4, bounds=(1, 256), label="Samples, K", doc="Number K of samples for one gradient.")
    dim = parameters.dimensions()
    distance = parameters.offset(0.5)
    variance = parameters.variance()
    seed = parameters.seed()

    def __init__(self, device: str = "cpu", **params: Any):
        self.device = device
        super().__init__(**params)

    def start(self) -> Frontiers:
        """Return the state after the first batch."""
        toy = gaussian.instance(self.dim, self.distance, self.variance)
        total = self._batch(toy, 0)
        return Frontiers(toy, total, frontier.measured(total), frontier.true(toy, self.k))

    def step(self, state: Frontiers) -> Frontiers:
        """Return the state after one more batch."""
        total = laboratory.merged(state.total, self._batch(state.toy, state.t))
        return replace(state, total=total, measured=frontier.measured(total))

    def _batch(self, toy: Gaussian, t: int) -> laboratory.State:
        source, toy = noise(schedules.seed("alpha", self.seed, t), self.device), moved(toy, self.device)
        replicates = min(MOST, batch_size(len(frontier.PARTS), toy.dim, self.k))
        first = laboratory.start(toy, frontier.PARTS, (self.k,))
        return kept(laboratory.step(first, toy, generator=source, replicates=replicates))
