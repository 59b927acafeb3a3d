"""All settings of an SVGD run in one object, for the controls of a page, a notebook or a command line."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit import baselines, svgd, targets
from labkit.experiments import defaults, limits, titles
from labkit.experiments.settings import ExperimentSettings, RegistrySelector
from labkit.experiments.shared import Latest
from labkit.experiments.svgd import modes, refusals, words
from labkit.targets import LISTS, PARAMETERS, TARGETS, TEXTS, drawn
from labkit.targets.base import HasSampler, Range
from labkit.targets.registry import Known
from labkit.targets.scores import Scored
from labkit.targets.typed import EXAMPLE

Sample = svgd.State | baselines.State  # a state with particles x

STARTS = ("normal", "uniform", "target")
OF_TARGET = ("preconditioned",)  # kernels that use properties of the target
FIXED = "fixed"  # replaces a bandwidth rule: the setting `length` is used
TEMPERS = {"none": None, "linear": targets.linear_schedule, "cyclical": targets.cyclical_schedule}
SNAPSHOTS = 0, 50, 75, 100, 150, 500  # steps whose states stay in the picture, as in the original's figure
TYPED = {"text": "formula", "code": "drawing"}  # a target's text -> setting
MODES = {"means": "means", "weights": "weights", "scales": "scale"}  # a target's list (one number per mode) -> setting
ROOM = 3.5  # the picture includes this many standard deviations of the start
ABOVE_0, OPEN = (0.0, None), (False, True)  # bounds of a length; 0 itself is not allowed


class ParticlesSettings(ExperimentSettings[svgd.State]):
    """A run of SVGD: `start()` and `step(state)` read the settings at each call.

    Raises (at `start` or `step`):
        ValueError: settings that do not fit together; the message says what to do.
    """

    target = RegistrySelector(
        TARGETS,
        titles=titles.TARGETS,
        default=defaults.TARGET,
        label="Target p(x)",
        doc="The density that the particles move to.",
    )
    shape = param.Dict(default={}, doc="parameters of the target by name")
    means = param.List(default=[-2.0, 2.0], doc="means of the mixture on a line, in units of x")
    weights = param.List(default=[1 / 3, 2 / 3], doc="weights of the mixture on a line; they sum to 1")
    scale = param.Number(
        default=1.0,
        bounds=ABOVE_0,
        inclusive_bounds=OPEN,
        softbounds=(0.1, 3.0),
        step=0.05,
        label="Width of the modes, σ",
        doc="Standard deviation σ of every mode (peak), in units of x.",
    )
    formula = param.String(
        default=EXAMPLE,
        label="Formula, log p",
        doc="Log-density up to a constant, in x, or in x and y for the plane. Allowed: numbers, + - * / ** ( ), exp, "
        "log, sqrt, sin, cos, tan, tanh, abs, min, max. labkit normalises it.",
    )
    drawing = param.String(
        default=drawn.EXAMPLE, label="Drawing", doc="Code of a drawn density; draw in the square to change it."
    )
    n = param.Integer(
        default=100,
        bounds=limits.PARTICLES,
        softbounds=(1, 2000),
        label="Particles, n",
        doc="Number n of particles. A page takes 2,000 at most, because every step compares all pairs. svgd.watch in "
        "Python shows more.",
    )
    begin: "param.Selector[str]" = param.Selector(
        default=defaults.START,
        objects=titles.offered(STARTS, titles.STARTS),
        label="Start",
        doc="Where the first particles come from: a normal or uniform distribution, or the target itself.",
    )
    begin_mean = param.Number(
        default=-10.0,
        softbounds=(-15.0, 15.0),
        step=0.1,
        label="Start mean, m₀",
        doc="Mean m₀ of the normal start in every coordinate, in units of x.",
    )
    begin_scale = param.Number(
        default=1.0,
        bounds=ABOVE_0,
        inclusive_bounds=OPEN,
        softbounds=(0.01, 5.0),
        step=0.01,
        label="Start width, s₀",
        doc="Standard deviation s₀ of the normal start, in units of x.",
    )
    kernel = RegistrySelector(
        svgd.KERNELS,
        OF_TARGET,
        titles=titles.KERNELS,
        default=defaults.KERNEL,
        label="Kernel k",
        doc=words.KERNEL.format(what="particles")
        + " Preconditioned: a Gaussian that measures distance by the target's inverse covariance.",
    )
    bandwidth = RegistrySelector(
        svgd.RULES,
        [FIXED],
        titles=titles.BANDWIDTHS,
        default=defaults.RULE,
        label="Bandwidth rule",
        doc="The bandwidth h is the distance over which particles act on each other; this rule finds it. Median "
        "(usual): h² = m/(2 log(n + 1)), where m is the median of all n² squared distances. Paper's rule: that of Liu "
        "& Wang (2016), h = d/√(2 log n), where d is the median distance of two particles. Median of 256 particles: "
        "the rule Median, on at most 256 of them. Median, every tenth step: h stays the same in between. Fixed: you "
        "set h.",
    )
    length = param.Number(
        default=1.0,
        bounds=ABOVE_0,
        inclusive_bounds=OPEN,
        softbounds=(0.01, 100.0),
        label="Fixed bandwidth, h",
        doc="Bandwidth h of the kernel, in units of x, if the rule is fixed.",
    )
    optimizer = RegistrySelector(
        svgd.OPTIMIZERS,
        titles=titles.OPTIMIZERS,
        default=defaults.OPTIMIZER,
        label="Optimiser",
        doc="Turns the direction φ into a move: Adagrad as in the original program, Adam, or plain steps ε φ.",
    )
    step_size = param.Number(
        default=defaults.STEP_SIZE,
        bounds=ABOVE_0,
        inclusive_bounds=OPEN,
        softbounds=(0.001, 2.0),
        label="Step size, ε",
        doc="Step size ε. For Adagrad and Adam it is in units of x.",
    )
    temper = RegistrySelector(
        TEMPERS,
        titles=titles.TEMPERS,
        default=defaults.TEMPER,
        label="Tempering",
        doc="Multiplies the score ∇log p, the gradient in the drive (the uphill part of a step), by β. Linear: β grows "
        f"to 1 once, in {defaults.TEMPERED} steps. Cyclical: five times in these steps. After them β is 1. While β is "
        "small, the repulsion is stronger than the drive. It spreads the particles, so some find far modes.",
    )
    batch = param.Integer(
        default=0,
        bounds=(0, None),
        softbounds=(0, 455),
        label="Minibatch, B",
        doc="Number B of data rows used in each step; 0 uses all rows.",
    )
    seed = param.Integer(
        default=0,
        bounds=(0, None),
        softbounds=(0, 9999),
        label="Seed",
        doc="Random seed of the first particles. The same seed gives the same run.",
    )

    def __init__(self, device: str = "cpu", **params: Any) -> None:
        self.device = device
        self._made = Latest[Known]()
        super().__init__(**params)

    def but(self, **changes: Any) -> "ParticlesSettings":
        """Return the same settings with some changes. The limits of a server stay.

        Raises:
            ValueError: a setting does not accept its value.
        """
        values = {name: value for name, value in self.param.values().items() if name != "name"}
        other = ParticlesSettings(self.device, **values)
        for name, ceiling in self.ceilings.items():
            other.limit(name, *ceiling)
        other.param.update(**changes)
        other._made = self._made.copy()
        return other

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this: outside the sliders' range, some parameters of a target make runs very
        slow, and a formula may be wrong."""
        if name in TYPED.values() and value != self.param[name].default:
            return refusals.of_text(name, value)
        return refusals.of_shape(value) if name == "shape" else ""

    # what the settings define

    @property
    def described(self) -> tuple[Hashable, ...]:
        """What the target depends on."""
        own = tuple(self.means), tuple(self.weights), self.scale
        return self.target, tuple(sorted(self.shape.items())), *own, self.formula, self.drawing

    def density(self) -> Known:
        """Return the target. A new one is made only if its settings changed."""
        return self._made.take(self.described, self._make)

    def _make(self) -> Known:
        own = {name: getattr(self, setting) for name, setting in modes_of(self.target).items()}
        own |= {name: getattr(self, TYPED[name]) for name in TEXTS.get(self.target, ())}
        shape = {name: value for name, value in self.shape.items() if name in PARAMETERS.get(self.target, {})}
        return targets.make(self.target, **own, **shape)

    def score(self) -> Scored:
        """Return the score of the target: exact, of a minibatch, or tempered."""
        target = self.density()
        score = target.minibatch(self.batch, order="cyclic") if self.batch and target.rows else target
        schedule = TEMPERS[self.temper]
        return score if schedule is None else targets.Annealed(score, schedule(defaults.TEMPERED))

    def arguments(self) -> dict[str, Any]:
        """Return kernel and bandwidth as arguments of `svgd.start`."""
        return {"kernel": self.make_kernel(), "bandwidth": self.length if self.bandwidth == FIXED else self.bandwidth}

    def make_kernel(self) -> svgd.Kernel:
        """Return the kernel; the preconditioned kernel uses the target's precision."""
        if self.kernel not in OF_TARGET:
            return svgd.KERNELS[self.kernel]
        target = self.density()
        if target.covariance is None:
            raise ValueError(
                f"the preconditioned kernel needs a known covariance, and {target.name} has none; choose another kernel"
            )
        return svgd.Preconditioned(torch.linalg.inv(target.covariance))

    def box(self) -> Range:
        """Return ranges for a picture that include the target and a normal start."""
        reach = ROOM * self.begin_scale
        low, high = self.begin_mean - reach, self.begin_mean + reach
        wide = self.begin == "normal"
        return tuple((min(a, low), max(b, high)) if wide else (a, b) for a, b in self.density().plot_range)

    def move_handle(self, i: int, x: float, height: float) -> None:
        """Set a mode's mean to x and its weight by its height; the other weights share the rest."""
        self._set_modes(*modes.moved(self.means, self.weights, self.scale, i, x, height))

    def add_mode(self, x: float) -> None:
        """Add a mode at x."""
        self._set_modes(*modes.added(self.means, self.weights, x))

    def remove_mode(self, i: int) -> None:
        """Remove mode i; the last one stays."""
        self._set_modes(*modes.removed(self.means, self.weights, i))

    def _set_modes(self, means: list[float], weights: list[float]) -> None:
        self.param.update(means=means, weights=weights)

    # the run

    def particles(self) -> Tensor:
        """Return the first particles, float64."""
        target, generator = self.density(), torch.Generator().manual_seed(self.seed)
        if self.begin == "normal":
            x = (
                torch.randn(self.n, target.dim, generator=generator, dtype=torch.float64) * self.begin_scale
                + self.begin_mean
            )
        elif self.begin == "uniform":
            low, high = torch.tensor(target.plot_range, dtype=torch.float64).T
            x = low + (high - low) * torch.rand(self.n, target.dim, generator=generator, dtype=torch.float64)
        elif isinstance(target, HasSampler):
            x = target.sample(self.n, generator)
        else:
            raise ValueError(f"{target.name} has no sampler to start from; choose a normal or a uniform start")
        return x.to(self.device)

    def start(self) -> svgd.State:
        """Return the first state."""
        return svgd.start(self.particles(), self.score(), **self.arguments())

    def step(self, state: svgd.State) -> svgd.State:
        """Return the state one step later."""
        optimizer = svgd.OPTIMIZERS[self.optimizer](self.step_size)
        return svgd.step(state, self.score(), optimizer=optimizer, **self.arguments())

    def evaluate(self, state: svgd.State, x: Tensor | None = None) -> svgd.State:
        """Return the state, evaluated again with the current settings, with other particles if given."""
        state = state if x is None else replace(state, x=x)
        return svgd.evaluate(state, self.score(), **self.arguments())


def modes_of(target: str) -> dict[str, str]:
    """Return the lists of the target with this name, and the setting of each."""
    return {name: MODES[name] for name in LISTS.get(target, ())}
