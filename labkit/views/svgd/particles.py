"""A whole experiment on screen: the run, its pictures, a second run beside it, and the hand that moves particles."""

from dataclasses import replace
from typing import Any

import panel as pn
import param
import torch

from labkit import baselines, svgd
from labkit.experiments.svgd.particles import SNAPSHOTS, ParticlesSettings
from labkit.views.live import Live
from labkit.views.svgd import curves as numbers
from labkit.views.svgd.beside import Pair, half, whole
from labkit.views.svgd.curves import RUNS_KSD
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.plane import Plane
from labkit.views.svgd.touch import Touch

ANEW = ("target", "shape", "n", "begin", "begin_mean", "begin_scale", "seed")  # settings that begin a new run
SETTINGS = ("kernel", "bandwidth", "length", "optimizer", "step_size", "temper", "n", "begin", "seed")
SAMPLERS = ("independent draws", "Langevin chains")
CHAIN_STEP = 0.05  # of the Langevin chains, squared units of x


class Sampler:
    """Independent draws or Langevin chains with the experiment's target, size, start and seed."""

    def __init__(self, experiment: ParticlesSettings, kind: str):
        self.experiment, self.kind = experiment, kind

    def start(self) -> baselines.State:
        self.generator = torch.Generator().manual_seed(self.experiment.seed)
        first = baselines.State(self.experiment.particles())
        return first if self.kind == "Langevin chains" else self.step(first)

    def step(self, state: baselines.State) -> baselines.State:
        target = self.experiment.density()
        if self.kind == "Langevin chains":
            return baselines.langevin(state, target.score, step_size=CHAIN_STEP, generator=self.generator)
        return baselines.independent(state, target, generator=self.generator)

    def evaluate(self, state: baselines.State, x: torch.Tensor | None = None) -> baselines.State:
        return state if x is None else replace(state, x=x)


