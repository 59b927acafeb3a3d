"""A lesson in a cell of a notebook: the strip, and below it the live view of its tab."""

import importlib
from collections.abc import Mapping
from typing import Any

import panel as pn

from labkit.engine import Run
from labkit.lessons import Lesson
from labkit.lessons.tabs import NETWORK, TABS
from labkit.views import notebook
from labkit.views.desk import put_all
from labkit.views.lessons import Walk
from labkit.views.live import Live
from labkit.views.notebook import Clock
from labkit.views.still import Kept, LiveCell

SCENES = {  # page -> tab -> module in labkit.views, and the class of the scene in it
    "svgd": {
        "Particles": ("svgd.particles", "ParticlesScene"),
        "Regression": ("svgd.regression", "RegressionScene"),
        "Classification": ("svgd.classification", "ClassificationScene"),
        "Collapse": ("svgd.collapse", "CollapseScene"),
    },
    "draw": {
        "Generate": ("draw.generate", "GenerateScene"),
        "Read": ("draw.read", "ReadScene"),
        "Latents": ("draw.latents", "LatentsScene"),
        "Attention lab": ("draw.attention", "AttentionScene"),
        "Learn": ("draw.learn", "LearnScene"),
    },
    "dreg": {
        "Variance against samples": ("dreg.variance", "VarianceScene"),
        "Microscope": ("dreg.microscope", "MicroscopeScene"),
        "Bias meter": ("dreg.bias", "BiasScene"),
        "Alpha dial": ("dreg.alpha", "AlphaScene"),
        "Race": ("dreg.race", "RaceScene"),
        "Network": ("dreg.network", "NetworkScene"),
    },
}


class LessonCell(LiveCell):
    """The strip of a lesson, its live view, and the folded settings of this view, for the last line of a cell.

    Args:
        step: the step to begin with, counted from 1.
    """

    ahead = 0  # the picture of the output must not reveal the result

    def __init__(self, lesson: Lesson, step: int = 1, **params: Any):
        super().__init__(**params)
        notebook.ready()
        i = lesson.index(step)
        self._lesson, self._network = lesson, lesson.settings(i).get(NETWORK)
        self._scenes: dict[Any, tuple[Any, pn.Column]] = {}
        quiet = {"--outside-lessons": "none"}  # no explanations that reveal the results
        self._room = pn.Column(margin=0, sizing_mode="stretch_width", styles=quiet)
        self.walk = Walk(self, keys=False)
        self.walk.enter(lesson, i)
        self.clock = Clock()
        self.clock.start(self)

    # what a lesson sets

    @property
    def live(self) -> Live:
        """The live view of the lesson."""
        return self._scene.live

    @property
    def _scene(self) -> Any:
        """The scene with the network of this step."""
        return self._shown[0]

    @property
    def _shown(self) -> tuple[Any, pn.Column]:
        """The scene with the network of this step, and its layout with the controls, made at the first use."""
        page, tab = self._lesson.page, self._lesson.tab
        if self._network not in self._scenes:
            module, name = SCENES[page][tab]
            settings = TABS[page][tab]({} if self._network is None else {NETWORK: self._network})
            scene = getattr(importlib.import_module(f"labkit.views.{module}"), name)(settings)
            controls = pn.Card(*scene.controls(), title="Settings", collapsed=True, sizing_mode="stretch_width")
            self._scenes[self._network] = scene, pn.Column(scene, controls, margin=0, sizing_mode="stretch_width")
        return self._scenes[self._network]

    def put(self, tab: str, values: Mapping[str, Any]) -> list[str]:
        """Set these settings, and all others to their defaults; return the refused ones with the reasons."""
        self._network = values.get(NETWORK)
        self._room.objects = [self._shown[1]]
        return put_all(self._scene.settings, {name: value for name, value in values.items() if name != NETWORK})

    # what a clock needs

    @property
    def run(self) -> Run:
        """The run of the lesson."""
        return self.live.run

    def has_news(self) -> bool:
        """Return whether the run plays or pauses since the last look."""
        return self.walk.has_news()

    def has_more(self) -> bool:
        """Return False: nothing here takes long."""
        return False

    def show_news(self, more: bool) -> None:
        """Show that the run plays or pauses, and the verdict."""
        self.walk.show_news(more)

    def close(self) -> None:
        """Stop forever."""
        self.clock.stop()
        for scene, _ in self._scenes.values():
            scene.live.close()

    def kept(self) -> Kept:
        """Return the first picture of this step, and its question."""
        picture, question = super().kept(), self.walk.question
        return Kept(picture.png, f"{question.text} {picture.words}") if question else picture

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self.walk.strip, self._room, sizing_mode="stretch_width")
