"""The controls of an SVGD page: a widget per setting and the stories, all with a name and a tooltip."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import panel as pn
import param

from labkit import svgd
from labkit.experiments.svgd.comparison import NOTHING, SAMPLERS, SETTINGS, ComparisonSettings, another
from labkit.experiments.svgd.particles import FIXED, OF_TARGET, ParticlesSettings, modes_of
from labkit.experiments.svgd.stories import PRESETS, WITH_ARROWS
from labkit.targets import PARAMETERS
from labkit.views.fields import WIDE, box, choice, log_slider, number
from labkit.views.live import Live
from labkit.views.svgd.typed import field, square


class Controls(pn.viewable.Viewer):
    """All settings of a scene in groups. Settings that the target does not use are hidden.

    Args:
        settings: settings of both runs.
        live: plays when a story is chosen.
    """

    def __init__(self, settings: ComparisonSettings, live: Live, **params):
        super().__init__(**params)
        self.settings, self.live = settings, live
        self.story = pn.pane.HTML("", margin=(2, 10), styles={"font-size": "14px", "line-height": "1.45"})
        self.preset = pn.widgets.Select(
            label="Story", options={"Pick a story ...": "", **{name: name for name in PRESETS}}, value="", **WIDE
        )
        self.preset.param.watch(self._begin, "value")
        settings.param.watch(self._tell, "story")
        self.shape, self.second = pn.Column(margin=0, **STRETCH), pn.Column(margin=0, **STRETCH)
        self._kept: dict[Callable, pn.Column] = {}  # controls that are made once, by the function that makes them
        run = settings.run
        self.rule, self.length, self.batch = choice(run, "bandwidth"), log_slider(run, "length"), number(run, "batch")
        self._made = pn.Column(
            self.preset, self.story,
            choice(run, "target"), self.shape,
            number(run, "n"), choice(run, "begin"), number(run, "begin_mean"), number(run, "begin_scale"),
            choice(run, "kernel"), self.rule, self.length,
            choice(run, "optimizer"), log_slider(run, "step_size"), choice(run, "temper"), self.batch,
            number(run, "seed"),
            compared(settings), self.second,
            pn.FlexBox(box(settings, "arrows"), box(settings, "snapshots")),
            margin=0, **STRETCH,
        )  # fmt: skip
        run.param.watch(self._fit, ["target", "bandwidth", "means", "kernel"])
        settings.param.watch(self._fit, "compare")
        settings.param.watch(self._beside, "compare")
        self._fit()
        self._beside()
        self._tell()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._made

    def _begin(self, event: Any) -> None:
        """Set the values of a story, reset all other settings to their defaults, and play."""
        if event.new == self.settings.story:
            return
        if event.new not in PRESETS:
            self.settings.story = ""
            return
        values, _ = PRESETS[event.new]
        run = self.settings.run
        fresh = {p: run.param[p].default for p in run.param if p not in ("name", "seed")}
        arrows = event.new in WITH_ARROWS
        self.settings.param.update(story=event.new, compare=NOTHING, other=None, arrows=arrows)
        run.param.update(**fresh | values)
        self.live.play()

    def _tell(self, *_events: Any) -> None:
        """Say what to look for in the story of the settings."""
        name = self.settings.story
        self.preset.value = name
        self.story.object = f"<b>What to look for.</b> {PRESETS[name][1]}" if name else ""

    def _fit(self, *_events: Any) -> None:
        """Show the settings that belong to the target and to the kernel."""
        run = self.settings.run
        target, known = run.density(), PARAMETERS.get(run.target, {})
        measures = run.kernel in OF_TARGET or svgd.KERNELS[run.kernel].uses_bandwidth
        self.rule.visible = measures or self.settings.compare == "kernel"
        self.length.visible = self.rule.visible and run.bandwidth == FIXED
        self.batch.visible = target.rows > 0
        own = modes if modes_of(run.target) else TYPED.get(run.target)
        kept = [self._once(own)] if own else []
        self.shape.objects = [*kept, *(part(run, k, p) for k, p in known.items())]

    def _once(self, make: Callable[[ParticlesSettings], pn.Column]) -> pn.Column:
        """Return what `make` returned for these settings the first time."""
        if make not in self._kept:
            self._kept[make] = make(self.settings.run)
        return self._kept[make]

    def _beside(self, *_events: Any) -> None:
        """Show the control of the compared setting for the second run."""
        name = self.settings.compare
        if name not in SETTINGS:
            self.second.objects = []
            return
        if name == "length":
            self.settings.run.bandwidth = FIXED
        second = self.settings.second()
        assert isinstance(second, ParticlesSettings), "a setting is compared"
        shown = second.but()
        shown.param.watch(lambda event: setattr(self.settings, "other", event.new), name)
        self.second.objects = [pn.pane.HTML("In the second run", margin=(4, 10, 0, 10)), control(shown, name)]


def control(run: ParticlesSettings, name: str) -> Any:
    """Return the widget of one setting."""
    if name in ("length", "step_size"):
        return log_slider(run, name)
    return (choice if isinstance(run.param[name], param.Selector) else number)(run, name)


def compared(settings: ComparisonSettings) -> pn.widgets.Select:
    """Return the list of second runs, named like the controls; a new choice discards the value of the last one."""
    p = settings.param.compare
    names = {"(none)": NOTHING} | {each.capitalize(): each for each in SAMPLERS}
    names |= {settings.run.param[each].label: each for each in SETTINGS}
    select = pn.widgets.Select(label=p.label, options=names, value=settings.compare, **WIDE)

    def choose(event: Any) -> None:
        if event.new != settings.compare:
            settings.param.update(compare=event.new, other=another(settings.run, event.new))

    select.param.watch(choose, "value")
    settings.param.watch(lambda event: select.param.update(value=event.new), "compare")
    return select


def emptiest(places: Sequence[float], low: float, high: float) -> float:
    """Return the place in the middle half of a range that is farthest from these places."""
    quarter = (high - low) / 4
    grid = np.linspace(low + quarter, high - quarter, 101)
    return float(grid[np.abs(grid[:, None] - np.asarray(places)).min(1).argmax()])


STRETCH = {"sizing_mode": "stretch_width"}
TYPED = {"formula": field, "drawn": square}  # targets that a visitor types or draws


def label(parameter: Any) -> str:
    """Return the label of a target's parameter."""
    return f"{parameter.help.split(';')[0].split(',')[0].capitalize()}, {parameter.symbol}"


def part(e: ParticlesSettings, name: str, p: Any) -> pn.widgets.Widget:
    """Return a slider for a target's parameter."""
    kind = pn.widgets.IntSlider if isinstance(p.default, int) else pn.widgets.FloatSlider
    slider = kind(label=label(p), start=p.low, end=p.high, step=p.step, value=e.shape.get(name, p.default), **WIDE)
    slider.param.watch(lambda event: setattr(e, "shape", {**e.shape, name: event.new}), "value_throttled")
    return slider


def modes(e: ParticlesSettings) -> pn.Column:
    """Return the width of the modes, and buttons to add a mode or remove the last one. Diamonds in the picture move
    them."""
    more = pn.widgets.Button(
        label="Add a mode", description="Add a peak where there is most space; drag its diamond", margin=(4, 8)
    )
    less = pn.widgets.Button(label="Remove a mode", description="Remove the newest peak", margin=(4, 8))
    more.on_click(lambda _: e.add_mode(emptiest(e.means, *e.box()[0])))
    less.on_click(lambda _: e.remove_mode(len(e.means) - 1))
    return pn.Column(number(e, "scale"), pn.FlexBox(more, less), margin=0, **STRETCH)
