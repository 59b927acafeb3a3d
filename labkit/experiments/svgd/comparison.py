"""Two runs that step together: the second differs in one setting, or samples in another way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit import baselines, svgd
from labkit.experiments.settings import ExperimentSettings, Linkable, beyond_softbounds
from labkit.experiments.svgd import together
from labkit.experiments.svgd.particles import ParticlesSettings, Sample
from labkit.experiments.svgd.stories import PRESETS
from labkit.svgd.state import memory_of

NOTHING = "nothing"
SETTINGS = ("kernel", "bandwidth", "length", "optimizer", "step_size", "temper", "n", "begin", "seed")
INDEPENDENT, LANGEVIN = SAMPLERS = ("independent draws", "Langevin chains")
ANOTHER = "the second run has other settings since it began; press Reset"
CHAIN_STEP = 0.05  # step size of the Langevin chains, in squared units of x


@dataclass(frozen=True, eq=False)
class Pair:
    """Two states that are stepped together."""

    left: svgd.State
    right: Sample
    t: int = 0


class Sampler:
    """Independent samples or Langevin chains with the target, number of particles, start and seed of a run."""

    def __init__(self, run: ParticlesSettings, kind: str):
        self.run, self.kind = run, kind

    def start(self) -> baselines.State:
        self.generator = torch.Generator().manual_seed(self.run.seed)
        first = baselines.State(self.run.particles())
        return first if self.kind == LANGEVIN else self.step(first)

    def step(self, state: baselines.State) -> baselines.State:
        target = self.run.density()
        if self.kind == LANGEVIN:
            return baselines.langevin(state, target.score, step_size=CHAIN_STEP, generator=self.generator)
        return baselines.independent(state, target, generator=self.generator)

    def evaluate(self, state: baselines.State, x: Tensor | None = None) -> baselines.State:
        """Return the state, with other particles if given."""
        return state if x is None else replace(state, x=x)


Second = ParticlesSettings | Sampler


def another(run: ParticlesSettings, name: str) -> Any:
    """Return a value of a setting with choices that differs from the run's; None for other settings."""
    p = run.param[name] if name in SETTINGS else None
    others = [value for value in p.objects if value != getattr(run, name)] if isinstance(p, param.Selector) else []
    return others[0] if others else None


