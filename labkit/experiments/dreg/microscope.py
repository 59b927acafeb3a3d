"""The tab *Microscope*: draws of K samples in the plane, with weight, path gradient and score of each sample."""

import math
from dataclasses import dataclass
from typing import Any

import param
import torch
from torch import Tensor

from labkit.dreg import ESTIMATORS, coefficients, effective_sample_size, exact, gaussian
from labkit.dreg.gaussian import Gaussian
from labkit.experiments import titles
from labkit.experiments.devices import kept, moved, noise
from labkit.experiments.dreg import parameters
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.training import schedules

FIRST = "iwae"  # the plain gradient, compared with another estimator
KEPT = 300  # number of kept gradients of earlier draws


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw of K samples in the plane, and its gradients.

    compared: names of the two estimators. z, path, score: samples, G and H of each, [K, 2]. w: weights that sum to 1,
    [K]. terms: the contribution of each sample to the gradients of both estimators, [2, K, 2]. gradients: one per draw
    so far, this one last, [., 2, 2]. truth: the gradient of the bound L at this K, [2]. scatter: standard deviation of
    a coordinate of iwae's gradient.
    """

    compared: tuple[str, str]
    toy: Gaussian
    z: Tensor
    path: Tensor
    score: Tensor
    w: Tensor
    terms: Tensor
    ess: float
    gradients: Tensor
    truth: Tensor
    scatter: float
    t: int = 0


class MicroscopeSettings(ExperimentSettings[Draw]):
    """Draws of K samples: the settings, `start()` and `step(state)`.

    Args:
        device: the device that computes the samples.
    """

    estimator = RegistrySelector(
        ESTIMATORS, without=FIRST, titles=titles.ESTIMATORS, default="dreg",
        label=f"Compare {titles.estimator(FIRST)} with",
        doc=f"Estimator to compare with {titles.estimator(FIRST)} on the same samples. {parameters.NAMES}",
    )  # fmt: skip
    k = param.Integer(default=8, bounds=(1, 64), label="Samples, K", doc="Number K of samples in one draw.")
    distance = parameters.offset(0.7)
    variance = parameters.variance(
        "Variance V of both coordinates of q, which approximates the posterior. The posterior has 1/2."
    )
    seed = parameters.seed("Random seed. The same seed gives the same samples.")

    def __init__(self, device: str = "cpu", **params: Any):
        self.device = device
        super().__init__(**params)

    def start(self) -> Draw:
        """Return the first draw.

        Raises:
            ValueError: the estimator needs more samples.
        """
        toy = gaussian.instance(2, self.distance, self.variance)
        found = exact.answers(toy, (self.k,), (FIRST,))
        truth, scatter = toy.direction.nan_to_num() * found.mean[0, 0], math.sqrt(found.variance[0, 0])
        return self._drawn((FIRST, self.estimator), toy, truth, scatter, torch.zeros(0, 2, 2).double(), self.k, 0)

    def step(self, state: Draw) -> Draw:
        """Return the next draw."""
        s = state
        return self._drawn(s.compared, s.toy, s.truth, s.scatter, s.gradients, len(s.w), s.t + 1)

    def _drawn(
        self, compared: tuple[str, str], toy: Gaussian, truth: Tensor, scatter: float, before: Tensor, k: int, t: int
    ) -> Draw:
        source, toy = noise(schedules.seed("lens", self.seed, t), self.device), moved(toy, self.device)
        e = torch.randn(k, 2, generator=source, dtype=torch.float64, device=self.device)
        log_w = toy.log_weights(e)
        path, score = -toy.offset / gaussian.POSTERIOR_VARIANCE + toy.path_slope * e, e / toy.sigma
        terms = torch.stack([_terms(name, log_w, path, score) for name in compared])
        gradients = torch.cat([before, kept(terms.sum(1)[None])])[-KEPT:]
        ess = float(effective_sample_size(log_w))
        z, w = toy.mean + toy.sigma * e, log_w.softmax(0)
        return kept(Draw(compared, toy, z, path, score, w, terms, ess, gradients, truth, scatter, t))


def _terms(name: str, log_w: Tensor, path: Tensor, score: Tensor) -> Tensor:
    """Return the contribution of each sample to an estimator's gradient, [K, 2]."""
    of_path, of_score, _ = coefficients(name, log_w)
    return of_path[:, None] * path + of_score[:, None] * score
