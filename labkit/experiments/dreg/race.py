"""The tab *Race*: small networks with different estimators that train on the bundled digits at the same time."""

from typing import Any

import param

from labkit.data import load
from labkit.dreg import ESTIMATORS, racing
from labkit.experiments import defaults, limits, titles
from labkit.experiments.dreg import parameters
from labkit.experiments.settings import ExperimentSettings

CLOCKS = ["steps", "seconds of its own"]


class RaceSettings(ExperimentSettings[racing.State]):
    """Several small networks that differ only in the estimator: the settings, `start()` and `step(state)`.

    Args:
        device: the device that trains the networks.
    """

    estimators = parameters.estimators(
        "One network (lane) for each estimator. All have the same first weights, minibatches and random numbers. "
        + parameters.NAMES
    )
    against: "param.Selector[str]" = param.Selector(
        objects={"steps": CLOCKS[0], "processor seconds": CLOCKS[1]}, label="Horizontal axis",
        doc="Steps, or the processor seconds that the steps of each lane (network) took.",
    )  # fmt: skip
    k = param.Integer(
        default=defaults.RACE_SAMPLES, bounds=limits.SAMPLES, softbounds=(1, 128), label="Samples, K",
        doc="Number K of samples for one gradient. It acts on the next step.",
    )  # fmt: skip
    batch = param.Integer(
        default=defaults.BATCH, bounds=limits.BATCH, softbounds=(1, 128), label="Batch size",
        doc="Training images per step. It acts on the next step.",
    )  # fmt: skip
    lr = param.Number(
        default=defaults.LEARNING_RATE, bounds=limits.LEARNING_RATE, softbounds=(1e-5, 1.0), label="Learning rate",
        doc="Learning rate of Adam. It acts on the next step.",
    )  # fmt: skip
    alpha = param.Number(
        default=0.9, bounds=limits.ALPHA, step=0.05, label="Alpha of DReG-alpha",
        doc="From 0 (DReG) to 1 (RWS-DReG). It acts on the next step.",
    )  # fmt: skip
    seed = parameters.seed("Random seed of the first weights, the minibatches and all random numbers.")

    def __init__(self, device: str = "cpu", **params: Any):
        self.device = device
        super().__init__(**params)
        takers = [name for name, each in ESTIMATORS.items() if "alpha" in each.chosen]
        self.param.alpha.label = f"Alpha of {' and '.join(map(titles.estimator, takers))}"

    def start(self) -> racing.State:
        """Return the state before the first step.

        Raises:
            ValueError: no estimator is chosen, or an estimator needs a larger K.
        """
        images = (load("digits", split)[0].to(self.device) for split in ("train", "test"))
        self.track = racing.Track(*images, seed=self.seed)
        entries = [racing.Entry(name) for name in ESTIMATORS if name in self.estimators]
        return racing.start(self.track, entries, k=self.k, alpha=self.alpha)

    def step(self, state: racing.State) -> racing.State:
        """Return the state after one step in every lane.

        Raises:
            ValueError: for the same reasons as `racing.step`.
        """
        return racing.step(state, self.track, k=self.k, batch=self.batch, lr=self.lr, alpha=self.alpha)
