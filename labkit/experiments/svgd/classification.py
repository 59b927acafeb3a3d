"""Bayesian logistic regression in the plane: features of a point, the posterior of their weights, a run of SVGD on it.

P(y = 1 | x, w) = σ(w·(f(x), 1)),   w | α ~ N(0, I/α),   α ~ Gamma(1, rate b),   a particle is θ = (w, log α).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import param
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from labkit import svgd
from labkit.experiments import titles
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.experiments.shared import Latest
from labkit.experiments.svgd import classification_data as labelled
from labkit.experiments.svgd import words
from labkit.experiments.svgd.classification_data import HALF, LabelledPoints
from labkit.targets import logistic
from labkit.targets.scores import Scored

CLASSES = {"class 0 (blue circle)": False, "class 1 (orange triangle)": True}
UNIT = HALF / math.sqrt(3)  # standard deviation of a uniform distribution over the picture
SIDE = 6  # number of bumps along each side of the picture


def linear(x: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """Return both coordinates, scaled to mean 0 and variance 1 over the picture."""
    return x / UNIT


def quadratic(x: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 5"]:
    """Return all monomials of degree 1 and 2, scaled to mean 0 and variance 1 over the picture."""
    a, b = linear(x).unbind(-1)
    return torch.stack([a, b, a * b, (a * a - 1) / math.sqrt(0.8), (b * b - 1) / math.sqrt(0.8)], -1)  # E u⁴ = 1.8


def bumps(x: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch f"]:
    """Return Gaussian bumps of height 1 on a square lattice over the picture; width and spacing are equal."""
    along = torch.linspace(-HALF, HALF, SIDE, dtype=x.dtype, device=x.device)
    width = 2 * HALF / (SIDE - 1)
    return torch.exp(-0.5 * ((x[..., None, :] - torch.cartesian_prod(along, along)) / width).square().sum(-1))


FEATURES: dict[str, Callable[[Tensor], Tensor]] = {"linear": linear, "quadratic": quadratic, "bumps": bumps}


def rows(features: str, x: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch p"]:
    """Return the features of points, and a 1 for the bias."""
    return torch.cat([FEATURES[features](x), torch.ones_like(x[..., :1])], -1)


class ClassifierPosterior(logistic.Posterior):
    """The posterior of θ given points in the plane.

    The scale of the features depends on the picture only, so θ keeps its meaning when points are added, moved or
    removed. Any number of points works, also none or only one class.

    Args:
        features: a name in `FEATURES`.
        held: which points are held out; without any, the held-out accuracy is NaN.
    """

    def __init__(self, data: LabelledPoints, features: str, rate: float, held: Bool[Tensor, " n"]):
        self.data, self.features, self.held = data, features, held
        signed = rows(features, data.x) * torch.where(data.y, 1.0, -1.0)[:, None]
        names = *(f"w{j + 1}" for j in range(signed.shape[1] - 1)), "bias"
        super().__init__(signed[~held], signed[held], rate, names)

    @cached_property
    def opposite(self) -> "ClassifierPosterior":
        """The posterior with held-out points and training points exchanged; its held-out numbers describe the training
        points."""
        return ClassifierPosterior(self.data, self.features, self.rate, ~self.held)


@dataclass(frozen=True, eq=False)
class Classified:
    """The points, the posterior that they define, and the particles that move towards it."""

    data: LabelledPoints
    target: ClassifierPosterior
    run: svgd.State

    @property
    def t(self) -> int:
        return self.run.t

    @property
    def weights(self) -> Float[Tensor, "n p"]:
        """The weights of each particle, the bias last."""
        return self.run.x[:, :-1]

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracy on the held-out points and on the training points: share of points whose class has the larger mean
        probability."""
        held, used = (float(target.accuracy(self.run.x)) for target in (self.target, self.target.opposite))
        return held, used

    @property
    def log_likelihood(self) -> float:
        """Mean log probability of the true class over the held-out points, in nats; probabilities are means over
        particles."""
        return float(self.target.test_log_likelihood(self.run.x))


