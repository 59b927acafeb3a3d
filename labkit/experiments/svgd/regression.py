"""Networks that are fitted to points by SVGD: the settings, the state and its numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import param
import torch
from jaxtyping import Float
from torch import Tensor

from labkit import svgd
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.experiments.svgd.regression_data import SETS, NoisyCurve, RegressionPoints
from labkit.targets import NeuralRegression


@dataclass(frozen=True, eq=False)
class Fitted:
    """Every particle a network, and the points that it learns from.

    Attributes:
        target: the posterior given the points that are neither held out nor kept back, standardised by those of the
            run's first step.
        back: which points are kept back for overwriting the noise; none where it is not.
        unit: what every y was multiplied by.
    """

    particles: svgd.State
    target: NeuralRegression
    rows: RegressionPoints
    back: Tensor
    unit: float | int = 1

    @property
    def t(self) -> int:
        return self.particles.t

    @property
    def theta(self) -> Float[Tensor, "n d"]:
        return self.particles.x

    @cached_property
    def learned(self) -> Float[Tensor, " n"]:
        """The noise that each particle has learned, in units of y."""
        return self.target.noise(self.theta)

    @cached_property
    def overwritten(self) -> tuple[Float[Tensor, " n"], int] | None:
        """The noise that the original program puts in its place, and how many it replaces; None if it is left."""
        if not self.back.any():
            return None
        return self.target.overwritten(self.theta, self.rows.x[self.back, None], self.rows.y[self.back])

    @property
    def noise(self) -> Float[Tensor, " n"]:
        """The noise that the band is drawn with."""
        return self.learned if self.overwritten is None else self.overwritten[0]

    def predict(self, x: Float[Tensor, " b"]) -> Float[Tensor, "n b"]:
        """What each network says at x, in units of y."""
        return self.target.predict(self.theta, x[:, None])

    def training_rmse(self) -> float:
        """Root mean squared error of the mean prediction on the points that are learned from, in units of y."""
        used = ~(self.rows.held | self.back)
        return float((self.predict(self.rows.x[used]).mean(0) - self.rows.y[used]).square().mean().sqrt())

    def held_out_rmse(self) -> float:
        """The same on the points held out."""
        return float(self.target.rmse(self.theta))

    def log_likelihood(self, noise: Tensor | None = None) -> float:
        """Mean log predictive density of the points held out, in nats, with the learned noise or another."""
        return float(self.target.test_log_likelihood(self.theta, noise))

    def overwritten_log_likelihood(self) -> float:
        """The same with the overwritten noise; NaN where it is left."""
        return float("nan") if self.overwritten is None else self.log_likelihood(self.overwritten[0])


def spread(
    f: Float[Tensor, "n b"], noise: Float[Tensor, " n"]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Mean of the particles' f, its standard deviation, and that of y: var y = var f + mean noise²."""
    variance, mean = torch.var_mean(f, 0, correction=0)
    return mean, variance.sqrt(), (variance + noise.square().mean()).sqrt()


