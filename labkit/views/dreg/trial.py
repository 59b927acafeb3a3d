"""An estimator on trial for bias: the settings, and the run that grows block by block until it is decided."""

import math
from dataclasses import dataclass, replace

import param
import torch
from torch import Tensor

from labkit.dreg import ESTIMATORS, exact, gaussian, sequential
from labkit.dreg.gaussian import Gaussian
from labkit.experiments.devices import kept, moved, noise
from labkit.training import schedules
from labkit.views.dreg.measuring import truth

LEVEL = 0.05
SPACING = 1.02  # of replicates between two points of the trail, at least
COLUMNS = ("replicates", "norm", "low", "high", "log10 e", "log10 e of the sum")


@dataclass(frozen=True, eq=False)
class Trial:
    """One estimator on trial.

    trail: `COLUMNS` after blocks ever farther apart, the newest last, [., 6]. exact: |bias|, None where it is
    not known. verdict: the first that was reached, None before.
    """

    state: sequential.State
    trail: Tensor
    exact: float | None
    verdict: sequential.Verdict | None = None

    @property
    def name(self) -> str:
        return self.state.estimator


@dataclass(frozen=True, eq=False)
class Trials:
    """One estimator on trial, or several that are shown in one picture."""

    toy: Gaussian
    trials: tuple[Trial, ...]

    @property
    def t(self) -> int:
        return max(each.state.t for each in self.trials)

    @property
    def decided(self) -> bool:
        return all(each.verdict for each in self.trials)


class Court(param.Parameterized):
    """The trial of one estimator: the settings, `start()` and `step(state)`."""

    estimator = param.Selector(
        default="stl", objects=list(ESTIMATORS), label="Estimator",
        doc="against DReG on the same samples; dreg itself against iwae",
    )  # fmt: skip
    k = param.Integer(default=8, bounds=(1, 256), label="Samples, K", doc="K: samples of one gradient")
    dim = param.Integer(default=4, bounds=(1, 50), label="Dimensions, D", doc="D: of z and of x")
    distance = param.Number(
        default=0.02, bounds=(0.0, 2.0), step=0.01, label="Offset, |m − a|",
        doc="|m − a|: from the mean m of q to the posterior's mean a",
    )  # fmt: skip
    variance = param.Number(
        default=gaussian.VARIANCE, bounds=(0.1, 2.0), step=1 / 120, label="Variance of q, V",
        doc="V: of each coordinate of q; the posterior's is 1/2",
    )  # fmt: skip
    opposed = param.Boolean(
        default=True, label="Offsets that sum to 0",
        doc="m − a with coordinates of both signs: biases cancel in their sum, not in Hotelling's T²",
    )  # fmt: skip
    effect = param.Number(
        default=0.02, bounds=(0.005, 0.2), step=0.005, label="Bias that matters, of the scatter",
        doc="“none found” once a |bias| above so much of the gradient's scatter, the root of its summed variance, is "
        "excluded",
    )  # fmt: skip
    budget = param.Integer(default=100_000, bounds=(sequential.BLOCK, None), precedence=-1)
    level = param.Number(default=LEVEL, bounds=(0.0, 1.0), inclusive_bounds=(False, False), precedence=-1)
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same replicates")

    def __init__(self, device: str = "cpu", **params):
        self.device = device  # where replicates are drawn
        super().__init__(**params)

    def toy(self) -> Gaussian:
        """The model, its offset turned so that it sums to 0 if asked for and if D allows it."""
        toy = gaussian.instance(self.dim, self.distance, self.variance)
        if not self.opposed or self.dim == 1:
            return toy
        signs = torch.ones(self.dim, dtype=torch.float64)
        signs[1::2] = -1
        signs -= signs.mean()
        return replace(toy, mean=self.distance * signs / signs.norm())

    def start(self) -> Trials:
        """The first block.

        Raises:
            ValueError: fewer samples than the estimator needs.
        """
        toy = self.toy()
        none = torch.zeros(0, len(COLUMNS), dtype=torch.float64)
        first = sequential.start(toy, self.estimator, self.k, level=self.level)
        return self.step(Trials(toy, (Trial(first, none, self._exact()),)))

    def step(self, state: Trials) -> Trials:
        """One block more, decided or not."""
        (trial,) = state.trials
        source = noise(schedules.seed("bias", self.estimator, self.seed, trial.state.t), self.device)
        before, toy = moved(trial.state, self.device), moved(state.toy, self.device)
        new = kept(sequential.step(before, toy, generator=source))
        verdict = trial.verdict or sequential.verdict(new, self.effect, self.budget)
        return replace(state, trials=(replace(trial, state=new, trail=_longer(trial.trail, new), verdict=verdict),))

    def _exact(self) -> float | None:
        chosen = ESTIMATORS[self.estimator]
        if chosen.steady:
            return 0.0
        if self.estimator not in exact.POLYNOMIALS:
            return None
        numbers = truth(self.dim, self.distance, self.variance, (self.k,))
        return numbers[list(exact.POLYNOMIALS).index(self.estimator), 0, 1].abs().item()


def _longer(trail: Tensor, state: sequential.State) -> Tensor:
    """The trail with a point for the state; the last one gives way to it if it was too near the one before."""
    row = (state.n, state.norm, state.low, state.high, state.log_e / math.log(10), state.scalar_log_e() / math.log(10))
    near = len(trail) > 1 and bool(trail[-1, 0] < SPACING * trail[-2, 0])
    return torch.cat([trail[: len(trail) - near], trail.new_tensor(row)[None]])


def sentence(trial: Trial) -> str:
    """The verdict in words, or how far it is."""
    state, said = trial.state, trial.verdict
    spent = f"{state.n:,} replicates"
    if said is None:
        return f"{trial.name}: not decided after {spent}."
    known = "" if trial.exact is None else f" (exactly {trial.exact:.3g})"
    between = f"|bias| is from {state.low:.3g} to {state.high:.3g}{known} with {100 * (1 - state.level):g} %"
    t, p = (each.item() for each in state.scalar_t())
    alone = f"The sum over coordinates alone: t = {t:.2f}, p = {p:.2g}"
    return f"{trial.name}: {said.word} after {spent}: {said.why}; {between}. {alone}."
