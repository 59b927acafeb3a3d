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
from labkit.experiments import titles
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.experiments.svgd import words
from labkit.experiments.svgd.regression_data import SETS, GivenPoints, NoisyCurve, RegressionPoints
from labkit.targets import NeuralRegression


@dataclass(frozen=True, eq=False)
class Fitted:
    """Networks, one per particle, and the points that they learn from.

    Attributes:
        target: the posterior given the training points, standardised by the training points of the first step.
        back: the points reserved for overwriting the noise; all False without overwriting.
        unit: the factor of every y.
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
        """The noise learned by each particle, in units of y."""
        return self.target.noise(self.theta)

    @cached_property
    def overwritten(self) -> tuple[Float[Tensor, " n"], int] | None:
        """The noise that the original program uses instead, and the number of replaced values; None without
        overwriting."""
        if not self.back.any():
            return None
        return self.target.overwritten(self.theta, self.rows.x[self.back, None], self.rows.y[self.back])

    @property
    def noise(self) -> Float[Tensor, " n"]:
        """The noise used for the band."""
        return self.learned if self.overwritten is None else self.overwritten[0]

    def predict(self, x: Float[Tensor, " b"]) -> Float[Tensor, "n b"]:
        """Return the prediction of each network at x, in units of y."""
        return self.target.predict(self.theta, x[:, None])

    def training_rmse(self) -> float:
        """Return the root mean squared error of the mean prediction on the training points, in units of y."""
        used = ~(self.rows.held | self.back)
        return float((self.predict(self.rows.x[used]).mean(0) - self.rows.y[used]).square().mean().sqrt())

    def held_out_rmse(self) -> float:
        """Return the root mean squared error of the mean prediction on the held-out points, in units of y."""
        return float(self.target.rmse(self.theta))

    def log_likelihood(self, noise: Tensor | None = None) -> float:
        """Return the mean log predictive density of the held-out points in nats, with the learned or other noise."""
        return float(self.target.test_log_likelihood(self.theta, noise))

    def overwritten_log_likelihood(self) -> float:
        """Return the same with the overwritten noise; NaN without overwriting."""
        return float("nan") if self.overwritten is None else self.log_likelihood(self.overwritten[0])


def spread(
    f: Float[Tensor, "n b"], noise: Float[Tensor, " n"]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Return mean and standard deviation of the particles' f, and the standard deviation of y: var y = var f + mean
    noise²."""
    variance, mean = torch.var_mean(f, 0, correction=0)
    return mean, variance.sqrt(), (variance + noise.square().mean()).sqrt()


