"""The controls of an SVGD page: a widget for every setting, stories, downloads, all with a name and a tooltip."""

from typing import Any

import panel as pn

from labkit.experiments.svgd.particles import PRESETS, ParticlesSettings
from labkit.targets import PARAMETERS
from labkit.views.fields import WIDE, box, choice, log_slider, number
from labkit.views.svgd.particles import SAMPLERS, ParticlesScene


class Controls(pn.viewable.Viewer):
    """All settings of a scene, grouped; what does not apply to the target is hidden."""

    def __init__(self, scene: ParticlesScene, **params):
        super().__init__(**params)
        self.scene, self.experiment = scene, scene.experiment
        self.story = pn.pane.HTML("", margin=(2, 10), styles={"font-size": "14px", "line-height": "1.45"})
        self.preset = pn.widgets.Select(
            label="Story", options={"choose one": "", **{name: name for name in PRESETS}}, value="", **WIDE
        )
        self.preset.param.watch(self._tell, "value")
        self.shape, self.second = pn.Column(margin=0, **STRETCH), pn.Column(margin=0, **STRETCH)
        e = self.experiment
        self.length = log_slider(e, "length", 0.01, 100.0)
        self.batch = number(e, "batch")
        self._made = pn.Column(
            self.preset, self.story,
            choice(e, "target"), self.shape,
            number(e, "n"), choice(e, "begin"), number(e, "begin_mean"), number(e, "begin_scale"),
            choice(e, "kernel"), choice(e, "bandwidth"), self.length,
            choice(e, "optimizer"), log_slider(e, "step_size", 0.001, 2.0), choice(e, "temper"), self.batch,
            number(e, "seed"),
            choice(scene, "compare"), self.second,
            pn.FlexBox(box(scene, "arrows"), box(scene, "snapshots")),
            margin=0, **STRETCH,
        )  # fmt: skip
        e.param.watch(self._fit, ["target", "bandwidth", "means"])
        scene.param.watch(self._beside, "compare")
        scene.live.remote.tips = scene.live.remote.tips | self._tips()
        self._fit()
        self._beside()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._made

    def _tips(self) -> dict[str, str]:
        """Label -> tooltip, of every setting."""
        both = [p for owner in (self.experiment, self.scene) for p in owner.param.objects().values()]
        shapes = {label(p): p.help for known in PARAMETERS.values() for p in known.values()}
        return (
            {p.label: p.doc for p in both if p.doc}
            | shapes
            | {"Story": "settings that show one thing, with what to watch"}
        )

    def _tell(self, event: Any) -> None:
        """Set what a story wants, all else back to its default, and begin."""
        if event.new not in PRESETS:
            return
        values, words = PRESETS[event.new]
        fresh = {p: self.experiment.param[p].default for p in self.experiment.param if p not in ("name", "seed")}
        self.scene.param.update(compare="nothing", arrows=event.new == "A banana")
        self.experiment.param.update(**fresh | values)
        self.story.object = f"<b>What to look for.</b> {words}"
        self.scene.live.play()

    def _fit(self, *_events: Any) -> None:
        """Show what belongs to the target."""
        e = self.experiment
        self.length.visible = e.bandwidth == "fixed"
        self.batch.visible = e.target == "logistic"
        known = PARAMETERS.get(e.target, {})
        self.shape.objects = modes(self.scene) if e.target == "mixture" else [part(e, k, p) for k, p in known.items()]

    def _beside(self, *_events: Any) -> None:
        """The control of the one setting in which the second run differs."""
        scene = self.scene
        if scene.compare in ("nothing", *SAMPLERS):
            self.second.objects = []
            return
        make = {"length": lambda r: log_slider(r, "length", 0.01, 100.0)} | {
            "step_size": lambda r: log_slider(r, "step_size", 0.001, 2.0)
        }
        kind = type(scene.right.param[scene.compare]).__name__
        widget = make.get(scene.compare, lambda r: (choice if kind == "Selector" else number)(r, scene.compare))(
            scene.right
        )
        if scene.compare == "length":
            self.experiment.bandwidth = "fixed"
        scene.right.param.watch(lambda event: setattr(scene, "other", event.new), scene.compare)
        self.second.objects = [pn.pane.HTML("The second run's", margin=(4, 10, 0, 10)), widget]


STRETCH = {"sizing_mode": "stretch_width"}


def label(parameter: Any) -> str:
    """Of a target's own parameter."""
    return f"{parameter.help.split(';')[0].split(',')[0].capitalize()}, {parameter.symbol}"


def part(e: ParticlesSettings, name: str, p: Any) -> pn.widgets.Widget:
    """A slider of one of the target's own parameters."""
    kind = pn.widgets.IntSlider if isinstance(p.default, int) else pn.widgets.FloatSlider
    slider = kind(label=label(p), start=p.low, end=p.high, step=p.step, value=e.shape.get(name, p.default), **WIDE)
    slider.param.watch(lambda event: setattr(e, "shape", {**e.shape, name: event.new}), "value_throttled")
    return slider


def modes(scene: ParticlesScene) -> list:
    """Width of the modes, and buttons to add one or take the last away; the picture's diamonds are dragged."""
    e = scene.experiment

    def add(_event):
        n = len(e.means)
        e.param.update(means=[*e.means, 0.0], weights=[w * n / (n + 1) for w in e.weights] + [1 / (n + 1)])

    def drop(_event):
        if len(e.means) > 1:
            left = e.weights[:-1]
            e.param.update(means=e.means[:-1], weights=[w / sum(left) for w in left])

    more = pn.widgets.Button(label="Add a mode", description="One more hump at 0; drag its diamond", margin=(4, 8))
    less = pn.widgets.Button(label="Remove one", description="Take the newest hump away", margin=(4, 8))
    more.on_click(add)
    less.on_click(drop)
    return [number(e, "scale"), pn.FlexBox(more, less)]