class ClassificationSettings(ExperimentSettings[Classified]):
    """A run on points that the user may change: the settings, `start()`, `step(state)` and `evaluate(state)`.

    `points` are the points of the next start: the set given by `data` and `seed`, with the user's changes.
    """

    data = RegistrySelector(
        labelled.SETS, [labelled.BARE], titles=titles.LABELLED, default="two moons", label="Points",
        doc="The points to start from. You can add, move and remove points.",
    )  # fmt: skip
    features = RegistrySelector(
        FEATURES, titles=titles.FEATURES, default="bumps", label="Features, f(x)",
        doc="The inputs f(x) of a classifier. Linear: x1 and x2. Quadratic: their squares and product, too. Bumps: 36 "
        "Gaussian bumps on a grid.",
    )  # fmt: skip
    label: "param.Selector[bool]" = param.Selector(
        default=True, objects=CLASSES, label="Class of a new point", doc="Class of the next point that you add."
    )
    n = param.Integer(
        default=50, bounds=(1, 200), label="Particles, n", doc="Number n of particles. Each is one classifier."
    )
    kernel = RegistrySelector(
        svgd.KERNELS, titles=titles.KERNELS, default="rbf", label="Kernel k",
        doc=words.KERNEL.format(what="particles") + " The median rule sets h.",
    )  # fmt: skip
    step_size = param.Number(
        default=0.1, bounds=(0.001, 2.0), label="Step size, ε", doc="Step size ε of Adagrad, in units of the weights."
    )
    batch = param.Integer(
        default=0, bounds=(0, labelled.MOST), label="Minibatch, B",
        doc="Number B of training points used in each step: the next B in a fixed order. 0 uses all points.",
    )  # fmt: skip
    rate = param.Number(
        default=10.0, bounds=(0.001, 100.0), label="Prior rate, b",
        doc="The weights have precision α (1/variance). Before any point is seen, α is Gamma(1, b), with mean 1/b. "
        "Larger b: smaller α, so larger weights.",
    )  # fmt: skip
    held = param.Number(
        default=0.25, bounds=(0.0, 0.5), step=0.05, label="Held-out share",
        doc="Share of the points that no step uses; they are hollow. Points that you add are always used.",
    )  # fmt: skip
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed of the points and of the first particles."
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._drawn: tuple[str, int] | None = None
        self._made = Latest[ClassifierPosterior]()

    def start(self) -> Classified:
        """Return the first state."""
        if self._drawn != (self.data, self.seed):
            self._drawn, self.points = (self.data, self.seed), labelled.drawn(self.data, self.seed)
        target = self.posterior(self.points, self.features)
        first = target.initial(self.n, torch.Generator().manual_seed(self.seed))
        return Classified(self.points, target, svgd.start(first, self.score(target), kernel=self._kernel))

    def take(self, points: LabelledPoints) -> None:
        """Use these points at the next start, until other points are chosen."""
        self._drawn, self.points = (self.data, self.seed), points

    def step(self, state: Classified) -> Classified:
        """Return the state one step later, for the points of this state."""
        target = self.posterior(state.data, state.target.features)
        move = svgd.OPTIMIZERS["adagrad"](self.step_size)
        run = svgd.step(state.run, self.score(target), kernel=self._kernel, optimizer=move)
        return replace(state, target=target, run=run)

    def evaluate(self, state: Classified, data: LabelledPoints | None = None) -> Classified:
        """Return the state, evaluated again with the current settings. Other points, if given, are kept for the next
        start."""
        if data is not None:
            self.points = data
        data = state.data if data is None else data
        target = self.posterior(data, state.target.features)
        return Classified(data, target, svgd.evaluate(state.run, self.score(target), kernel=self._kernel))

    def posterior(self, data: LabelledPoints, features: str) -> ClassifierPosterior:
        """Return the posterior. A new one is made only if an argument or a setting changed."""
        rate, held = self.rate, self.held
        key = data, features, rate, held
        return self._made.take(key, lambda: ClassifierPosterior(data, features, rate, data.held(held)))

    def score(self, target: ClassifierPosterior) -> Scored:
        """Return the score of all training points, or of a minibatch."""
        size = min(self.batch, target.rows)
        return target.minibatch(size, order="cyclic") if size else target

    @property
    def _kernel(self) -> svgd.Kernel:
        return svgd.KERNELS[self.kernel]