class RegressionSettings(ExperimentSettings[Fitted]):
    """A regression with networks: `start()` and `step(state)` read the settings at each call.

    Points that the user moved keep their places until other points are made.
    """

    data = RegistrySelector(
        SETS,
        titles=titles.CURVES,
        label="Points",
        doc="Where the points come from. Cubic: x³, as in Hernández-Lobato & Adams (2015).",
    )
    times = param.Number(
        default=1.0, bounds=(0.0, 4.0), step=0.1, label="Noise of the points, × σ",
        doc="Multiplies the noise σ of the points, and makes new points.",
    )  # fmt: skip
    unit: "param.Selector[float | int]" = param.Selector(
        default=1, objects=[0.01, 1, 10, 100], label="Scale of y, ×",
        doc="Multiplies every y, as a change from metres to centimetres does. "
        "The networks learn standardised y, so the picture keeps its "
        "shape. Only the numbers in units of y and the log-likelihood change.",
    )  # fmt: skip
    n = param.Integer(
        default=20, bounds=(1, 40), label="Particles, n", doc="Number n of networks, one for each particle."
    )
    hidden = param.Integer(
        default=5,
        bounds=(1, 30),
        label="Hidden units, H",
        doc="Hidden units H of each network: 3H + 1 weights. A particle also has two precisions (1/variance), of the "
        "noise and of the weights.",
    )
    rate = param.Number(
        default=1.0, bounds=(0.01, 10.0), label="Prior rate, b",
        doc="b sets what is expected before any point is seen. Larger b: more noise and larger weights. It is the "
        "rate of two Gamma priors (see More below the pictures). The original program has 0.1.",
    )  # fmt: skip
    kernel = RegistrySelector(
        svgd.KERNELS, titles=titles.KERNELS, default="rbf", label="Kernel k",
        doc=words.KERNEL.format(what="networks") + " The median rule sets h.",
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
        doc="Number B of training points used in each step; 0 uses all.",
    )
    original = param.Boolean(
        default=False, label="Overwrite the learned noise",
        doc="The outer band then uses each network's error on reserved points instead of its learned noise, as in "
        "the program of the authors of SVGD. A tenth of the training points is reserved (purple "
        "diamonds). The networks do not learn from them, and the RMSE leaves them out.",
    )  # fmt: skip
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed of the points and of the first networks."
    )

    def __init__(self, **params: Any) -> None:
        self._rows: RegressionPoints | None = None
        self._given: GivenPoints | None = None
        super().__init__(**params)

    # the points

    @property
    def made(self) -> NoisyCurve | GivenPoints:
        """The curve and the noise of the points, with the unit of y equal to 1; for given points both are unknown."""
        return self._given or SETS[self.data]

    def take(self, points: GivenPoints) -> None:
        """Use these points at the next start, until another set is chosen."""
        self._rows, self._given = None, points

    @param.depends("data", watch=True)
    def _drop(self) -> None:
        self._given = None

    @property
    def true_noise(self) -> float:
        """The standard deviation of the noise in the points, in units of y."""
        return self.made.noise * self.times * self.unit

    @property
    def box(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ranges of the picture, in units of y."""
        across, (low, high) = self.made.box
        return across, (low * self.unit, high * self.unit)

    def rows(self) -> RegressionPoints:
        """Return the current points: as they were made, or with the user's changes."""
        rows = self._rows or self.made.rows(torch.Generator().manual_seed(self.seed), self.times)
        return rows.scaled(self.unit)

    @param.depends("data", "times", "seed", watch=True)
    def forget(self) -> None:
        """Make new points at the next start."""
        self._rows = None

    def true_rmse(self, state: Fitted) -> float:
        """Return the root mean squared error of the true curve on the held-out points, in units of y."""
        x, y = state.rows.x[state.rows.held], state.rows.y[state.rows.held]
        return float((self.made.curve(x) * self.unit - y).square().mean().sqrt())

    # the run

    def start(self) -> Fitted:
        """Return the first state.

        Raises:
            ValueError: the networks cannot learn from these points.
        """
        rows = self.rows()
        back = self._back(rows)
        target = NeuralRegression(*_table(rows, back), hidden=self.hidden, rate=self.rate)
        theta = target.initial(self.n, torch.Generator().manual_seed(self.seed))
        return Fitted(svgd.start(theta, **self._how(target)), target, rows, back, self.unit)

    def step(self, state: Fitted) -> Fitted:
        """Return the state one step of SVGD later, for the points of this state."""
        optimizer = svgd.Adagrad(self.step_size)
        return replace(state, particles=svgd.step(state.particles, optimizer=optimizer, **self._how(state.target)))

    def evaluate(self, state: Fitted) -> Fitted:
        """Return the state, evaluated again with the current settings."""
        return replace(state, particles=svgd.evaluate(state.particles, **self._how(state.target)))

    def edit(self, state: Fitted, change: Callable[[RegressionPoints], RegressionPoints]) -> Fitted:
        """Return the state with the same networks and other points. The next start uses these points, too."""
        rows = change(state.rows)
        back = self._back(rows)
        edited = self.evaluate(replace(state, target=state.target.with_rows(*_table(rows, back)), rows=rows, back=back))
        self._rows = rows.scaled(1 / state.unit)
        return edited

    def _back(self, rows: RegressionPoints) -> Tensor:
        return rows.kept_back() if self.original else torch.zeros_like(rows.held)

    def _how(self, target: NeuralRegression) -> dict[str, Any]:
        """Return score and kernel as arguments of `svgd.start`. Cyclic minibatches need no generator."""
        score = target.minibatch(min(self.batch, target.rows), "cyclic") if self.batch else target
        return {"score": score, "kernel": svgd.KERNELS[self.kernel]}


def _table(rows: RegressionPoints, back: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the arguments of `NeuralRegression`: x, y and the held-out rows, without the reserved points."""
    return rows.x[~back, None], rows.y[~back], rows.held[~back].nonzero()[:, 0]