class RegressionSettings(ExperimentSettings[Fitted]):
    """A regression by networks: `start()` and `step(state)` read the settings anew each time.

    Points that a hand has moved stay where they are until other ones are asked for.
    """

    data = RegistrySelector(
        SETS,
        label="Points",
        doc="Where the points come from. Cubic: x³, as in Hernández-Lobato & Adams (2015).",
    )
    times = param.Number(
        default=1.0, bounds=(0.0, 4.0), step=0.1, label="Noise of the points, × σ",
        doc="Multiplies the noise σ of the points, and makes new points.",
    )  # fmt: skip
    unit: "param.Selector[float | int]" = param.Selector(
        default=1, objects=[0.01, 1, 10, 100], label="Scale of y, ×",
        doc="Multiplies every y. The networks learn standardised y and see no difference.",
    )  # fmt: skip
    n = param.Integer(
        default=20, bounds=(1, 40), label="Particles, n", doc="Number n of networks, one for each particle."
    )
    hidden = param.Integer(
        default=5,
        bounds=(1, 30),
        label="Hidden units, h",
        doc="Hidden units h: 3h + 1 weights and two precisions.",
    )
    rate = param.Number(
        default=1.0, bounds=(0.01, 10.0), label="Prior rate, b",
        doc="Rate b of both Gamma priors: on the precision of the noise and of the weights. The original has 0.1.",
    )  # fmt: skip
    kernel = RegistrySelector(
        svgd.KERNELS, default="rbf", label="Kernel k",
        doc="How strongly networks act on each other at each distance. Its bandwidth follows the median rule.",
    )  # fmt: skip
    step_size = param.Number(
        default=0.01,
        bounds=(1e-4, 1.0),
        label="Step size, ε",
        doc="Step size ε of Adagrad. It acts on the next step.",
    )
    batch = param.Integer(
        default=0,
        bounds=(0, 60),
        label="Minibatch, B",
        doc="Number B of points used in each step; 0 uses all.",
    )
    original = param.Boolean(
        default=False, label="Overwrite noise as in the original",
        doc="Keeps a tenth of the points back. The error on them replaces the learned noise.",
    )  # fmt: skip
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed of the points and of the first networks."
    )

    def __init__(self, **params: Any) -> None:
        self._rows: RegressionPoints | None = None
        super().__init__(**params)

    # the points

    @property
    def made(self) -> NoisyCurve:
        """What the points are made of, for y in units of 1."""
        return SETS[self.data]

    @property
    def true_noise(self) -> float:
        """The standard deviation that the points were made with, in units of y."""
        return self.made.noise * self.times * self.unit

    @property
    def box(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of the picture, in units of y."""
        across, (low, high) = self.made.box
        return across, (low * self.unit, high * self.unit)

    def rows(self) -> RegressionPoints:
        """The points as they are: made, or where the hand has put them."""
        rows = self._rows or self.made.rows(torch.Generator().manual_seed(self.seed), self.times)
        return rows.scaled(self.unit)

    @param.depends("data", "times", "seed", watch=True)
    def forget(self) -> None:
        """Make the points anew at the next start."""
        self._rows = None

    # the run

    def start(self) -> Fitted:
        """The first state.

        Raises:
            ValueError: nothing can be learned from the points.
        """
        rows = self.rows()
        back = self._back(rows)
        target = NeuralRegression(*_table(rows, back), hidden=self.hidden, rate=self.rate)
        theta = target.initial(self.n, torch.Generator().manual_seed(self.seed))
        return Fitted(svgd.start(theta, **self._how(target)), target, rows, back, self.unit)

    def step(self, state: Fitted) -> Fitted:
        """One step of SVGD on the state's own points."""
        optimizer = svgd.Adagrad(self.step_size)
        return replace(state, particles=svgd.step(state.particles, optimizer=optimizer, **self._how(state.target)))

    def evaluate(self, state: Fitted) -> Fitted:
        """A state under the settings of now."""
        return replace(state, particles=svgd.evaluate(state.particles, **self._how(state.target)))

    def edit(self, state: Fitted, change: Callable[[RegressionPoints], RegressionPoints]) -> Fitted:
        """The same networks on other points, which the next start will have too."""
        rows = change(state.rows)
        back = self._back(rows)
        edited = self.evaluate(replace(state, target=state.target.with_rows(*_table(rows, back)), rows=rows, back=back))
        self._rows = rows.scaled(1 / state.unit)
        return edited

    def _back(self, rows: RegressionPoints) -> Tensor:
        return rows.kept_back() if self.original else torch.zeros_like(rows.held)

    def _how(self, target: NeuralRegression) -> dict[str, Any]:
        """Score and kernel as `svgd.start` takes them; minibatches in turn need no generator."""
        score = target.minibatch(min(self.batch, target.rows), "cyclic") if self.batch else target
        return {"score": score, "kernel": svgd.KERNELS[self.kernel]}


def _table(rows: RegressionPoints, back: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `NeuralRegression` takes: x, y and the row numbers held out, without the points kept back."""
    return rows.x[~back, None], rows.y[~back], rows.held[~back].nonzero()[:, 0]