class ParticlesScene(pn.viewable.Viewer):
    """The live view of an experiment, kept in step with its settings.

    Settings that begin a new run (target, number, start, seed) declare the pictures anew; every other one acts on the
    run where it stands, playing or paused.

    Args:
        experiment: the settings.
        play: as in `Live`.
    """

    compare = param.Selector(
        default="nothing",
        objects=["nothing", *SAMPLERS, *SETTINGS],
        label="Beside it",
        doc="a second run that differs in this one setting, or another way to sample, in step with the first",
    )
    other = param.Parameter(default=None, doc="the second run's value of that setting")
    arrows = param.Boolean(default=False, label="Arrows", doc="blue: drive, purple: repulsion, on one scale")
    snapshots = param.Boolean(default=True, label="Earlier steps", doc="the density at steps 0, 50, 75, 100, 150, 500")

    def __init__(self, experiment: ParticlesSettings | None = None, play: bool | None = None, **params):
        super().__init__(**params)
        self.experiment = experiment or ParticlesSettings()
        self.touch = Touch(self)
        self.chosen: int | None = None
        self.right = self._second()
        self.live = Live(
            self._start,
            self._step,
            self._views(),
            status=self._status,
            drawn=self.touch.drawn,
            play=play,
            pinned=SNAPSHOTS,
        )
        self.experiment.param.watch(self._changed, [p for p in self.experiment.param if p != "name"])
        self.param.watch(self._compared, ["compare", "other"])
        self.param.watch(self._drawn, ["arrows", "snapshots"])

    def __panel__(self) -> pn.viewable.Viewable:
        """The live view, as the last line of a notebook's cell shows it."""
        return self.live.__panel__()

    # the run, or the two

    def _second(self) -> Any:
        if self.compare == "nothing":
            return None
        if self.compare in SAMPLERS:
            return Sampler(self.experiment, self.compare)
        values = {name: value for name, value in self.experiment.param.values().items() if name != "name"}
        second = ParticlesSettings(self.experiment.device, **values)
        if self.other is not None:
            second.param.update(**{self.compare: self.other})
        return second

    def _start(self) -> Any:
        return self.experiment.start() if self.right is None else Pair(self.experiment.start(), self.right.start())

    def _step(self, state: Any) -> Any:
        if self.right is None:
            return self.experiment.step(state)
        return Pair(self.experiment.step(state.left), self.right.step(state.right), state.t + 1)

    def evaluate(self, state: Any) -> Any:
        """A state under the settings of now."""
        if self.right is None:
            return self.experiment.evaluate(state)
        return replace(state, left=self.experiment.evaluate(state.left), right=self.right.evaluate(state.right))

    def move(self, side: str, change: Any) -> None:
        """Edit the particles of one side: change(x) -> x."""

        def edited(state):
            if self.right is None:
                return self.experiment.evaluate(state, change(state.x))
            run = self.experiment if side == "left" else self.right
            half = getattr(state, side)
            return replace(state, **{side: run.evaluate(half, change(half.x))})

        self.live.run.edit(edited)

    # the pictures

    def _views(self) -> list:
        if self.right is None:
            return self._pictures(self.experiment, "")
        words = f"{self.compare} = {getattr(self.right, self.compare)}" if self.compare in SETTINGS else self.compare
        mine = f"{self.compare} = {getattr(self.experiment, self.compare)}" if self.compare in SETTINGS else "SVGD"
        left = [half(v, "left") for v in self._pictures(self.experiment, mine)]
        right = [half(v, "right") for v in self._pictures(self.right, words)]
        return [v for both in zip(left, right, strict=False) for v in both]

    def _pictures(self, run: Any, title: str) -> list:
        """Of one side: the particles first, then the curves; the microscope only where there is one run."""
        e, target = self.experiment, self.experiment.density()
        reach = e.box()
        main = Line(e.density, reach[0], title) if target.dim == 1 else Plane(target, reach, title)
        main.arrows, main.snapshots, main.chosen = self.arrows, self.snapshots, None
        curves = [self._discrepancy()]
        if target.covariance is not None:
            curves.append(numbers.moment_errors(e.density))
        if hasattr(target, "accuracy"):
            curves.append(numbers.accuracy(target))
        if self.right is not None:
            return [main, *curves]
        self.microscope = Microscope(e.make_kernel, target.dim == 1)
        return [main, *curves, numbers.bandwidth(), self.microscope]

    def _discrepancy(self) -> numbers.Discrepancy:
        """KSD with the RBF kernel at the median length of the first particles, the same for both sides."""
        x = self.experiment.particles()
        return numbers.Discrepancy(
            lambda y: self.experiment.density().score(y), svgd.RBF(), float(svgd.median_bandwidth(x))
        )

    def _status(self, state: Any) -> str:
        first = state.left if isinstance(state, Pair) else state
        return f"{RUNS_KSD} {float(first.ksd):.3g} · h {float(first.bandwidth.mean()):.3g}"

    # what changes

    def _changed(self, *events: Any) -> None:
        if isinstance(self.right, ParticlesSettings):
            same = {e.name: e.new for e in events if e.name != self.compare}
            self.right.param.update(**same)
        if any(event.name in ANEW for event in events):
            self.show()
        else:
            self.live.run.edit(self.evaluate)

    def _compared(self, *events: Any) -> None:
        if {event.name for event in events} == {"compare"}:  # another setting: what the last one was set to is void
            with param.parameterized.discard_events(self):
                self.other = None
        try:
            self.right = self._second()
        except ValueError:  # that setting cannot be what the link wants: both runs are alike, and the link is told
            with param.parameterized.discard_events(self):
                self.other = None
            self.right = self._second()
            self.show()
            raise
        self.show()

    def show(self) -> None:
        """Begin anew, with new pictures."""
        self.choose(None)
        try:
            found = self._views()
        except (TypeError, ValueError) as error:  # parameters that no target takes
            self.live.fail(str(error))
            return
        self.live.show(*found)

    def _drawn(self, *_events: Any) -> None:
        for view in self.live.views:
            _, main = whole(view)
            main.arrows, main.snapshots = self.arrows, self.snapshots
        self.live.redeclare()

    def choose(self, i: int | None) -> None:
        """Put a particle under the microscope, or none."""
        self.chosen = i
        for view in self.live.views:
            side, main = whole(view)
            if hasattr(main, "chosen") and side == "left":
                main.chosen = i
        self.live.run.redraw()
