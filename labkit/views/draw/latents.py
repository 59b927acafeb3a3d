"""The tab *Latents*: three experiments with z, one of which is chosen."""

from typing import Any

import panel as pn

from labkit.draw import DRAW
from labkit.experiments.draw.latents import (
    VALUES,
    InterpolateSettings,
    LatentsSettings,
    ResampleSettings,
    TraverseSettings,
)
from labkit.experiments.settings import Linkable
from labkit.views import fields, layout
from labkit.views.draw.bars import SensitivityBars
from labkit.views.draw.curves import norm_curves, spread_curve
from labkit.views.draw.grid import LabelledRow, MarkedGrid
from labkit.views.draw.network import GlimpseScene, class_buttons
from labkit.views.draw.pixel_map import pixel_deviation, pixel_slopes
from labkit.views.live import Live
from labkit.views.still import LiveCell


class ResampleScene(GlimpseScene):
    """One image, and others that share the first part of its z."""

    kind, looks = ResampleSettings, ("reveal",)
    words = (
        "<b>Do early or late glimpses decide the digit?</b> Move t and see. The image in the yellow frame has its own "
        "random vector z at each glimpse; the numbers in z are called latents. The other images use the same z "
        "before glimpse t, and new ones from glimpse t onwards. So while they are drawn, all images are equal up to "
        "glimpse t &minus; 1, and differ from glimpse t onwards. At first the difference may be too small to see. "
        "(After a change the drawing begins again at glimpse 1, while the number of steps continues.) The "
        "curve shows for every t how much the finished images differ: the standard deviation of a pixel over the "
        "images, averaged over the pixels. The other picture is dark where the images differ most so far."
    )

    def views(self) -> list:
        config, curves = self.settings.model.config, [spread_curve()] if self.settings.reveal else []
        return [MarkedGrid(config, self.settings.n), *curves, pixel_deviation(config)]

    def controls(self) -> list:
        s = self.settings
        dials = [fields.dial(s, "t"), fields.number(s, "n"), fields.number(s, "seed")]
        return [*dials, fields.box(s, "reveal"), *class_buttons(s, {})]


class TraverseScene(GlimpseScene):
    """One image, and one number of its z that the user changes."""

    kind = TraverseSettings
    words = (
        "One number of one z changes from &minus;3 to 3 (three standard deviations to each side); all others stay. The "
        "frame is around the value nearest to the image's own. The bars show how much a small change of each number of "
        "this z changes the image. The network does not use numbers without a bar."
    )

    def views(self) -> list:
        config = self.settings.model.config
        values = tuple(f"{value:+.0f}".replace("-", "\N{MINUS SIGN}") if value else "0" for value in VALUES.tolist())
        return [LabelledRow(config, values), SensitivityBars(), pixel_slopes(config)]

    def controls(self) -> list:
        s = self.settings
        dials = [fields.dial(s, name) for name in ("t", "i") if s.param[name].bounds[1] > 1]
        return [*dials, fields.number(s, "seed"), *class_buttons(s, {})]


class InterpolateScene(GlimpseScene):
    """From one image to another through z."""

    kind = InterpolateSettings
    words = (
        "Random vectors z with many numbers all have about the same length, so they lie near a sphere. The straight "
        "line from A to B leaves this sphere, and the network has never seen such z. Here every z<sub>t</sub> turns "
        "evenly from A's direction to B's instead, and keeps about the same length."
    )

    def views(self) -> list:
        config, n = self.settings.model.config, self.settings.n
        return [LabelledRow(config, ("A", *[""] * (n - 2), "B")), norm_curves(config)]

    def controls(self) -> list:
        s = self.settings
        ends = [fields.choice(s, "a"), fields.choice(s, "b")]
        return [*ends, fields.number(s, "n"), fields.number(s, "seed"), *class_buttons(s, {})]


SCENES = {scene.kind: scene for scene in (ResampleScene, TraverseScene, InterpolateScene)}


class LatentsScene(LiveCell):
    """The chosen experiment with its controls; each scene is made when it is first chosen.

    Args:
        settings: settings of the tab; or a network, which is shown with the settings in `params`.
    """

    network = loads = ""

    def __init__(self, settings: LatentsSettings | DRAW, **params: Any):
        if isinstance(settings, DRAW):
            settings, params = LatentsSettings(settings, **params), {}
        super().__init__(**params)
        self.settings, self.made = settings, {}
        self.room, self.side = layout.column(margin=0), layout.side(margin=0)
        self.settings.param.watch(self.opened, "experiment")
        self.opened()

    @property
    def owners(self) -> tuple[Linkable, ...]:
        return self.settings.owners

    def opened(self, *_events: Any) -> None:
        """Show the chosen experiment."""
        name = self.settings.experiment
        if name not in self.made:
            chosen = self.settings.chosen
            self.made[name] = SCENES[type(chosen)](chosen)
        self.room.objects, self.side.objects = [self.made[name]], self.made[name].controls()

    @property
    def live(self) -> Live:
        """The live view of the chosen experiment."""
        return self.made[self.settings.experiment].live

    def code(self) -> str:
        """Return Python that repeats the run of the chosen experiment."""
        made = self.made[self.settings.experiment]
        made.loads = self.loads
        return made.code()

    def controls(self) -> list:
        """Return the widgets of the settings."""
        return [fields.choice(self.settings, "experiment"), self.side]

    def first(self) -> list:
        """Return what a page shows at once."""
        return [self.room]

    def rest(self) -> list:
        """Return what follows below: nothing, because the chosen scene is complete."""
        return []

    def __panel__(self) -> pn.viewable.Viewable:
        return self.room
