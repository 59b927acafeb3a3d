"""The tab *Bias meter*: a test of one estimator for bias, block by block, until the evidence decides."""

import math
from dataclasses import dataclass, replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit.dreg import ESTIMATORS, exact, gaussian, sequential
from labkit.dreg.gaussian import Gaussian
from labkit.experiments import defaults, limits, titles
from labkit.experiments.devices import kept, moved, noise
from labkit.experiments.dreg import parameters
from labkit.experiments.dreg.variance import truth
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.training import schedules

SPACING = 1.02  # minimum ratio of the replicates at two neighbouring points of the history
FOUND = {"biased": "{} is biased", "none found": "{}: no bias found", "undecided": "{}: undecided"}  # verdict -> words
COLUMNS = ("replicates", "norm", "low", "high", "log10 e", "log10 e of the sum")


@dataclass(frozen=True, eq=False)
class BiasTest:
    """The sequential test of one estimator.

    history: `COLUMNS` after blocks at increasing distances, the newest last, [., 6]. exact: |bias|, None if unknown.
    verdict: the first verdict, None before it.
    """

    state: sequential.State
    history: Tensor
    exact: float | None
    verdict: sequential.Verdict | None = None

    @property
    def name(self) -> str:
        return self.state.estimator


@dataclass(frozen=True, eq=False)
class BiasTests:
    """The test of one estimator, or the tests of several estimators in one picture."""

    toy: Gaussian
    tests: tuple[BiasTest, ...]

    @property
    def t(self) -> int:
        return max(each.state.t for each in self.tests)

    @property
    def decided(self) -> bool:
        return all(each.verdict for each in self.tests)


class BiasSettings(ExperimentSettings[BiasTests]):
    """The test of one estimator: the settings, `start()` and `step(state)`.

    Args:
        device: the device that computes the replicates.
    """

    estimator = RegistrySelector(
        ESTIMATORS, titles=titles.ESTIMATORS, default="stl", label="Estimator",
        doc="Estimator to test, against DReG on the same samples. DReG itself is tested against IWAE. "
        + parameters.NAMES,
    )  # fmt: skip
    k = param.Integer(
        default=8,
        bounds=limits.SAMPLES,
        softbounds=(1, 256),
        label="Samples, K",
        doc="Number K of samples for one gradient.",
    )
    dim = parameters.dimensions(4)
    distance = parameters.offset(0.02)
    variance = parameters.variance()
    opposed = param.Boolean(
        default=True, label="Offsets that sum to 0",
        doc="Coordinates of m − a get both signs. Their biases cancel in the sum, not in the test of all coordinates.",
    )  # fmt: skip
    effect = param.Number(
        default=0.02, bounds=(0.005, 0.2), step=0.005, label="Smallest bias to detect (× noise)",
        doc="The test ends with “no bias found” when the whole 95 % interval of |bias| is below this. Unit: the noise "
        "of one gradient, which is the root of its summed variance.",
    )  # fmt: skip
    reveal = param.Boolean(
        default=True, label="Show the exact value",
        doc="The dashed line: the exact |bias|, where it is known. Lessons hide it while they ask.",
    )  # fmt: skip
    budget = param.Integer(default=defaults.REPLICATES, bounds=(sequential.BLOCK, None), precedence=-1)
    level = param.Number(default=defaults.LEVEL, bounds=limits.LEVEL, inclusive_bounds=(False, False), precedence=-1)
    seed = parameters.seed()

    def __init__(self, device: str = "cpu", **params: Any):
        self.device = device
        super().__init__(**params)

    def toy(self) -> Gaussian:
        """Return the model; if `opposed` is set and D > 1, the offset is turned so that it sums to 0."""
        toy = gaussian.instance(self.dim, self.distance, self.variance)
        if not self.opposed or self.dim == 1:
            return toy
        signs = torch.ones(self.dim, dtype=torch.float64)
        signs[1::2] = -1
        signs -= signs.mean()
        return replace(toy, mean=self.distance * signs / signs.norm())

    def start(self) -> BiasTests:
        """Return the state after the first block.

        Raises:
            ValueError: the estimator needs more samples.
        """
        toy = self.toy()
        none = torch.zeros(0, len(COLUMNS), dtype=torch.float64)
        first = sequential.start(toy, self.estimator, self.k, level=self.level)
        return self.step(BiasTests(toy, (BiasTest(first, none, self._exact()),)))

    def step(self, state: BiasTests) -> BiasTests:
        """Return the state after one more block, also after a verdict."""
        (test,) = state.tests
        source = noise(schedules.seed("bias", self.estimator, self.seed, test.state.t), self.device)
        before, toy = moved(test.state, self.device), moved(state.toy, self.device)
        new = kept(sequential.step(before, toy, generator=source))
        verdict = test.verdict or sequential.verdict(new, self.effect, self.budget)
        return replace(state, tests=(replace(test, state=new, history=_longer(test.history, new), verdict=verdict),))

    def _exact(self) -> float | None:
        chosen = ESTIMATORS[self.estimator]
        if chosen.steady:
            return 0.0
        if self.estimator not in exact.known():
            return None
        numbers = truth(self.dim, self.distance, self.variance, (self.k,))
        return numbers[exact.known().index(self.estimator), 0, 1].abs().item()


def _longer(history: Tensor, state: sequential.State) -> Tensor:
    """Return the history with a point for the state. It replaces the last point if that is too near the one before."""
    row = (state.n, state.norm, state.low, state.high, state.log_e / math.log(10), state.scalar_log_e() / math.log(10))
    near = len(history) > 1 and bool(history[-1, 0] < SPACING * history[-2, 0])
    return torch.cat([history[: len(history) - near], history.new_tensor(row)[None]])


def sentence(test: BiasTest, called: str = "") -> str:
    """Return the verdict, or the progress of the test, as text.

    Args:
        called: what to call the estimator, by default its name.
    """
    called = called or test.name
    state, said = test.state, test.verdict
    spent = f"{state.n:,} replicates"
    if said is None:
        return f"{called}: not decided after {spent}."
    known = "" if test.exact is None else f" (exact value: {test.exact:.3g})"
    between = f"{100 * (1 - state.level):g} % interval of |bias|: {state.low:.3g} to {state.high:.3g}{known}"
    t, p = (each.item() for each in state.scalar_t())
    signed = f"{t:.2f}".replace("-", "\N{MINUS SIGN}")
    alone = (
        "For comparison, an ordinary t-test of the means of all steps looks only at the sum over coordinates, in which "
        "opposite biases cancel. "
        f"It detects {'a' if p < state.level else 'no'} bias: t = {signed}, p = {p:.2g} (p below {state.level:g} "
        "counts as a sign of a bias)"
    )
    return f"{FOUND[said.word].format(called)} (after {spent}): {said.why}. {between}. {alone}."