class ComparisonSettings(ExperimentSettings[svgd.State | Pair]):
    """A run of SVGD and an optional second run; a state is a state of the run, or a `Pair`.

    Args:
        run: the settings of the first run, by default new settings.
    """

    compare: "param.Selector[str]" = param.Selector(
        default=NOTHING,
        objects=[NOTHING, *SAMPLERS, *SETTINGS],
        label="Compare with",
        doc="Shows a second run next to the first. If you choose a setting, a second control for it "
        "appears below; the second run uses that value. "
        "Independent draws: new samples of the target at every step. Langevin chains: each particle moves alone, by "
        f"{CHAIN_STEP} ∇log p and normal noise with standard deviation {(2 * CHAIN_STEP) ** 0.5:.2g}, both fixed.",
    )
    other = param.Parameter(
        default=None,
        doc="Value of the compared setting in the second run; without one, the first choice that differs.",
    )
    arrows = param.Boolean(
        default=False,
        label="Show arrows",
        doc="Blue: drive (uphill). Purple: repulsion (apart), at the same scale. "
        "On a line they are bars: up means to the right.",
    )
    snapshots = param.Boolean(
        default=True,
        label="Show earlier steps",
        doc="Grey: density of the particles at steps 0, 50, 75, 100, 150 and 500.",
    )
    story: "param.Selector[str]" = param.Selector(
        default="",
        objects=["", *PRESETS],
        label="Story",
        doc="Sets the controls for one example, and says what to watch.",
    )

    def __init__(self, run: ParticlesSettings | None = None, **params: Any) -> None:
        self.run = run or ParticlesSettings()
        self._second: Second | None = None
        super().__init__(**params)
        self.param.watch(self._forget, ["compare", "other"])
        self.run.param.watch(self._follow, list(self.run.param))

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """All objects with parameters of these settings, for a link."""
        return self.run, self

    @property
    def steps(self) -> together.Together:
        """How a single run can be stepped with others."""
        return together.Together(self.run)

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this value, "" if it may."""
        compare = asked.get("compare", self.compare)
        if name != "other" or value is None or compare not in SETTINGS:
            return ""
        try:
            self.run.but(**{compare: value})
        except ValueError as error:
            return f"as the second run's {compare}: {error}"
        beyond = beyond_softbounds(self.run.param[compare], value)
        return f"as the second run's {compare}: {beyond}" if beyond else ""

    def _forget(self, *_events: Any) -> None:
        self._second = None

    def _follow(self, *_events: Any) -> None:
        """Update the second run: it takes over the settings of the first. A sampler reads them itself and keeps its
        generator."""
        if not isinstance(self._second, Sampler):
            self._second = None

    def second(self) -> Second | None:
        """Return the settings of the second run, None if there is only one run.

        Raises:
            ValueError: the compared setting does not accept `other`.
        """
        if self._second is None and self.compare in SAMPLERS:
            self._second = Sampler(self.run, self.compare)
        elif self._second is None and self.compare in SETTINGS:
            other = another(self.run, self.compare) if self.other is None else self.other
            self._second = self.run.but(**({} if other is None else {self.compare: other}))
        return self._second

    # one run or two

    def start(self) -> svgd.State | Pair:
        """Return the first state."""
        right = self.second()
        return self.run.start() if right is None else Pair(self.run.start(), right.start())

    def step(self, state: svgd.State | Pair) -> svgd.State | Pair:
        """Return the state one step later."""
        if isinstance(state, svgd.State):
            return self.run.step(state)
        return Pair(self.run.step(state.left), stepped(self.second(), state.right), state.t + 1)

    def evaluate(self, state: svgd.State | Pair) -> svgd.State | Pair:
        """Return the state, evaluated again with the current settings."""
        if isinstance(state, svgd.State):
            return self.run.evaluate(state)
        return replace(state, left=self.run.evaluate(state.left), right=evaluated(self.second(), state.right))

    def moved(self, state: svgd.State | Pair, side: str, change: Callable[[Tensor], Tensor]) -> svgd.State | Pair:
        """Return the state with the particles of one side changed by `change`: x -> x."""
        if isinstance(state, svgd.State):
            return self.run.evaluate(state, change(state.x))
        if side == "left":
            return replace(state, left=self.run.evaluate(state.left, change(state.left.x)))
        return replace(state, right=evaluated(self.second(), state.right, change(state.right.x)))

    def without(self, state: svgd.State | Pair, side: str, i: int) -> svgd.State | Pair:
        """Return the state without particle i of one side.

        Raises:
            ValueError: it is the only particle.
        """
        if isinstance(state, svgd.State):
            return self.run.evaluate(without(state, i))
        if side == "left":
            return replace(state, left=self.run.evaluate(without(state.left, i)))
        return replace(state, right=evaluated(self.second(), without(state.right, i)))


def without(state: Any, i: int) -> Any:
    """Return a state without particle i, for `evaluate`: x and the optimiser's memory change, and nothing else.

    Raises:
        ValueError: it is the only particle.
    """
    if len(state.x) == 1:
        raise ValueError("the last particle cannot be removed; add another one first")
    rows = torch.arange(len(state.x), device=state.x.device) != i
    memory = {"memory": memory_of(state.memory, rows)} if isinstance(state, svgd.State) else {}
    return replace(state, x=state.x[rows], **memory)


def stepped(run: Second | None, state: Sample) -> Sample:
    """Return a state of the second run one step later.

    Raises:
        ValueError: the state belongs to another kind of run.
    """
    if isinstance(run, ParticlesSettings) and isinstance(state, svgd.State):
        return run.step(state)
    if isinstance(run, Sampler) and isinstance(state, baselines.State):
        return run.step(state)
    raise ValueError(ANOTHER)


def evaluated(run: Second | None, state: Sample, x: Tensor | None = None) -> Sample:
    """Return a state of the second run, evaluated again with the current settings, with other particles if given.

    Raises:
        ValueError: the state belongs to another kind of run.
    """
    if isinstance(run, ParticlesSettings) and isinstance(state, svgd.State):
        return run.evaluate(state, x)
    if isinstance(run, Sampler) and isinstance(state, baselines.State):
        return run.evaluate(state, x)
    raise ValueError(ANOTHER)
