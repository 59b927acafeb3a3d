"""The tab *Particles*: a run of SVGD, a second one to compare with, and a pointer that moves particles and modes."""

import warnings
from typing import Any

import panel as pn

from labkit.experiments.settings import ExperimentSettings, title_of
from labkit.experiments.svgd import numbers
from labkit.experiments.svgd.comparison import SETTINGS, ComparisonSettings, Pair
from labkit.experiments.svgd.particles import SNAPSHOTS, ParticlesSettings
from labkit.targets import PARAMETERS
from labkit.views import recipe
from labkit.views.pointer import Pointer
from labkit.views.scenes import Scene
from labkit.views.svgd import hand, tables, texts
from labkit.views.svgd.beside import SIDES, half, whole
from labkit.views.svgd.controls import Controls, label
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.plane import Plane
from labkit.views.view import View


class ParticlesScene(Scene):
    """The live view of one run of SVGD, or of two.

    Args:
        settings: settings of one run, or of a comparison.
        play: as in `Live`.
    """

    basic = ("target", "n", "kernel", "step_size", "formula")
    speed, saves, pinned, below, ahead = (
        300,
        ("gif", "png", "curves"),
        SNAPSHOTS,
        (texts.PARTICLES, texts.EQUATION, texts.CURVES),
        150,
    )
    table = staticmethod(tables.save_csv)
    looks, running, noun = ("arrows", "snapshots"), ("story",), hand.Particles.noun
    edits = (
        "means", "weights", "scale", "kernel", "bandwidth", "length", "optimizer", "step_size", "temper", "batch",
        "drawing",
    )  # fmt: skip

    def __init__(self, settings: ParticlesSettings | ComparisonSettings | None = None, play: bool | None = None):
        self.chosen: tuple[str, hand.Key | None] = "left", None  # the marked particle or mode, and its side
        if not isinstance(settings, ComparisonSettings):
            settings = ComparisonSettings(settings)
        super().__init__(settings, play)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the live view without the controls, for the last line of a notebook's cell."""
        return self.live.__panel__()

    @property
    def experiment(self) -> ParticlesSettings:
        """The settings of the run, under their old name."""
        warnings.warn(
            "scene.experiment is now scene.settings.run; the old name will go", DeprecationWarning, stacklevel=2
        )
        return self.settings.run

    # the pictures

    def views(self) -> list[View]:
        s, right = self.settings, self.settings.second()
        if right is None:
            return [
                *self._pictures(""),
                Curves(numbers.bandwidth()),
                Microscope(s.run.make_kernel, s.run.density().dim == 1),
            ]
        both = (s.run, right)
        name = s.run.param[s.compare].label if s.compare in SETTINGS else ""
        titles = [f"{name}: {title_of(run, s.compare)}" for run in both] if name else ["SVGD", s.compare.capitalize()]
        left, other = map(self._pictures, titles)
        pairs = zip(left, other, strict=True)
        return [half(view, side) for pair in pairs for side, view in zip(SIDES, pair, strict=True)]

    def _pictures(self, title: str) -> list[View]:
        """Return the views of one side: the particles first, then the curves."""
        s, target = self.settings, self.settings.run.density()
        box = s.run.box()
        main = Line(s.run.density, box[0], title) if target.dim == 1 else Plane(target, box, title, s.run.n)
        main.arrows, main.snapshots, main.chosen = s.arrows, s.snapshots, None
        return [main, *map(Curves, numbers.of_run(s.run))]  # the same numbers for both sides

    def status(self, state: Any) -> str:
        return numbers.status(state.left if isinstance(state, Pair) else state)

    def controls(self) -> list:
        return [Controls(self.settings, self.live)]

    def tips(self) -> dict[str, str]:
        shapes = {label(p): p.help for known in PARAMETERS.values() for p in known.values()}
        return super().tips() | shapes

    def repeated(self) -> ExperimentSettings:
        """Return the settings that repeat the run in Python: those of the only run, or of the comparison."""
        return self.settings if recipe.changed(self.settings) else self.settings.run

    # what changes

    def show(self) -> None:
        """Start the run again, without a chosen particle or mode."""
        self.chosen = "left", None
        super().show()

    def _changed(self, *events: Any) -> None:
        super()._changed(*events)
        if [event.name for event in events] == ["drawing"]:  # the particles stay, and the contour lines are new
            self.look()

    def look(self) -> None:
        super().look()
        side, key = self.chosen
        self.choose(key, side)

    def choose(self, key: hand.Key | None, side: str = "left") -> None:
        """Mark a particle or a mode of one side, None for nothing; the forces on a particle are shown."""
        self.chosen = side, key
        for at, view in map(whole, self.live.views):
            kind, i = key if key and at == side else (None, None)
            if isinstance(view, Line | Plane | Microscope):
                view.chosen = i if kind == hand.PARTICLE else None
            if isinstance(view, Line):
                view.mode = i if kind == hand.MODE else None
        self.live.run.redraw()

    # what the reader edits on a picture

    def drawn(self, view: View, figure: Any) -> None:
        side, main = whole(view)
        if isinstance(main, Line | Plane):
            self.edit_on(figure, hand.Particles(self, side, main), self.pointer(side, main))

    def pointer(self, side: str, main: Line | Plane) -> Pointer:
        """Return the pointer for the picture of one side; the run pauses during a drag."""
        things = hand.Particles(self, side, main)

        def choose(x: float, y: float) -> None:
            things.choose(things.particle(x, y))

        return Pointer(things.nearest, things.put, things.make, choose=choose, hold=self.live)
